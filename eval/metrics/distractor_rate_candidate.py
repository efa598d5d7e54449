"""Share of the candidate's distractors that a piece was taken from (an interviewer's can never be). Lower is better."""

from __future__ import annotations

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    own = {i for i, trap in enumerate(case.sample.traps) if trap.role == "candidate"}
    return len(own & set(case.trapped)), len(own)
