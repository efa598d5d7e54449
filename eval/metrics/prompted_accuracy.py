"""Share of rows on matched spans of the right signal that say rightly whether the interviewer prompted the act."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    pairs = [
        (row.prompted_by is not None, label.prompted)
        for piece, gold in case.pairs
        for row in piece.rows
        for label in gold.labels
        if row.signal == label.signal
    ]
    return sum(said == true for said, true in pairs), len(pairs)
