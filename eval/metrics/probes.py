"""Interviewer's turns that ask about a pillar: pairs (turn, pillar), found against labelled."""

from __future__ import annotations

from eval.matching import Case

Pair = tuple[int, str]


def pairs(case: Case) -> tuple[set[Pair], set[Pair]]:
    """What was found and what is labelled."""
    sample = case.sample
    found = {(sample.turn_of(sample.lines[probe.line - 1]), probe.pillar) for probe in case.verified.probes}
    return found, {(turn.turn, pillar) for turn in sample.turns for pillar in turn.probes}


def precision(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    found, gold = pairs(case)
    return len(found & gold), len(found)


def recall(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    found, gold = pairs(case)
    return len(found & gold), len(gold)
