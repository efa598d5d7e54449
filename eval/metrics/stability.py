"""Share of rows that two runs over the same interview agree on (Jaccard)."""

from __future__ import annotations

from eval.matching import Case

Row = tuple[int, int, str, int | None]


def rows(case: Case) -> set[Row]:
    """What a run pointed at: span, signal and prompt."""
    return {(row.start, row.end, row.signal, row.prompted_by) for row in case.verified.evidence}


def count(case: Case, again: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview run twice."""
    first, second = rows(case), rows(again)
    return len(first & second), len(first | second)
