"""What the pipeline asks of the outside world. Anything with these shapes will do; tests/contracts checks each.

Adapters are picked in one plain dict in `runner`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pipeline.records import Chunk, Extraction, Heard, Line, ModelAnswer, ModelRequest, Role
from pipeline.rubric import Rubric


class Transcriber(Protocol):
    """Turns samples into words with times and probabilities."""

    def fingerprint(self) -> str:
        """All that shapes an answer besides the samples: weights, settings, versions."""
        ...

    def prepare(self) -> None:
        """Load what hearing needs, while there is time; `hear` would do it otherwise."""
        ...

    def hear(
        self, samples: object, *, speaker: str, on_progress: Callable[[float, float], None] | None = None
    ) -> Heard:
        """Words in `samples` (float32, mono, 16 kHz), labelled with `speaker`."""
        ...


class Extractor(Protocol):
    """Points at lines that are evidence for a pillar. It returns line numbers and rubric ids, never text."""

    name: str
    model: str

    def fingerprint(self, rubric: Rubric) -> str:
        """All that shapes an answer besides the lines."""
        ...

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        """Drafts and probes for every chunk and pillar, or an error that names the chunk; never half of them."""
        ...


class Prefilter(Protocol):
    """Knows without a model which chunks have nothing to say about a pillar."""

    def fingerprint(self, rubric: Rubric) -> str:
        """All that shapes an answer besides the lines."""
        ...

    def quiet(
        self, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> frozenset[tuple[int, str]]:
        """Chunk numbers with pillars that need no request."""
        ...


class LLM(Protocol):
    """A model endpoint: live, or recorded."""

    endpoint: str
    model: str
    temperature: float | None
    max_output_tokens: int

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        """The raw answer, from disk when this request was answered before. Raises AnswerError or EndpointError."""
        ...


class AnyLLM(LLM, Protocol):
    """An LLM with what the runner needs besides: where it is, and what becomes of answers that cannot be used."""

    local: bool

    def turn_down(self, request_hash: str) -> None:
        """Do not use this answer again."""
        ...
