"""The extractor that needs no model: it compares talk with the rubric's sayings, and an answer with its question.

It is the default without an endpoint, labelled as such in every row, and the baseline a model must beat in eval/.
Each one to three lines of a candidate's turn are compared with what people say when they show a signal, and with talk
that shows nothing; the interviewer's words just before shift the odds towards what was asked. It hears wording, not
meaning: docs/evaluation.md says how well that works, and what it cannot see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from pipeline.adapters.ear import DEMANDED, REACH, Ear, Piece, Question
from pipeline.adapters.ear import VERSION as EAR_VERSION
from pipeline.adapters.likeness import VERSION as LIKENESS_VERSION
from pipeline.hashing import content_hash
from pipeline.records import Chunk, Draft, Extraction, Line, ProbeDraft, Role
from pipeline.rubric import Rubric

VERSION = 2


class OfflineExtractor:
    """Points at candidate lines that sound like a signal's sayings."""

    name = "offline"
    model = "cues"

    def __init__(self) -> None:
        self._ears: dict[str, Ear] = {}

    def fingerprint(self, rubric: Rubric) -> str:
        """The rubric's sayings, and the versions of the modules that compare."""
        return content_hash(VERSION, EAR_VERSION, LIKENESS_VERSION, rubric.hash, rubric.sayings_hash)

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        """Drafts and probes for the whole interview; each is filed under the first chunk that holds it whole."""
        ear = self.ear(rubric)
        turns = [list(group) for _, group in groupby(lines, key=lambda line: line.turn)]
        drafts: list[Draft] = []
        probes: list[ProbeDraft] = []
        question: Question | None = None
        before: list[Line] = []
        for turn in turns:
            role = roles.get(turn[0].speaker, "unknown")
            if role == "candidate":
                windows = ear.windows(turn)
                drafts += [
                    d for piece in ear.pieces(turn, windows, question) for d in _drafts(piece, question, chunks, ear)
                ]
                probes += _probes(ear.probes(before, ear.leaning(windows)), chunks)
                question, before = None, []
            else:
                probes += _probes(ear.probes(before), chunks)
                before = turn if role == "interviewer" else []
                question = ear.question(turn) if before else None
        probes += _probes(ear.probes(before), chunks)
        return Extraction(
            extractor=self.name,
            model=self.model,
            prompt_hash=rubric.sayings_hash,
            drafts=tuple(drafts),
            probes=tuple(probes),
        )

    def ear(self, rubric: Rubric) -> Ear:
        """The rubric's sayings, fitted once."""
        key = self.fingerprint(rubric)
        if key not in self._ears:
            self._ears[key] = Ear(rubric)
        return self._ears[key]


class OfflinePrefilter:
    """A Prefilter: spares a model the chunks in which the offline extractor hears nothing clearer than `least`."""

    def __init__(self, least: float) -> None:
        self._least = least
        self._extractor = OfflineExtractor()

    def fingerprint(self, rubric: Rubric) -> str:
        """The bound, and all that the offline extractor goes by."""
        return content_hash(self._least, self._extractor.fingerprint(rubric))

    def quiet(
        self, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> frozenset[tuple[int, str]]:
        """Chunks and pillars that nothing speaks for: no answer as clear as the bound, and no question."""
        ear = self._extractor.ear(rubric)
        silent = []
        for chunk in chunks:
            turns = groupby(lines[chunk.first_line - 1 : chunk.last_line], key=lambda line: line.turn)
            heard = np.zeros(len(ear.pillars))
            for turn in (list(group) for _, group in turns):
                role = roles.get(turn[0].speaker, "unknown")
                if role == "candidate":
                    heard = np.maximum(heard, ear.leaning(ear.windows(turn)))
                elif role == "interviewer":
                    asked = {pillar for _, pillar in ear.probes(turn)}
                    heard = np.maximum(heard, [float(pillar in asked) for pillar in ear.pillars])
            silent += [
                (chunk.chunk, pillar) for pillar, clear in zip(ear.pillars, heard, strict=True) if clear < self._least
            ]
        return frozenset(silent)


def _holding(chunks: Sequence[Chunk], first: int, last: int) -> Chunk | None:
    return next((chunk for chunk in chunks if chunk.first_line <= first and last <= chunk.last_line), None)


def _probes(asked: Sequence[tuple[int, str]], chunks: Sequence[Chunk]) -> list[ProbeDraft]:
    return [
        ProbeDraft(chunk=chunk.chunk, pillar=pillar, line=line)
        for line, pillar in asked
        if (chunk := _holding(chunks, line, line))
    ]


def _drafts(piece: Piece, question: Question | None, chunks: Sequence[Chunk], ear: Ear) -> Iterator[Draft]:
    for signal in piece.signals:
        asked = question.line if question and ear.demands(question, signal) >= DEMANDED else None
        asked = asked if asked is not None and piece.first - asked <= REACH else None
        both = _holding(chunks, asked, piece.last) if asked is not None else None
        chunk = both or _holding(chunks, piece.first, piece.last)
        if chunk:
            yield Draft(
                chunk=chunk.chunk,
                pillar=ear.pillar_of[signal],
                signal=signal,
                first=piece.first,
                last=piece.last,
                prompted_by=asked if both else None,
            )
