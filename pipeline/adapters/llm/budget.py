"""What a run may use, and what it has used: tokens, cost, requests a minute, requests at once."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from pipeline.errors import RunStopError

CHARACTERS_PER_TOKEN = 3.5  # of English with line numbers, until the endpoint's own counts are known


@dataclass
class Meter:
    """What was used since it was made. `cost` stays 0 without prices."""

    calls: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    currency: str = ""

    @property
    def tokens(self) -> int:
        """Both directions."""
        return self.input_tokens + self.output_tokens

    def __str__(self) -> str:
        parts = [f"{self.calls} calls, {self.cached} from disk"]
        if self.calls:
            parts.append(f"{self.input_tokens:,} + {self.output_tokens:,} tokens")
        if self.cost:
            parts.append(f"about {self.cost:.2f} {self.currency}".rstrip())
        return "; ".join(parts)


class Budget:
    """Lets a call go when it may: at most `concurrency` at once, `per_minute` starts a minute, and never more than one
    call beyond a cap. While a cap is near, calls wait for those under way; when it is reached, RunStopError."""

    def __init__(
        self,
        *,
        concurrency: int,
        per_minute: int = 0,
        max_tokens: int = 0,
        max_cost: float = 0.0,
        input_price: float = 0.0,
        output_price: float = 0.0,
        currency: str = "",
    ) -> None:
        self.meter = Meter(currency=currency)
        self._limiter = anyio.CapacityLimiter(concurrency)
        self._interval_s = 60.0 / per_minute if per_minute else 0.0
        self._next_start = 0.0
        self._caps = (max_tokens, max_cost)
        self._prices = (input_price / 1e6, output_price / 1e6)
        self._held = [0, 0.0]  # tokens and cost of calls under way, as estimated
        self._under_way = 0
        self._freed = anyio.Event()

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """Cost of so many tokens; 0 without prices."""
        return input_tokens * self._prices[0] + output_tokens * self._prices[1]

    @asynccontextmanager
    async def slot(self, input_tokens: int, output_tokens: int) -> AsyncIterator[None]:
        """Hold a place for a call that is expected to take so many tokens at most."""
        async with self._limiter:
            await self._below_caps()
            tokens, cost = input_tokens + output_tokens, self.cost(input_tokens, output_tokens)
            self._held[0] += tokens
            self._held[1] += cost
            self._under_way += 1
            try:
                await self._pace()
                yield
            finally:
                self._under_way -= 1
                self._held[0] -= tokens
                self._held[1] -= cost
                self._freed.set()
                self._freed = anyio.Event()

    def used(self, input_tokens: int, output_tokens: int, seconds: float) -> None:
        """Count a call that was made."""
        self.meter.calls += 1
        self.meter.input_tokens += input_tokens
        self.meter.output_tokens += output_tokens
        self.meter.seconds += seconds
        self.meter.cost += self.cost(input_tokens, output_tokens)

    async def _below_caps(self) -> None:
        used = (self.meter.tokens, self.meter.cost)
        while any(cap and use + held >= cap for cap, use, held in zip(self._caps, used, self._held, strict=True)):
            if any(cap and use >= cap for cap, use in zip(self._caps, used, strict=True)) or not self._under_way:
                raise RunStopError(
                    f"the cap of this run is reached: {self.meter}.",
                    kept="every answer and every finished interview.",
                    next_step="run again to go on, or raise llm.max_total_tokens or llm.max_cost.",
                )
            await self._freed.wait()
            used = (self.meter.tokens, self.meter.cost)

    async def _pace(self) -> None:
        if not self._interval_s:
            return
        now = time.monotonic()
        start = max(now, self._next_start)
        self._next_start = start + self._interval_s
        await anyio.sleep(start - now)


def estimate_tokens(characters: int, tokens_per_character: float | None = None) -> int:
    """Tokens of so many characters, by the endpoint's own counts where a probe has measured them."""
    return round(characters * (tokens_per_character or 1 / CHARACTERS_PER_TOKEN))
