"""Share of the rows on matched spans whose pillar a label of that gold span has."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    rows = [(row, gold) for piece, gold in case.pairs for row in piece.rows]
    return sum(any(row.pillar == label.pillar for label in gold.labels) for row, gold in rows), len(rows)
