"""F1 of the prompted mark on matched spans: marked prompted against labelled prompted."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    marks = [
        (any(row.prompted_by is not None for row in piece.rows), any(label.prompted for label in gold.labels))
        for piece, gold in case.pairs
    ]
    return 2 * sum(said and true for said, true in marks), sum(said + true for said, true in marks)
