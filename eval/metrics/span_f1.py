"""F1 of predicted and gold spans, whatever their labels."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    return 2 * len(case.pairs), len(case.pieces) + len(case.sample.spans)
