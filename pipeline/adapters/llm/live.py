"""A live endpoint behind the LLM port: limits, tries, a dialect that is learned, and the raw answer on disk first.

complete     from disk, or: probe once -> slot -> try -> keep -> read
tries        a request has `deadline_s` in all; waiting that the endpoint asked for is counted apart and bounded
circuit      the first request of a run, or five in a row, and then a made-up question: all for nothing ends the run
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from pipeline.adapters.llm.address import Address
from pipeline.adapters.llm.budget import Budget, Meter, estimate_tokens
from pipeline.adapters.llm.dialect import Dialect, Profile
from pipeline.adapters.llm.envelope import characters, read_envelope, too_long, usage_of
from pipeline.adapters.llm.kept import LONGEST_FAULT, Attempt, Kept, KeptAnswers
from pipeline.adapters.llm.post import STOPS, Fault, connect, post
from pipeline.adapters.llm.probe import Findings, answers, longest_for, probe
from pipeline.errors import AnswerError, EndpointError, RunStopError
from pipeline.records import ModelAnswer, ModelRequest
from pipeline.settings import Llm

if TYPE_CHECKING:
    from openai import AsyncOpenAI

IN_A_ROW = 5  # requests without any answer after which the endpoint counts as down
LONGEST_BACKOFF_S = 8.0
Say = Callable[[str], None]


class _Pile:
    """Answers that are put on the disk together. `fault`: why they could not be; each of them fails by it."""

    def __init__(self) -> None:
        self.answers: list[Kept] = []
        self.done = anyio.Event()
        self.fault: Exception | None = None


class LiveLLM:
    """An OpenAI-compatible endpoint. Use it within one event loop and `aclose` it there."""

    def __init__(
        self,
        settings: Llm,
        model: str,
        address: Address,
        profile: Profile,
        key: str,
        kept: KeptAnswers,
        say: Say,
        *,
        backoff_s: float = 0.5,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint, self.model, self.local = address.endpoint, model, address.local
        self.temperature, self.max_output_tokens = settings.temperature, settings.max_output_tokens
        self.extra = profile.extra
        self.settings, self.address, self.profile, self.kept, self.say = settings, address, profile, kept, say
        self.budget = Budget(
            concurrency=settings.concurrency,
            per_minute=settings.requests_per_minute,
            max_tokens=settings.max_total_tokens,
            max_cost=settings.max_cost,
            input_price=settings.input_price or profile.input_price,
            output_price=settings.output_price or profile.output_price,
            currency=profile.currency,
        )
        self.dialect = kept.dialect(self.endpoint, model) or Dialect(
            answer_format=profile.answer_format, max_tokens=profile.max_tokens, temperature=profile.temperature
        )
        self._checked = kept.checked(self.endpoint, model)
        self.tokens_per_character: float | None = self._checked.get("tokens_per_character")
        self._probing = anyio.Lock()
        self._key, self.backoff_s, self.sleep, self.clock = key, backoff_s, sleep, clock
        self._client: AsyncOpenAI | None = None
        self._named = False
        self._resume_at = 0.0  # before this moment nobody asks: the endpoint said so
        self._failed_in_a_row = 0
        self._heard = False  # whether this run had any answer
        self._ended: RunStopError | None = None
        self._writing = anyio.Lock()
        self._pile = _Pile()
        self._under_way: dict[str, anyio.Lock] = {}

    @property
    def meter(self) -> Meter:
        """What was used so far."""
        return self.budget.meter

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        """The raw answer, from disk when there is one. Raises AnswerError, EndpointError or RunStopError."""
        name = request.hash
        try:
            async with self._under_way.setdefault(name, anyio.Lock()):
                before = self.kept.read(name)
                if before is not None and before.too_long:
                    raise too_long(request)
                if before is not None and before.raw is not None:
                    self.budget.meter.cached += 1
                    return self._read(before, None).model_copy(update={"cached": True})
                await self._preflight(request)
                async with self.budget.slot(self._expected(request), request.max_output_tokens):
                    if self._ended is not None:
                        raise self._ended  # others waited for a place when the run was ended
                    kept = await self._ask(request, before)
        finally:
            self._under_way.pop(name, None)
        return self._read(kept, self.tokens_per_character)

    def turn_down(self, request_hash: str) -> None:
        """Ask again the next time: the kept answer could not be accepted."""
        self.kept.turn_down(request_hash)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None
            gc.unfreeze()

    async def _ask(self, request: ModelRequest, before: Kept | None) -> Kept:
        """Ask until there is an answer or none will come; what happened is on disk either way."""
        kept = before or Kept(request=request, dialect=self.dialect)
        attempts: list[Attempt] = []
        try:
            dialect, raw = await self.speak(request, attempts)
        except Fault as fault:
            more = {"attempts": (*kept.attempts, *attempts), "too_long": fault.kind == "too-long"}
            await self._keep(kept.model_copy(update=more))
            raise await self._no_answer(request, fault) from None
        kept = kept.model_copy(
            update={"dialect": dialect, "raw": raw, "attempts": (*kept.attempts, *attempts), "via": "live"}
        )
        await self._keep(kept)
        self._failed_in_a_row, self._heard = 0, True
        self.count(request, raw, attempts)
        return kept

    def count(self, request: ModelRequest, raw: str, attempts: list[Attempt]) -> None:
        """Count a call that was answered; by our own estimate where the endpoint counts no tokens."""
        asked, answered = usage_of(raw)
        seconds = sum(attempt.seconds for attempt in attempts)
        self.budget.used(asked or self._expected(request), answered or estimate_tokens(len(raw)), seconds)

    async def look_over(self, longest: int) -> Findings:
        """Probe the endpoint with prompts of up to `longest` characters and remember what was found."""
        found = await probe(self, longest)
        if found.fault is None:
            self._checked = found.kept()
            self.tokens_per_character = found.tokens_per_character
            self.kept.learn(self.endpoint, self.model, self.dialect, self._checked)
        return found

    async def _preflight(self, request: ModelRequest) -> None:
        """Before the first transcript goes there, and before one much longer than the probe was."""
        async with self._probing:
            if self._ended is not None:
                raise self._ended
            if not self.settings.preflight or characters(request) <= self._checked.get("longest", 0):
                return
            try:
                found = await self.look_over(longest_for(request))
            except Fault as fault:
                if fault.kind not in STOPS and fault.kind != "rate":
                    raise self._stop(f"does not answer ({_shown(fault)})") from None
                raise self._nothing_came(request, fault) from None
            except AnswerError as error:
                step = "name it in llm.answers_as if it is the same model; verbatim doctor shows more."
                raise self._not_passed(error.what.split(": ", 1)[-1], step) from None
            if found.fault is not None:
                raise self._not_passed(found.fault.detail, found.fault.next_step)

    def _not_passed(self, what: str, next_step: str) -> RunStopError:
        self._ended = RunStopError(
            f"{self.address.host} does not pass its probe: {what}.",
            kept="nothing of this run was sent there.",
            next_step=next_step,
        )
        return self._ended

    def _expected(self, request: ModelRequest) -> int:
        return estimate_tokens(characters(request), self.tokens_per_character)

    async def _keep(self, kept: Kept) -> None:
        """On disk before anything else, even while the run is being stopped; what comes meanwhile is the next pile."""
        pile = self._pile
        pile.answers.append(kept)
        with anyio.CancelScope(shield=True):
            if len(pile.answers) > 1:
                await pile.done.wait()
            else:
                async with self._writing:
                    self._pile = _Pile()
                    try:
                        await anyio.to_thread.run_sync(self.kept.write, *pile.answers)
                    except Exception as fault:
                        pile.fault = fault
                    pile.done.set()
        if pile.fault is not None:
            raise pile.fault

    async def speak(self, request: ModelRequest, attempts: list[Attempt]) -> tuple[Dialect, str]:
        """Deliver the request, in the next dialect whenever the endpoint refuses the form of the last."""
        while True:
            dialect = self.dialect
            try:
                return dialect, await self._deliver(dialect.body(request), attempts)
            except Fault as fault:
                if fault.kind != "refused-form":
                    raise
                following = dialect.after_refusal(fault.hints)
                if following is None:
                    raise Fault("bad-request", status=fault.status) from None
                if self.dialect == dialect:
                    self.dialect = following
                    self.kept.learn(self.endpoint, self.model, following, self._checked)

    async def _deliver(self, body: dict[str, Any], attempts: list[Attempt]) -> str:
        """Try until the total deadline or the tries are used up. Raises the last Fault."""
        left_s, paused_s, tries, told = self.settings.deadline_s, 0.0, 0, 0
        while True:
            await self._wait_for_leave()
            self.connection()  # importing the client must not count as the endpoint's time
            started = time.monotonic()
            try:
                raw = await self._try(body, left_s)
            except Fault as fault:
                attempts.append(_attempt(time.monotonic() - started, fault))
                left_s -= attempts[-1].seconds
                if fault.kind == "rate":
                    told += 1
                    pause_s = max(fault.retry_after_s or 0.0, self._backoff(told))
                    paused_s += pause_s
                    if paused_s > self.settings.max_pause_s:
                        raise
                    self._resume_at = max(self._resume_at, self.clock() + pause_s)
                    continue
                tries += 1
                pause_s = min(max(self._backoff(tries), fault.retry_after_s or 0.0), LONGEST_BACKOFF_S)
                if tries >= self._tries(fault) or left_s <= pause_s:
                    raise
                await self.sleep(pause_s)
                left_s -= pause_s
            else:
                attempts.append(_attempt(time.monotonic() - started))
                return raw

    def _tries(self, fault: Fault) -> int:
        """How often a fault of that kind is worth trying."""
        if fault.kind in ("server", "connection", "timeout"):
            return self.settings.max_tries
        return 2 if fault.kind == "garbled" else 1

    def connection(self) -> AsyncOpenAI:
        """The client, made when it is first needed."""
        if self._client is None:
            settings = self.settings
            self._client = connect(
                self.endpoint,
                self._key,
                deadline_s=settings.deadline_s,
                local=self.local,
            )
            gc.freeze()  # all that is loaded by now stays, and looking it over once more holds up every answer by 80 ms
        return self._client

    async def _try(self, body: dict[str, Any], left_s: float) -> str:
        client = self.connection()
        if not self._named:
            self._named = True
            self._name_host()
        try:
            with anyio.fail_after(max(left_s, 0.001)):
                return await post(client, body)
        except TimeoutError:
            raise Fault("timeout") from None

    async def _wait_for_leave(self) -> None:
        """Nobody asks before the moment the endpoint named."""
        while (wait_s := self._resume_at - self.clock()) > 0:
            await self.sleep(wait_s)

    def _backoff(self, tries: int) -> float:
        """Half a second, doubled each time, spread so that many callers do not come back together."""
        longest: float = min(self.backoff_s * 2 ** (tries - 1), LONGEST_BACKOFF_S)
        return longest * random.uniform(0.75, 1.25)  # noqa: S311 - no secret

    async def _no_answer(self, request: ModelRequest, fault: Fault) -> EndpointError | AnswerError:
        """The error for a request that came to nothing; the first, and the fifth in a row, ask if anybody is there.

        An endpoint that answers a made-up question is: what fails is an interview that it cannot take, and the others
        go on. Not so after five of which the last timed out: one too slow for our requests is quick with that one.
        """
        error = self._nothing_came(request, fault)
        if isinstance(error, (RunStopError, AnswerError)):
            return error
        self._failed_in_a_row += 1
        async with self._probing:
            if self._ended is not None:
                return self._ended
            many = self._failed_in_a_row >= IN_A_ROW
            if many and (fault.kind == "timeout" or not await answers(self)):
                return self._stop(f"gave no answer to {IN_A_ROW} requests in a row")
            if not many and not self._heard and not await answers(self):
                return self._stop(f"does not answer ({_shown(fault)})")
            self._heard = True
            self._failed_in_a_row = 0 if many else self._failed_in_a_row
        return error

    def _nothing_came(self, request: ModelRequest, fault: Fault) -> EndpointError | AnswerError:
        """What a fault means for its request, or for the run."""
        if fault.kind in STOPS:
            return self._stop(STOPS[fault.kind])
        if fault.kind == "rate":
            return self._stop(f"asks to wait longer than llm.max_pause_s ({self.settings.max_pause_s:.0f} s)")
        if fault.kind == "too-long":
            return too_long(request)
        if fault.kind in ("bad-request", "refused-form"):
            return AnswerError(
                f"request {request.hash}: the endpoint refused the request (status {fault.status})", fault="bad-request"
            )
        return EndpointError(
            f"request {request.hash}: no answer from {self.address.host} ({_shown(fault)})",
            kept="every answer so far.",
            next_step="run again; verbatim doctor looks at the endpoint.",
        )

    def _stop(self, what: str) -> RunStopError:
        self._ended = RunStopError(
            f"{self.address.host} {what}.",
            kept="every answer and every finished interview.",
            next_step="verbatim doctor looks at the endpoint; the same command goes on from here.",
        )
        return self._ended

    def _read(self, kept: Kept, ratio: float | None) -> ModelAnswer:
        """The kept answer. Only a new one is held against the tokens its prompt should have: an old one was."""
        assert kept.raw is not None
        answer = read_envelope(kept.raw, kept.request, answers_as=self.settings.answers_as, tokens_per_character=ratio)
        seconds = sum(attempt.seconds for attempt in kept.attempts)
        return answer.model_copy(update={"seconds": round(seconds, 3), "attempts": max(len(kept.attempts), 1)})

    def _name_host(self) -> None:
        if not self.local:
            how = "" if self.address.encrypted else ", not encrypted on the way"
            self.say(f"Transcripts go to {self.address.host}{how} (model {self.model}).")


def _shown(fault: Fault) -> str:
    return f"{fault.kind}, status {fault.status}" if fault.status else fault.kind


def _attempt(seconds: float, fault: Fault | None = None) -> Attempt:
    raw = fault.raw[:LONGEST_FAULT] if fault is not None and fault.raw else None
    return Attempt(
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=round(seconds, 3),
        status=fault.status if fault is not None else 200,
        fault=fault.kind if fault is not None else None,
        raw=raw,
    )
