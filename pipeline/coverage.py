"""What the recording can say about each pillar. Silence is never Weak: a gap is shown as a gap."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records import Coverage, CoverageState, Evidence, Line, Probe, Role
from pipeline.rubric import Rubric


def cover(
    rubric: Rubric,
    lines: Sequence[Line],
    roles: dict[str, Role],
    evidence: Sequence[Evidence],
    probes: Sequence[Probe],
    *,
    assessable: bool = True,
) -> list[Coverage]:
    """One row a pillar, in the rubric's order.

    Without a line of the candidate, or when `assessable` is false, a pillar without evidence is not assessable.
    """
    speaks = any(roles.get(line.speaker) == "candidate" for line in lines)
    rows = []
    for pillar in rubric.pillars:
        own = [e for e in evidence if e.pillar == pillar.id]
        asked = sum(probe.pillar == pillar.id for probe in probes)
        rows.append(
            Coverage(
                pillar=pillar.id,
                state=_state(bool(own), asked > 0, speaks and assessable),
                strong=sum(e.polarity == "strong" for e in own),
                weak=sum(e.polarity == "weak" for e in own),
                probes=asked,
            )
        )
    return rows


def _state(seen: bool, asked: bool, assessable: bool) -> CoverageState:
    if seen:
        return "evidence"
    if not assessable:
        return "not_assessable"
    return "asked_none_seen" if asked else "not_asked"
