"""Drafts to evidence or rejections. The only way into the record, for every extractor alike.

A draft holds when its lines exist in its chunk, are one to three of the candidate's lines in a row, its signal belongs
to the pillar that was asked about, and what is said to have prompted it is an earlier line of an interviewer. Nothing
else decides; nothing is dropped without a reason; drafts = evidence + rejections.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.hashing import content_hash
from pipeline.records import (
    Chunk,
    Draft,
    Evidence,
    Extraction,
    Line,
    Probe,
    ProbeDraft,
    Reason,
    Rejection,
    Role,
    Verified,
)
from pipeline.rubric import Rubric

VERSION = 1
MAX_LINES = 3
_KNOWN_FAULTS: dict[Reason, str] = {
    "unsupported": "a second look at the quote alone did not find the signal",
    "not_located": "the model's text does not stand in what was said",
}


def verify(
    transcript_hash: str,
    lines: Sequence[Line],
    roles: dict[str, Role],
    chunks: Sequence[Chunk],
    rubric: Rubric,
    extraction: Extraction,
) -> Verified:
    """Check every draft and probe of an extraction against the transcript's lines, the roles and the rubric."""
    desk = _Desk(transcript_hash, lines, roles, {chunk.chunk: chunk for chunk in chunks}, rubric)
    for draft in sorted(extraction.drafts, key=_order):
        desk.take(draft)
    for probe in sorted(extraction.probes, key=lambda p: (p.line, p.pillar, p.chunk, p.request_hash or "")):
        desk.take_probe(probe)
    return Verified(
        evidence=tuple(sorted(desk.evidence, key=lambda e: (e.start, e.end, e.signal))),
        probes=tuple(sorted(desk.probes, key=lambda p: (p.line, p.pillar))),
        rejections=tuple(desk.rejections),
    )


def _order(draft: Draft) -> tuple[object, ...]:
    """By place in the interview and then by everything else, so that no order of arrival changes what holds.

    Of two drafts of the same span and signal the one that names a prompt comes first: it says more.
    """
    prompt = (draft.prompted_by is None, draft.prompted_by or 0)
    rest = (draft.chunk, draft.pillar, draft.request_hash or "", draft.fault or "")
    return (draft.first, draft.last, draft.signal, prompt, rest)


class _Desk:
    def __init__(
        self,
        transcript_hash: str,
        lines: Sequence[Line],
        roles: dict[str, Role],
        chunks: dict[int, Chunk],
        rubric: Rubric,
    ) -> None:
        self.transcript_hash = transcript_hash
        self.lines = lines
        self.roles = roles
        self.chunks = chunks
        self.rubric = rubric
        self.pillars = {pillar.id: pillar for pillar in rubric.pillars}
        self.taken: dict[str, list[tuple[int, int]]] = {}
        self.asked: set[tuple[str, int]] = set()
        self.evidence: list[Evidence] = []
        self.probes: list[Probe] = []
        self.rejections: list[Rejection] = []

    def take(self, draft: Draft) -> None:
        fault = self._fault(draft)
        if fault is not None:
            self._reject("evidence", draft, fault[0], fault[1])
            return
        self.taken.setdefault(draft.signal, []).append((draft.first, draft.last))
        first, last = self.lines[draft.first - 1], self.lines[draft.last - 1]
        pillar = self.pillars[draft.pillar]
        self.evidence.append(
            Evidence(
                evidence_id=f"e-{content_hash(self.transcript_hash, first.start, last.end, draft.signal)}",
                pillar=draft.pillar,
                signal=draft.signal,
                polarity=pillar.by_id[draft.signal].polarity,
                start=first.start,
                end=last.end,
                first_line=draft.first,
                last_line=draft.last,
                start_s=first.start_s,
                end_s=max(line.end_s for line in self.lines[draft.first - 1 : draft.last]),
                speaker=first.speaker,
                prompted_by=draft.prompted_by,
                request_hash=draft.request_hash,
                rubric_hash=pillar.hash,
            )
        )

    def _fault(self, draft: Draft) -> tuple[Reason, str] | None:
        where = f"lines {draft.first}-{draft.last}"
        if draft.fault is not None:
            return draft.fault, _KNOWN_FAULTS.get(draft.fault, "found wrong by its extractor")
        if draft.last < draft.first:
            return "reversed", f"{where} run backwards"
        if not self._in_chunk(draft.chunk, draft.first) or not self._in_chunk(draft.chunk, draft.last):
            return "out_of_range", f"{where} are not in chunk {draft.chunk}"
        if draft.last - draft.first + 1 > MAX_LINES:
            return "too_long", f"{where} are more than {MAX_LINES}"
        span = self.lines[draft.first - 1 : draft.last]
        if any(self._role(line) != "candidate" for line in span):
            return "not_candidate", f"{where} are not all the candidate's"
        if len({line.speaker for line in span}) > 1 or len({line.turn for line in span}) > 1:
            return "not_candidate", f"{where} are not one turn of one speaker"
        if draft.signal not in self.rubric.pillar_of:
            return "unknown_signal", "the rubric has no such signal"
        if self.rubric.pillar_of[draft.signal] != draft.pillar:
            return "wrong_pillar", f"{draft.signal} belongs to {self.rubric.pillar_of[draft.signal]}"
        return self._prompt_fault(draft) or self._repeat_fault(draft)

    def _prompt_fault(self, draft: Draft) -> tuple[Reason, str] | None:
        line = draft.prompted_by
        if line is None:
            return None
        if not self._in_chunk(draft.chunk, line) or self._role(self.lines[line - 1]) != "interviewer":
            return "prompt_not_interviewer", f"line {line} is not an interviewer's line of chunk {draft.chunk}"
        if line >= draft.first:
            return "prompt_not_before", f"line {line} does not come before line {draft.first}"
        return None

    def _repeat_fault(self, draft: Draft) -> tuple[Reason, str] | None:
        for first, last in self.taken.get(draft.signal, ()):
            if (first, last) == (draft.first, draft.last):
                return "duplicate", f"lines {first}-{last} already show {draft.signal}"
            if first <= draft.last and draft.first <= last:
                return "overlap", f"lines {first}-{last} already show {draft.signal}"
        return None

    def take_probe(self, probe: ProbeDraft) -> None:
        pointed = Draft(
            chunk=probe.chunk,
            pillar=probe.pillar,
            signal="",
            first=probe.line,
            last=probe.line,
            request_hash=probe.request_hash,
        )
        if not self._in_chunk(probe.chunk, probe.line):
            self._reject("probe", pointed, "out_of_range", f"line {probe.line} is not in chunk {probe.chunk}")
        elif probe.pillar not in self.pillars:
            self._reject("probe", pointed, "wrong_pillar", "the rubric has no such pillar")
        elif self._role(self.lines[probe.line - 1]) != "interviewer":
            self._reject("probe", pointed, "probe_not_interviewer", f"line {probe.line} is not an interviewer's")
        elif (probe.pillar, probe.line) in self.asked:
            self._reject("probe", pointed, "duplicate", f"line {probe.line} is already a probe")
        else:
            self.asked.add((probe.pillar, probe.line))
            self.probes.append(Probe(pillar=probe.pillar, line=probe.line, request_hash=probe.request_hash))

    def _in_chunk(self, chunk: int, line: int) -> bool:
        known = self.chunks.get(chunk)
        return known is not None and known.first_line <= line <= known.last_line

    def _role(self, line: Line) -> Role:
        return self.roles.get(line.speaker, "unknown")

    def _reject(self, kind: str, draft: Draft, reason: Reason, detail: str) -> None:
        self.rejections.append(
            Rejection(
                kind="probe" if kind == "probe" else "evidence",
                reason=reason,
                detail=detail,
                chunk=draft.chunk,
                pillar=draft.pillar,
                signal=draft.signal or None,
                first=draft.first,
                last=draft.last,
                request_hash=draft.request_hash,
            )
        )
