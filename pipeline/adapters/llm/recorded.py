"""Answers from disk only: a finished batch again, a cassette in a test, a gold set with recorded answers."""

from __future__ import annotations

from pipeline.adapters.llm.address import Address
from pipeline.adapters.llm.budget import Meter
from pipeline.adapters.llm.dialect import Profile
from pipeline.adapters.llm.envelope import read_envelope, too_long
from pipeline.adapters.llm.kept import KeptAnswers
from pipeline.errors import EndpointError
from pipeline.records import ModelAnswer, ModelRequest
from pipeline.settings import Llm


class RecordedLLM:
    """Replays a folder of kept answers. Whatever was not recorded is an error that names the request."""

    def __init__(self, address: Address, model: str, profile: Profile, kept: KeptAnswers, settings: Llm) -> None:
        self.endpoint, self.local, self.model, self.kept = address.endpoint, address.local, model, kept
        self.extra = profile.extra
        self.temperature, self.max_output_tokens = settings.temperature, settings.max_output_tokens
        self.answers_as = settings.answers_as
        self.meter = Meter()

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        """The recorded answer. Raises EndpointError on a miss and AnswerError for a recorded fault."""
        kept = self.kept.read(request.hash)
        if kept is not None and kept.too_long:
            raise too_long(request)
        if kept is None or kept.raw is None:
            raise EndpointError(
                f"request {request.hash} ({self.model} at {self.endpoint}, {len(request.messages)} messages) "
                f"has no recorded answer in {self.kept.folder}.",
                kept="every recorded answer.",
                next_step="unset llm.replay to ask the endpoint, or read a batch file that holds it.",
            )
        self.meter.cached += 1
        answer = read_envelope(kept.raw, request, answers_as=self.answers_as)
        seconds = round(sum(attempt.seconds for attempt in kept.attempts), 3)
        return answer.model_copy(update={"cached": True, "seconds": seconds, "attempts": max(len(kept.attempts), 1)})

    def turn_down(self, request_hash: str) -> None:
        """Nothing: a recording is not changed by being played."""

    async def aclose(self) -> None:
        """Nothing to close."""
