"""Shares, differences and ratios of shares, each with the interval that holds at small n.

Wilson (1927) for one share, Newcombe (1998b, method 10) for a difference, Koopman (1984) for a ratio, and a
leave-one-out beta-binomial for the question "is this interviewer unlike the others?": the others' own spread is part
of the yardstick, so ordinary variety between people is not called an outlier (Spiegelhalter 2005).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Z95 = 1.959963984540054
Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """A two-sided interval; `high` may be infinite for a ratio."""

    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """True when `value` lies strictly outside."""
        return value < self.low or value > self.high


def wilson(k: float, n: float, z: float = Z95) -> Interval | None:
    """Interval for the share k/n (Wilson 1927), also at an effective n that is no whole number. None when n is 0."""
    if n <= 0:
        return None
    p, zz = k / n, z * z
    centre = (p + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return Interval(0.0 if k == 0 else centre - half, 1.0 if k == n else centre + half)


def newcombe(k1: int, n1: int, k2: int, n2: int, z: float = Z95) -> Interval | None:
    """Interval for k1/n1 - k2/n2 (Newcombe 1998b, method 10). None when a side is empty."""
    first, second = wilson(k1, n1, z), wilson(k2, n2, z)
    if first is None or second is None:
        return None
    p1, p2 = k1 / n1, k2 / n2
    below = math.hypot(p1 - first.low, second.high - p2)
    above = math.hypot(first.high - p1, p2 - second.low)
    return Interval(p1 - p2 - below, p1 - p2 + above)


def koopman(k1: int, n1: int, k2: int, n2: int, z: float = Z95) -> Interval | None:
    """Score interval for the ratio (k1/n1) / (k2/n2) (Koopman 1984). None when a side is empty.

    A zero numerator gives a lower limit of 0; a zero denominator an infinite upper limit.
    """
    if n1 <= 0 or n2 <= 0:
        return None
    if k1 == 0 and k2 == 0:
        return Interval(0.0, math.inf)

    def excess(log_ratio: float) -> float:
        return _ratio_chi2(k1, n1, k2, n2, math.exp(log_ratio)) - z * z

    centre = math.log(max(k1, 0.5) / n1) - math.log(max(k2, 0.5) / n2)
    low = 0.0 if k1 == 0 else math.exp(_root(excess, centre, -1.0))
    high = math.inf if k2 == 0 else math.exp(_root(excess, centre, 1.0))
    return Interval(low, high)


def _ratio_chi2(k1: int, n1: int, k2: int, n2: int, ratio: float) -> float:
    """Score chi-square of the hypothesis p1 = ratio * p2, at the constrained maximum of the likelihood."""
    total = n1 + n2
    b = ratio * (n1 + k2) + k1 + n2
    p1 = (b - math.sqrt(max(0.0, b * b - 4 * ratio * total * (k1 + k2)))) / (2 * total)
    p2 = p1 / ratio
    chi2 = 0.0
    for k, n, p in ((k1, n1, p1), (k2, n2, p2)):
        variance = n * p * (1 - p)
        gap = (k - n * p) ** 2
        chi2 += gap / variance if variance > 1e-300 else (0.0 if gap < 1e-12 else math.inf)
    return chi2


def _root(excess: object, centre: float, direction: float) -> float:
    """The point beyond `centre` in one direction where `excess` crosses zero."""
    assert callable(excess)
    step = 0.25
    while excess(centre + direction * step) < 0:
        step *= 2
        if step > 600:
            return direction * math.inf
    found = optimize.brentq(lambda t: min(excess(centre + direction * t), 1e6), 0.0, step, xtol=1e-10)
    return centre + direction * float(found)


class Spread(NamedTuple):
    """Mean and intraclass correlation of a set of shares: 0 means nothing but chance between them."""

    mean: float
    rho: float


def spread(k: Sequence[int] | Floats, n: Sequence[int] | Floats) -> Spread | None:
    """Pooled mean and ANOVA estimate of overdispersion over groups (k of n each). None under two groups."""
    means, rhos = _spread_sums(np.asarray(k, float), np.asarray(n, float), np.zeros(1), np.zeros(1))
    return None if math.isnan(rhos[0]) else Spread(float(means[0]), float(rhos[0]))


def _spread_sums(k: Floats, n: Floats, drop_k: Floats, drop_n: Floats) -> tuple[Floats, Floats]:
    """Mean and rho of all groups but the dropped one, for each dropped one: closed form, so all at once."""
    dropped = drop_n > 0
    groups = len(n) - dropped
    square = np.divide(drop_k**2, drop_n, out=np.zeros_like(drop_n), where=dropped)
    total_k, total_n = k.sum() - drop_k, n.sum() - drop_n
    squares, sizes = (k**2 / n).sum() - square, (n**2).sum() - drop_n**2
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (squares - total_k**2 / total_n) / (groups - 1)
        within = np.where(total_n > groups, (total_k - squares) / (total_n - groups), 0.0)
        typical = (total_n - sizes / total_n) / (groups - 1)
        rho = (between - within) / (between + (typical - 1) * within)
        # Nobody differs, or everybody is all-or-nothing: no spread to be seen.
        rho = np.where(between + (typical - 1) * within <= 0, 0.0, rho)
        mean = np.clip(total_k / total_n, 0.5 / total_n, 1 - 0.5 / total_n)
    rho = np.where(groups >= 2, np.clip(rho, 0.0, 0.95), np.nan)
    return mean, rho


def unlike_others(k: Sequence[int], n: Sequence[int]) -> list[float | None]:
    """Two-sided mid-p of each group's k of n, under a beta-binomial fitted to all other groups.

    The uncertainty of the others' mean is added to their spread, as in a predictive distribution.
    None where fewer than two others exist.
    """
    ks, ns = np.asarray(k, float), np.asarray(n, float)
    if len(ks) < 3:
        return [None] * len(ks)
    means, rhos = _spread_sums(ks, ns, ks, ns)
    others = ns.sum() - ns
    squares = (ns**2).sum() - ns**2
    # Variance of the pooled mean, in units of mean * (1 - mean).
    extra = (1 - rhos) / others + rhos * squares / others**2
    rhos = np.clip(rhos + extra, 1e-9, 0.95)
    return [_mid_p(int(a), int(b), float(m), float(r)) for a, b, m, r in zip(ks, ns, means, rhos, strict=True)]


def _mid_p(k: int, n: int, mean: float, rho: float) -> float:
    mass = beta_binomial(n, mean, rho)
    half = 0.5 * mass[k]
    return float(min(1.0, 2 * min(mass[:k].sum() + half, mass[k + 1 :].sum() + half)))


def beta_binomial(n: int, mean: float, rho: float) -> Floats:
    """Probabilities of 0..n under a beta-binomial given by mean and intraclass correlation."""
    k = np.arange(n + 1)
    if rho < 1e-6:
        return np.asarray(stats.binom.pmf(k, n, mean), float)
    weight = (1 - rho) / rho
    a, b = mean * weight, (1 - mean) * weight
    choose = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    mass = np.exp(choose + special.betaln(k + a, n - k + b) - special.betaln(a, b))
    return np.asarray(mass / mass.sum(), float)


def funnel(mean: float, rho: float, n: int, tail: float) -> Interval:
    """Limits of a share at n, with `tail` outside on each side: .025 for 95 %, .001 for 99.8 %."""
    total = np.cumsum(beta_binomial(n, mean, rho))
    low = int(np.searchsorted(total, tail))
    high = int(np.searchsorted(total, 1 - tail))
    return Interval(low / n, min(high, n) / n)


def shrunk(k: int, n: int, mean: float, rho: float) -> float:
    """The share drawn towards the panel's mean: for display, never to detect (it hides the harsh one)."""
    if rho < 1e-6:
        return mean
    weight = (1 - rho) / rho
    return (k + mean * weight) / (n + weight)


def bh(p: Sequence[float | None]) -> list[float | None]:
    """Benjamini-Hochberg q-values within one family; a missing p stays missing and is not counted."""
    known = [value for value in p if value is not None]
    if not known:
        return [None] * len(p)
    q = iter(stats.false_discovery_control(known))
    return [None if value is None else float(next(q)) for value in p]
