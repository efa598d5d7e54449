"""The task packet: is everything that was found, and every gap, in the debrief packet?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.matching import Case
from eval.metrics.interval import Count
from eval.results import Item, TaskResult, measured
from pipeline.debrief import Packet, assemble


def packet_result(cases: Sequence[Case], solver: str, split: str) -> TaskResult:
    """Share of evidence, and of coverage rows, that the packet shows; documents are interviews."""
    evidence: dict[str, Count] = {}
    coverage: dict[str, Count] = {}
    items = []
    for case in cases:
        packet = _packet(case)
        shown = {q.evidence_id: q for part in packet.parts for q in (*part.strong, *part.weak)}
        whole = [e for e in case.verified.evidence if e.evidence_id in shown and _same(case, e, shown[e.evidence_id])]
        gaps = {(part.pillar, gap.state, gap.strong, gap.weak) for part in packet.parts for gap in part.coverage}
        seen = [row for row in case.coverage if (row.pillar, row.state, row.strong, row.weak) in gaps]
        evidence[case.sample.id] = (len(whole), len(case.verified.evidence))
        coverage[case.sample.id] = (len(seen), len(case.coverage))
        items += [
            Item(item=e.evidence_id, document=case.sample.id, state="missed", detail=e.signal)
            for e in case.verified.evidence
            if e not in whole
        ]
    return measured("packet", solver, split, {"evidence_shown": evidence, "coverage_shown": coverage}, items)


def _same(case: Case, row: Any, shown: Any) -> bool:
    words = case.sample.transcript.text[row.start : row.end]
    return bool(shown.quote == words and shown.polarity == row.polarity and shown.start_s == row.start_s)


def _packet(case: Case) -> Packet:
    text = case.sample.transcript.text
    own = {"interview_id": case.sample.id}
    rows = [
        {**e.model_dump(), **own, "quote": text[e.start : e.end], "extractor": "offline", "recording_id": None}
        for e in case.verified.evidence
    ]
    heading = {**own, "format": "gold", "held_on": None, "state": "done", "duration_s": case.sample.hours * 3600}
    return assemble(
        case.sample.id,
        rubrics={case.sample.rubric.id: case.sample.rubric},
        interviews=[heading],
        seats=[],
        calls=[],
        evidence=rows,
        gone=[],
        coverage=[{**row.model_dump(), **own} for row in case.coverage],
        doubts=([], []),
        missing=[],
        opened=[],
    )
