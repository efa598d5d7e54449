"""The extractor that needs no model: the rubric's cues, matched line by line.

It is the default without an endpoint, labelled as such in every row, and the baseline a model must beat in eval/.
It sees words, not meaning: docs/evaluation.md says what it cannot see, with figures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from pipeline.hashing import content_hash
from pipeline.records import Chunk, Draft, Extraction, Line, ProbeDraft, Role
from pipeline.rubric import Pillar, Rubric

VERSION = 1
MIN_WORDS = 4
HINT = re.compile(
    r"\b(what (if|about|happens)|how about|have you (considered|thought)|could you|can you|would you also|"
    r"don'?t forget|try to|consider|hint|maybe (look|try|think))\b"
)
GENERIC = re.compile(
    r"\b(is (always |very |really |super )?(important|crucial|key|essential)|best practices?|in general|generally|"
    r"(people|everyone|you) should always|as they say|i believe in|i'?m (very|really|super) (good|strong|passionate))\b"
)


class OfflineExtractor:
    """Points at candidate lines that carry a cue of a signal."""

    name = "offline"
    model = "cues"

    def fingerprint(self, rubric: Rubric) -> str:
        """The rubric's cues and this module's version."""
        return content_hash(VERSION, rubric.hash)

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        """Drafts and probes for the whole interview; each line is looked at once, in the chunk that holds it first."""
        drafts: list[Draft] = []
        probes: list[ProbeDraft] = []
        seen = 0
        for chunk in chunks:
            for number in range(max(seen + 1, chunk.first_line), chunk.last_line + 1):
                line = lines[number - 1]
                role = roles.get(line.speaker, "unknown")
                text = line.text.lower().replace("’", "'")
                if role == "interviewer":
                    probes += [
                        ProbeDraft(chunk=chunk.chunk, pillar=pillar.id, line=number)
                        for pillar in rubric.pillars
                        if any(pattern.search(text) for pattern in _asks(pillar))
                    ]
                elif role == "candidate" and len(text.split()) >= MIN_WORDS and not GENERIC.search(text):
                    hint = _hint_before(lines, roles, chunk, number)
                    drafts += [
                        Draft(
                            chunk=chunk.chunk,
                            pillar=pillar.id,
                            signal=signal,
                            first=number,
                            last=number,
                            prompted_by=hint,
                        )
                        for pillar in rubric.pillars
                        for signal, cues in _cues(pillar).items()
                        if any(cue.search(text) for cue in cues)
                    ]
            seen = max(seen, chunk.last_line)
        return Extraction(
            extractor=self.name,
            model=self.model,
            prompt_hash=f"cues-{VERSION}",
            drafts=tuple(drafts),
            probes=tuple(probes),
        )


@lru_cache(maxsize=64)
def _cues(pillar: Pillar) -> dict[str, list[re.Pattern[str]]]:
    return {signal.id: [re.compile(cue) for cue in signal.cues] for signal in pillar.signals}


@lru_cache(maxsize=64)
def _asks(pillar: Pillar) -> list[re.Pattern[str]]:
    return [re.compile(ask) for ask in pillar.asks]


def _hint_before(lines: Sequence[Line], roles: dict[str, Role], chunk: Chunk, number: int) -> int | None:
    """The interviewer's line right before this turn, when it hints at something rather than asks in general."""
    turn = lines[number - 1].turn
    before = number - 1
    while before >= chunk.first_line and lines[before - 1].turn == turn:
        before -= 1
    if before < chunk.first_line or roles.get(lines[before - 1].speaker) != "interviewer":
        return None
    if number - before > 2 or not HINT.search(lines[before - 1].text.lower().replace("’", "'")):
        return None
    return before
