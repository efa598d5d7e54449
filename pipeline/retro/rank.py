"""Rank correlation between score and outcome, from the same cross tables as concordance.

Spearman with the Bonett-Wright (2000) standard error on Fisher's z; Kendall's tau-b for the detail table.
With several strata the ranks are taken within each stratum, so a role that is rated kindly does not count as validity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.retro.concordance import Ints
from pipeline.retro.rates import Z95, Floats, Interval


class Correlation(NamedTuple):
    """A correlation, its interval and the number of pairs of values behind it."""

    r: float
    interval: Interval | None
    n: int


def spearman(tables: Sequence[Ints]) -> Correlation | None:
    """Spearman's rho within strata. None when a side never varies."""
    xs, ys, weights = [], [], []
    for table in tables:
        counts = np.asarray(table, float)
        total = counts.sum()
        if total < 2:
            continue
        x, y = np.meshgrid(_midranks(counts.sum(1)), _midranks(counts.sum(0)), indexing="ij")
        used = counts > 0
        # Ranks as shares of the stratum, around zero: strata of different size weigh by their hires.
        xs.append((x[used] - (total + 1) / 2) / total)
        ys.append((y[used] - (total + 1) / 2) / total)
        weights.append(counts[used])
    if not xs:
        return None
    x1, y1, w = np.concatenate(xs), np.concatenate(ys), np.concatenate(weights)
    sxx, syy, sxy = float(w @ x1**2), float(w @ y1**2), float(w @ (x1 * y1))
    if sxx <= 1e-15 or syy <= 1e-15:
        return None
    n = int(w.sum())
    r = max(-1.0, min(1.0, sxy / math.sqrt(sxx * syy)))
    return Correlation(r, bonett_wright(r, n - (len(xs) - 1)), n)


def _midranks(counts: Floats) -> Floats:
    ends = counts.cumsum()
    return np.asarray(ends - (counts - 1) / 2, float)


def bonett_wright(r: float, n: int, z: float = Z95) -> Interval | None:
    """Interval of a Spearman correlation (Bonett & Wright 2000). None under four values."""
    if n < 4:
        return None
    kept = max(-1 + 1e-12, min(1 - 1e-12, r))
    reach = z * math.sqrt((1 + r * r / 2) / (n - 3))
    return Interval(math.tanh(math.atanh(kept) - reach), math.tanh(math.atanh(kept) + reach))


def fisher(r: float, n: int, z: float = Z95) -> Interval | None:
    """Interval of a Pearson correlation (Fisher's z). None under four values."""
    if n < 4:
        return None
    kept = max(-1 + 1e-12, min(1 - 1e-12, r))
    reach = z / math.sqrt(n - 3)
    return Interval(math.tanh(math.atanh(kept) - reach), math.tanh(math.atanh(kept) + reach))


def tau_b(table: Ints) -> float | None:
    """Kendall's tau-b of one cross table. None when a side never varies."""
    counts = np.asarray(table, float)
    n = counts.sum()
    total = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1))
    total[1:, 1:] = counts.cumsum(0).cumsum(1)
    agree = float((counts * total[:-1, :-1]).sum())
    differ = float((counts * (total[:-1, -1:] - total[:-1, 1:])).sum())
    pairs = n * (n - 1) / 2
    tied_x = float((counts.sum(1) * (counts.sum(1) - 1)).sum()) / 2
    tied_y = float((counts.sum(0) * (counts.sum(0) - 1)).sum()) / 2
    scale = (pairs - tied_x) * (pairs - tied_y)
    return None if scale <= 0 else (agree - differ) / math.sqrt(scale)
