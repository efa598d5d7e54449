"""Figures with intervals: a ratio of sums over documents, and a percentile bootstrap that draws whole documents.

Documents, not spans, are drawn, because spans of one interview share a voice and a topic. Nine documents give a wide
interval, and that is the truth about nine documents. The seed is fixed, so a figure regenerates exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
SEED = 20260301
Count = tuple[float, float]


class Interval(NamedTuple):
    """A value with its 95% bounds over `n` documents. All None when nothing was there to count."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def _ratios(counts: np.ndarray, picks: np.ndarray) -> np.ndarray:
    sums = counts[picks].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1], np.nan)


def _picks(n: int) -> np.ndarray:
    return np.random.default_rng(SEED).integers(0, n, size=(RESAMPLES, n))


def _bounds(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def ratio(counts: Sequence[Count]) -> Interval:
    """Sum of numerators over sum of denominators, with its interval."""
    table = np.array(counts, dtype=float).reshape(-1, 2)
    total = table.sum(axis=0)
    if not len(table) or total[1] <= 0:
        return Interval(None, None, None, len(table))
    low, high = _bounds(_ratios(table, _picks(len(table))))
    return Interval(round(float(total[0] / total[1]), 4), low, high, len(table))


def difference(a: Sequence[Count], b: Sequence[Count]) -> Interval:
    """Ratio of `a` minus ratio of `b` over the same documents in the same order, drawn in pairs."""
    one, two = (np.array(counts, dtype=float).reshape(-1, 2) for counts in (a, b))
    if one.shape != two.shape or not len(one) or one[:, 1].sum() <= 0 or two[:, 1].sum() <= 0:
        return Interval(None, None, None, len(one))
    picks = _picks(len(one))
    low, high = _bounds(_ratios(one, picks) - _ratios(two, picks))
    value = one[:, 0].sum() / one[:, 1].sum() - two[:, 0].sum() / two[:, 1].sum()
    return Interval(round(float(value), 4), low, high, len(one))
