"""Share of matched spans whose prompted mark is right, whatever the signal: any row against any label."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    right = sum(
        any(row.prompted_by is not None for row in piece.rows) == any(label.prompted for label in gold.labels)
        for piece, gold in case.pairs
    )
    return right, len(case.pairs)
