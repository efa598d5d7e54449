"""Share of the pillars without a gold label that are shown as a gap and not as evidence."""

from __future__ import annotations

from eval.matching import Case
from eval.metrics.coverage_accuracy import expected


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    gaps = {pillar for pillar, state in expected(case.sample).items() if state != "evidence"}
    return sum(row.state != "evidence" for row in case.coverage if row.pillar in gaps), len(gaps)
