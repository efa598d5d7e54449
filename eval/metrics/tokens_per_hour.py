"""Model tokens for each hour of interview, sent and received. Lower is better; 0 for a solver without a model."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    calls = case.extraction.calls
    return sum(call.input_tokens + call.output_tokens for call in calls), case.sample.hours
