"""Share of the gold spans that an attentive reviewer could not miss which are found."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    found = sum(gold.must_find for _, gold in case.pairs)
    return found, sum(gold.must_find for gold in case.sample.spans)
