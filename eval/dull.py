"""The dull alternatives an extractor must beat. Each points like any extractor and goes through the same verifier.

They take one piece for every `WORDS_A_PIECE` words of the candidate, about as dense as gold evidence, which is a help
that no real solver gets; or as many as another solver did, to be compared with it guess for guess.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pipeline.hashing import content_hash
from pipeline.records import Chunk, Draft, Extraction, Line, Role
from pipeline.rubric import Rubric

WORDS_A_PIECE = 45
_WORD = re.compile(r"[a-z]{4,}")
_STOP = frozenset(
    re.findall(
        r"\w+",
        "that this with what from have they them then than when into over your about other others first asks says "
        "puts gives uses takes does each only both without before after until there their code while",
    )
)


class Hit(NamedTuple):
    """A line and the signal it is said to show."""

    line: int
    pillar: str
    signal: str


Pick = Callable[[str, Sequence[Line], Rubric, int], list[Hit]]  # the last: how many


def _room(lines: Sequence[Line]) -> int:
    return max(1, sum(len(line.text.split()) for line in lines) // WORDS_A_PIECE)


def _labels(rubric: Rubric) -> list[tuple[str, str]]:
    return [(pillar.id, signal.id) for pillar in rubric.pillars for signal in pillar.signals]


def random_lines(interview_id: str, lines: Sequence[Line], rubric: Rubric, room: int) -> list[Hit]:
    """Lines by lot, a signal by lot."""
    rng = random.Random(interview_id)  # noqa: S311
    chosen = rng.sample(list(lines), min(room, len(lines)))
    return [Hit(line.line, *rng.choice(_labels(rubric))) for line in chosen]


def longest_lines(interview_id: str, lines: Sequence[Line], rubric: Rubric, room: int) -> list[Hit]:
    """The longest lines, a signal by lot."""
    rng = random.Random(interview_id)  # noqa: S311
    ranked = sorted(lines, key=lambda line: (-len(line.text.split()), line.line))
    return [Hit(line.line, *rng.choice(_labels(rubric))) for line in ranked[:room]]


def keywords(_interview_id: str, lines: Sequence[Line], rubric: Rubric, room: int) -> list[Hit]:
    """Lines with most words of a signal's own description, by the first five letters."""
    stems = {
        (pillar.id, signal.id): {w[:5] for w in _WORD.findall(signal.text.lower()) if w not in _STOP}
        for pillar in rubric.pillars
        for signal in pillar.signals
    }
    hits = []
    for line in lines:
        words = {w[:5] for w in _WORD.findall(line.text.lower())}
        label, shared = max(((label, len(words & own)) for label, own in stems.items()), key=lambda pair: pair[1])
        if shared:
            hits.append((shared, Hit(line.line, *label)))
    hits.sort(key=lambda pair: (-pair[0], pair[1].line))
    return [hit for _, hit in hits[:room]]


class DullExtractor:
    """An Extractor around one of the picks above."""

    def __init__(self, name: str, pick: Pick, room: Mapping[str, int] | None = None) -> None:
        """`room`: how many pieces an interview is to have, by its id; by its length otherwise."""
        self.name = name
        self.model = "dull"
        self.pick = pick
        self.room = room

    def fingerprint(self, rubric: Rubric) -> str:
        """The pick and the rubric's labels."""
        return content_hash(self.name, WORDS_A_PIECE, rubric.hash)

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        """Drafts in the first chunk that holds the line."""
        own = [line for line in lines if roles.get(line.speaker) == "candidate"]
        room = _room(own) if self.room is None else self.room[interview_id]
        drafts = [
            Draft(
                chunk=_chunk_of(hit.line, chunks), pillar=hit.pillar, signal=hit.signal, first=hit.line, last=hit.line
            )
            for hit in sorted(self.pick(interview_id, own, rubric, room))
        ]
        return Extraction(extractor=self.name, model=self.model, prompt_hash="", drafts=tuple(drafts))


def _chunk_of(line: int, chunks: Sequence[Chunk]) -> int:
    return next(chunk.chunk for chunk in chunks if chunk.first_line <= line <= chunk.last_line)


DULL: dict[str, Pick] = {"random": random_lines, "longest": longest_lines, "keywords": keywords}
