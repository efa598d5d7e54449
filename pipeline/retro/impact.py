"""Adverse impact: selection rates by group, their ratio with an interval, an exact test, and roles kept apart.

Four-fifths rule of the Uniform Guidelines (1978), the ratio's Koopman interval, Boschloo's or Fisher's exact test, and
the Cochran-Mantel-Haenszel test over roles, because rates pooled over roles can reverse (Bickel et al. 1975).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from scipy import stats

from pipeline.retro.rates import Interval, koopman

FOUR_FIFTHS = (4, 5)
BOSCHLOO_UP_TO = 200  # a group larger than this makes the exact unconditional test slow; Fisher's instead


class Rate(NamedTuple):
    """Advanced out of entered."""

    advanced: int
    entered: int


class Comparison(NamedTuple):
    """One group against the group with the highest rate."""

    ratio: float | None
    interval: Interval | None
    p: float | None
    test: str
    below_four_fifths: bool | None
    shortfall: int


def highest(rates: Sequence[Rate]) -> int | None:
    """Index of the group with the highest rate, compared as whole numbers; the larger group wins a tie."""
    best: int | None = None
    for index, rate in enumerate(rates):
        if rate.entered == 0:
            continue
        if best is None:
            best = index
            continue
        gap = rate.advanced * rates[best].entered - rates[best].advanced * rate.entered
        if gap > 0 or (gap == 0 and rate.entered > rates[best].entered):
            best = index
    return best


def compare(group: Rate, reference: Rate, boschloo_up_to: int = BOSCHLOO_UP_TO) -> Comparison:
    """Ratio of the group's rate to the reference rate, with what is known about it."""
    if group.entered == 0 or reference.entered == 0 or reference.advanced == 0:
        return Comparison(None, None, None, "none", None, 0)
    ratio = group.advanced * reference.entered / (group.entered * reference.advanced)
    p, test = exact_p(group, reference, boschloo_up_to)
    interval = koopman(group.advanced, group.entered, reference.advanced, reference.entered)
    return Comparison(ratio, interval, p, test, below_four_fifths(group, reference), shortfall(group, reference))


def below_four_fifths(group: Rate, reference: Rate) -> bool:
    """True when group rate < .80 of the reference rate; whole numbers, so .48 against .60 passes."""
    four, five = FOUR_FIFTHS
    return group.advanced * reference.entered * five < four * reference.advanced * group.entered


def shortfall(group: Rate, reference: Rate) -> int:
    """How many more of the group would have to be selected to bring the ratio to .80."""
    four, five = FOUR_FIFTHS
    needed = -(-four * reference.advanced * group.entered // (five * reference.entered))
    return max(0, min(needed, group.entered) - group.advanced)


def exact_p(group: Rate, reference: Rate, boschloo_up_to: int = BOSCHLOO_UP_TO) -> tuple[float, str]:
    """Two-sided exact p: Boschloo where both groups are small, Fisher otherwise; chi-square for very large counts."""
    table = [
        [group.advanced, group.entered - group.advanced],
        [reference.advanced, reference.entered - reference.advanced],
    ]
    if group.advanced + reference.advanced in (0, group.entered + reference.entered):
        return 1.0, "none"
    if max(group.entered, reference.entered) <= boschloo_up_to:
        return min(1.0, float(stats.boschloo_exact(table).pvalue)), "Boschloo"
    if group.entered + reference.entered <= 100_000:
        return float(stats.fisher_exact(table).pvalue), "Fisher"
    return float(stats.chi2_contingency(table, correction=False).pvalue), "chi-square"


class Cmh(NamedTuple):
    """Cochran-Mantel-Haenszel over strata: chi-square without continuity correction, p, common odds ratio."""

    chi2: float
    p: float
    odds_ratio: float | None


def cmh(strata: Sequence[tuple[Rate, Rate]]) -> Cmh | None:
    """Test of no difference between two groups within every stratum. None when no stratum can tell."""
    seen = expected = variance = top = bottom = 0.0
    for group, reference in strata:
        n1, n2, n = group.entered, reference.entered, group.entered + reference.entered
        yes = group.advanced + reference.advanced
        if n < 2:
            continue
        seen += group.advanced
        expected += n1 * yes / n
        variance += n1 * n2 * yes * (n - yes) / (n * n * (n - 1))
        top += group.advanced * (n2 - reference.advanced) / n
        bottom += (n1 - group.advanced) * reference.advanced / n
    if variance <= 0:
        return None
    chi2 = (seen - expected) ** 2 / variance
    return Cmh(chi2, float(stats.chi2.sf(chi2, 1)), top / bottom if bottom > 0 else None)


def selections_to_even(group: Rate, reference: Rate) -> float | None:
    """The ratio after one more selection in the group: shows how little it takes at small n."""
    if reference.advanced == 0 or group.entered == 0 or group.advanced >= group.entered:
        return None
    ratio = (group.advanced + 1) * reference.entered / (group.entered * reference.advanced)
    return ratio if math.isfinite(ratio) else None
