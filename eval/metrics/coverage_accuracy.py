"""Share of pillars whose coverage state is the one that follows from the gold labels."""

from __future__ import annotations

from eval.dataset import Sample
from eval.matching import Case
from pipeline.records import CoverageState


def expected(sample: Sample) -> dict[str, CoverageState]:
    """Evidence where a label is; asked, none seen where only a probe is; else not asked."""
    shown = {label.pillar for span in sample.spans for label in span.labels}
    asked = {pillar for turn in sample.turns for pillar in turn.probes}
    return {
        pillar.id: "evidence" if pillar.id in shown else "asked_none_seen" if pillar.id in asked else "not_asked"
        for pillar in sample.rubric.pillars
    }


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    true = expected(case.sample)
    return sum(row.state == true[row.pillar] for row in case.coverage), len(true)
