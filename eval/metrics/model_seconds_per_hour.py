"""Seconds the endpoint worked for each hour of interview, as kept with its answers. Lower is better."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    return sum(call.seconds for call in case.extraction.calls), case.sample.hours
