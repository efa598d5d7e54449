"""Share of all distractors that a piece was taken from. Lower is better."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    return len(case.trapped), len(case.sample.traps)
