"""Share of predicted spans that match a gold span."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    return len(case.pairs), len(case.pieces)
