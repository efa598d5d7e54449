"""Do two people who read the same interview make the same call?

Krippendorff's alpha for ordered levels (2011), Gwet's AC2 with quadratic weights and the plain share of agreeing
pairs, for any number of reviewers and with gaps. Units (interviews) are handed in as patterns: how many reviewers
chose each level, and how many units show that pattern, so the cost does not grow with the number of interviews.
Fleiss' kappa and the Shrout-Fleiss intraclass correlations stand in the method appendix, for comparison with
published figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.retro.rates import Floats, Interval

Pattern = tuple[int, ...]
Shared = Mapping[tuple[Pattern, Pattern], int]


class Agreement(NamedTuple):
    """Alpha with its interval, AC2, the share of agreeing pairs, and the units with at least two reviewers."""

    alpha: float | None
    interval: Interval | None
    ac2: float | None
    raw: float
    units: int


def agreement(patterns: Mapping[Pattern, int], shared: Sequence[Shared] = ()) -> Agreement | None:
    """Agreement over units given as level counts. None when no unit has two reviewers.

    `patterns` maps e.g. (0, 1, 1) - one OK, one Strong - to the number of units that look so. Each of `shared` counts,
    for two patterns, the ordered pairs of different units that have somebody in common: a reader, or the candidate.
    """
    kept = sorted((pattern, times) for pattern, times in patterns.items() if sum(pattern) >= 2 and times > 0)
    if not kept:
        return None
    levels = np.array([pattern for pattern, _ in kept], np.float64)
    times = np.array([count for _, count in kept], np.int64)
    parts = _Parts.of(levels)
    alpha = _finite(parts.alpha(times[None, :].astype(float))[0])
    together = [np.array([[one.get((a, b), 0) for b, _ in kept] for a, _ in kept], np.float64) for one in shared]
    return Agreement(
        alpha,
        None if alpha is None else _interval(parts, times, alpha, together),
        _ac2(parts, times, patterns),
        float(times @ parts.raw / times.sum()),
        int(times.sum()),
    )


class _Parts(NamedTuple):
    """What each pattern adds to the sums: so that leaving units out is one matrix product."""

    pairs: Floats  # (patterns, levels * levels): coincidences of one unit
    raw: Floats  # share of agreeing pairs in one unit
    near: Floats  # weighted agreement of one unit, AC2's quadratic weights
    weights: Floats  # (levels, levels)

    @staticmethod
    def of(levels: Floats) -> _Parts:
        size, count = levels.shape[1], levels.sum(1)
        own = np.einsum("uc,ck->uck", levels, np.eye(size))
        ordered = np.einsum("uc,uk->uck", levels, levels) - own
        pairs = ordered / (count - 1)[:, None, None]
        gap = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
        weights = 1 - (gap / max(1, size - 1)) ** 2
        scale = (count * (count - 1))[:, None, None]
        raw = np.einsum("ucc->u", ordered / scale)
        near = np.einsum("uck,ck->u", ordered / scale, weights)
        return _Parts(pairs.reshape(len(levels), -1), raw, near, weights)

    def alpha(self, times: Floats) -> Floats:
        """Ordinal alpha for each row of pattern frequencies; nan where every call is the same."""
        size = len(self.weights)
        together = (times @ self.pairs).reshape(-1, size, size)
        margin = together.sum(2)
        upto = margin.cumsum(1)
        # Ordinal distance: all calls from one level to the other, counting the two ends half.
        middle = upto - margin / 2
        distance = (middle[:, :, None] - middle[:, None, :]) ** 2
        total = margin.sum(1)
        observed = (together * distance).sum((1, 2))
        expected = np.einsum("bc,bk,bck->b", margin, margin, distance)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(1 - (total - 1) * observed / expected, float)


def _ac2(parts: _Parts, times: NDArray[np.int64], patterns: Mapping[Pattern, int]) -> float | None:
    """Gwet's AC2: chance agreement from every unit that has a call, agreement from those with two."""
    called = [(pattern, count) for pattern, count in sorted(patterns.items()) if count > 0 and sum(pattern) > 0]
    counts = np.array([pattern for pattern, _ in called], np.float64)
    units = np.array([count for _, count in called], np.float64)
    share = units @ (counts / counts.sum(1)[:, None]) / units.sum()
    size = len(share)
    chance = float(parts.weights.sum() * (share * (1 - share)).sum() / (size * (size - 1)))
    seen = float(times @ parts.near / times.sum())
    return None if chance >= 1 else (seen - chance) / (1 - chance)


def _interval(parts: _Parts, times: NDArray[np.int64], alpha: float, shared: Sequence[Floats]) -> Interval | None:
    """Each unit's own influence (the infinitesimal jackknife) on Fisher's z, with t(units - 1).

    Units that share a reader or a candidate go up and down together. Each kind of sharing adds what the influences of
    such pairs have in common (Cameron, Gelbach & Miller 2011; Aronow, Samii & Assenova 2015), never less than nothing.
    Where all readers agree nothing varies: then the exact mid-p limit for a disagreement that was never seen.
    """
    units = float(times.sum())
    if units < 3:
        return None
    if alpha > 1 - 1e-9:
        return Interval(0.05 ** (1 / units), 1.0)
    step = 1e-3 * np.eye(len(times))
    more, less = (np.arctanh(np.clip(parts.alpha(times + way), -0.9999, 0.9999)) for way in (step, -step))
    own = (more - less) / 2e-3
    if not np.isfinite(own).all():
        return None
    own -= times @ own / units
    variance = float(times @ own**2) + sum(max(0.0, float(own @ pairs @ own)) for pairs in shared)
    centre = math.atanh(max(-0.9999, min(0.9999, alpha)))
    reach = float(stats.t.ppf(0.975, units - 1)) * math.sqrt(variance)
    return Interval(math.tanh(centre - reach), math.tanh(centre + reach))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def fleiss_kappa(counts: Sequence[Pattern]) -> float | None:
    """Fleiss' kappa (1971): every unit has the same number of reviewers. None when all calls are the same."""
    table = np.asarray(counts, float)
    raters = table[0].sum()
    seen = float(((table**2).sum(1) - raters).mean() / (raters * (raters - 1)))
    chance = float(((table.sum(0) / table.sum()) ** 2).sum())
    return None if chance >= 1 else (seen - chance) / (1 - chance)


class Icc(NamedTuple):
    """Shrout & Fleiss (1979) coefficients for one rater and for the mean of k."""

    one_way: float
    two_way: float
    fixed: float
    one_way_k: float
    two_way_k: float
    fixed_k: float


def icc(scores: Sequence[Sequence[float]]) -> Icc | None:
    """Intraclass correlations of complete targets x raters. None under two of either, or without any spread."""
    x = np.asarray(scores, float)
    if x.ndim != 2 or min(x.shape) < 2:
        return None
    n, k = x.shape
    grand = x.mean()
    rows = k * ((x.mean(1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((x.mean(0) - grand) ** 2).sum() / (k - 1)
    rest = ((x - grand) ** 2).sum() - rows * (n - 1) - columns * (k - 1)
    error = rest / ((n - 1) * (k - 1))
    inside = (rest + columns * (k - 1)) / (n * (k - 1))
    if rows <= 0:
        return None
    return Icc(
        float((rows - inside) / (rows + (k - 1) * inside)),
        float((rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)),
        float((rows - error) / (rows + (k - 1) * error)),
        float((rows - inside) / rows),
        float((rows - error) / (rows + (columns - error) / n)),
        float((rows - error) / rows),
    )
