"""An LLM that asks nobody: it gives the answers at hand and notes the requests that are still to be asked."""

from __future__ import annotations

from pipeline.adapters.llm.dialect import Dialect
from pipeline.adapters.llm.envelope import read_envelope, too_long
from pipeline.adapters.llm.kept import KeptAnswers
from pipeline.adapters.llm.opening import resolve
from pipeline.errors import AnswerError
from pipeline.records import ModelAnswer, ModelRequest
from pipeline.settings import Llm


class PendingLLM:
    """Same endpoint, model and limits as a live one, so that hashes, bodies and finished work are the same."""

    def __init__(self, settings: Llm, kept: KeptAnswers) -> None:
        self.model, address, self.profile = resolve(settings)
        self.endpoint, self.local = address.endpoint, address.local
        self.temperature, self.max_output_tokens = settings.temperature, settings.max_output_tokens
        self.extra = self.profile.extra
        self.answers_as = settings.answers_as
        self.kept = kept
        self.checked = kept.checked(self.endpoint, self.model)
        self.dialect = kept.dialect(self.endpoint, self.model) or Dialect(
            answer_format=self.profile.answer_format,
            max_tokens=self.profile.max_tokens,
            temperature=self.profile.temperature,
        )
        self.requests: dict[str, ModelRequest] = {}

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        """The answer at hand. Raises AnswerError with the fault `pending` when there is none."""
        name = request.hash
        kept = self.kept.read(name)
        if kept is not None and kept.too_long:
            raise too_long(request)
        if kept is None or kept.raw is None:
            self.requests[name] = request
            raise AnswerError(f"request {name}: not answered yet", fault="pending")
        return read_envelope(kept.raw, request, answers_as=self.answers_as).model_copy(update={"cached": True})

    def turn_down(self, request_hash: str) -> None:
        """Ask again the next time, as a live endpoint would."""
        self.kept.turn_down(request_hash)
