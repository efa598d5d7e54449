"""A person's pointing: a stretch of the transcript and a signal become a span, by the same rules as the machine's.

Nothing here takes text: a correction names offsets and ids, so what it adds is verbatim by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.errors import ReviewError
from pipeline.hashing import content_hash
from pipeline.records import Evidence, Line, Word
from pipeline.rubric import Pillar, Rubric

MAX_LINES = 3
MAX_REASON = 1000


def point(
    transcript_hash: str,
    words: Sequence[Word],
    lines: Sequence[Line],
    roles: Mapping[str, str],
    rubric: Rubric,
    *,
    start: int,
    end: int,
    signal: str,
    prompted_by: int | None = None,
) -> Evidence:
    """The span that covers every word touched by `start`..`end` (code points), as evidence of `signal`.

    Raises ReviewError when it is not one to three lines of one turn of the candidate, or the signal is unknown.
    """
    touched = [word for word in words if word.start < end and word.end > start]
    if not touched:
        raise ReviewError("Select some of the candidate's words first.")
    first, last = touched[0], touched[-1]
    within = [line for line in lines if line.start < last.end and line.end > first.start]
    if any(roles.get(line.speaker) != "candidate" for line in within):
        raise ReviewError("Evidence comes from the candidate's words only; this touches another speaker's.")
    if len({line.turn for line in within}) > 1 or len(within) > MAX_LINES:
        raise ReviewError(f"Select at most {MAX_LINES} lines of one turn.")
    pillar = _pillar_of(rubric, signal)
    return Evidence(
        evidence_id=f"p-{content_hash(transcript_hash, first.start, last.end, signal)}",
        pillar=pillar.id,
        signal=signal,
        polarity=pillar.by_id[signal].polarity,
        start=first.start,
        end=last.end,
        first_line=within[0].line,
        last_line=within[-1].line,
        start_s=first.start_s,
        end_s=max(word.end_s for word in touched),
        speaker=within[0].speaker,
        prompted_by=prompted_by,
        request_hash=None,
        rubric_hash=pillar.hash,
    )


def relabelled(piece: Evidence, transcript_hash: str, rubric: Rubric, signal: str) -> Evidence:
    """The same span under another signal. Raises ReviewError when it is unknown or the one it has."""
    pillar = _pillar_of(rubric, signal)
    if signal == piece.signal:
        raise ReviewError("It has this signal already.")
    return piece.model_copy(
        update={
            "evidence_id": f"p-{content_hash(transcript_hash, piece.start, piece.end, signal)}",
            "pillar": pillar.id,
            "signal": signal,
            "polarity": pillar.by_id[signal].polarity,
            "request_hash": None,
            "rubric_hash": pillar.hash,
        }
    )


def reason_of(text: str | None) -> str:
    """The reason a person typed, required and bounded."""
    reason = " ".join((text or "").split())
    if not any(letter.isalnum() for letter in reason):
        raise ReviewError("Say why, in a few words.")
    if len(reason) > MAX_REASON:
        raise ReviewError(f"Keep the reason under {MAX_REASON} characters.")
    return reason


def _pillar_of(rubric: Rubric, signal: str) -> Pillar:
    pillar = rubric.pillar_of.get(signal)
    if pillar is None:
        raise ReviewError("The rubric has no such signal.")
    return next(p for p in rubric.pillars if p.id == pillar)
