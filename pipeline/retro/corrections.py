"""What selection and noisy ratings do to a correlation, and how many hires it takes to see one.

Thorndike's case II (1949) for the score that was used to select, Lawley (1943) for scores that came along with it, the
usual division by the square root of the criterion's reliability, and the sample size for a given power. Corrected
figures are a table of what-ifs beside the observed one, never the headline.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from pipeline.retro.rates import Floats, Interval

BEST_PUBLISHED = 0.42  # structured interviews, operational validity (Sackett et al. 2022)
RELIABILITIES = (0.45, 0.60, 0.75)  # administrative ratings, convention, generous (Salgado & Moscoso 2019)


def case_two(r: float, u: float) -> float:
    """Correlation among all applicants from r among those selected on the score; u = SD selected / SD applicants."""
    widening = 1 / u
    return r * widening / math.sqrt(1 - r * r + (r * widening) ** 2)


def restrict(r: float, u: float) -> float:
    """The way back: what a correlation among applicants becomes among those selected on the score."""
    return u * r / math.sqrt(1 - r * r * (1 - u * u))


def corrected(r: float, interval: Interval | None, u: float, reliability: float) -> tuple[float, Interval | None]:
    """Case II, then unreliability of the outcome; the interval's ends are moved with the estimate."""

    def move(value: float) -> float:
        return max(-1.0, min(1.0, case_two(value, u) / math.sqrt(reliability)))

    return move(r), None if interval is None else Interval(move(interval.low), move(interval.high))


def lawley(selected: Floats, applicants: Floats) -> Floats | None:
    """Full covariance among applicants (Pearson-Lawley).

    `selected` is the covariance among those hired of q selection scores followed by any number of outcomes;
    `applicants` the q x q covariance of the scores among all applicants. None when a score never
    varies among the hired.
    """
    q = applicants.shape[0]
    vpp, vpx, vxx = selected[:q, :q], selected[:q, q:], selected[q:, q:]
    if np.linalg.matrix_rank(vpp) < q:
        return None
    slope = np.linalg.solve(vpp, vpx)
    full = np.empty_like(selected)
    full[:q, :q] = applicants
    full[:q, q:] = applicants @ slope
    full[q:, :q] = full[:q, q:].T
    full[q:, q:] = vxx - vpx.T @ slope + slope.T @ applicants @ slope
    return full


def lawley_correlations(scores_hired: Floats, outcome: Floats, scores_all: Floats) -> list[float] | None:
    """Correlation of each score with the outcome among applicants. None when it cannot be computed."""
    if len(scores_hired) <= scores_hired.shape[1] + 1:
        return None
    both = np.cov(np.column_stack([scores_hired, outcome]), rowvar=False)
    full = lawley(both, np.atleast_2d(np.cov(scores_all, rowvar=False)))
    if full is None or full[-1, -1] <= 0:
        return None
    spread = np.sqrt(np.diag(full))
    return [float(full[i, -1] / (spread[i] * spread[-1])) for i in range(len(spread) - 1)]


class Expectation(NamedTuple):
    """What the year could have shown: the correlation to expect among hires, and the hires needed to see it."""

    r: float
    hires_needed: int
    reliability: float


def expected_if_typical(u: float, reliability: float = 0.60) -> Expectation:
    """Correlation among hires if these interviews were as good as the best published ones."""
    r = restrict(BEST_PUBLISHED * math.sqrt(reliability), u)
    return Expectation(r, hires_needed(r), reliability)


def hires_needed(r: float, power: float = 0.80) -> int:
    """Sample size to tell a correlation r from zero, two-sided 5 % (Fisher z)."""
    if r == 0:
        raise ValueError("no number of hires tells a correlation of zero from zero")
    z = float(stats.norm.ppf(0.975) + stats.norm.ppf(power))
    return math.ceil((z / math.atanh(abs(r))) ** 2 + 3)


def smallest_visible(n: int, power: float = 0.80) -> float | None:
    """The smallest correlation that n hires would have shown with this power. None under five hires."""
    if n < 5:
        return None
    z = float(stats.norm.ppf(0.975) + stats.norm.ppf(power))
    return math.tanh(z / math.sqrt(n - 3))


def c_from_r(r: float) -> float:
    """Concordance of a bivariate normal with correlation r: for saying what an expected r looks like as c."""
    return 0.5 + math.asin(r) / math.pi


def nudged(estimates: Sequence[tuple[float, float]]) -> tuple[float, Interval]:
    """Precision-weighted mean of (Fisher z, standard error) pairs, as a correlation: literature nudged by own data."""
    weight = [1 / error**2 for _, error in estimates]
    centre = sum(w * z for w, (z, _) in zip(weight, estimates, strict=True)) / sum(weight)
    reach = 1.959963984540054 / math.sqrt(sum(weight))
    return math.tanh(centre), Interval(math.tanh(centre - reach), math.tanh(centre + reach))
