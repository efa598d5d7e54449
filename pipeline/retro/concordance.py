"""Concordance c: of two hires, how often did the one with the higher score do better?

c = C / (C + D) over pairs of hires untied on both score and outcome, within strata (role). Everything comes from one
cross table per stratum (score values x outcome levels), so a hundred thousand hires need no loop over pairs. The
interval counts hires, because pairs share people: "36 of 55 pairs" is not 55 observations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.retro.rates import Floats, Interval, wilson

Ints = NDArray[np.int64]


class Concordance(NamedTuple):
    """c with its interval, the number of hires and of comparable pairs; a p for c = .5 from the same statistic."""

    c: float
    interval: Interval | None
    n: int
    pairs: int
    concordant: int
    p: float | None


def cross_table(scores: Sequence[float] | Floats, outcomes: Sequence[int] | Ints) -> Ints:
    """Counts of single hires, scores ascending down the rows, outcomes ascending along the columns."""
    return cross_table_counts(np.asarray(scores, float), np.asarray(outcomes), np.ones(len(scores), np.int64))


def cross_table_counts(scores: Floats, outcomes: Ints, counts: Ints) -> Ints:
    """The same from rows (score, outcome, how many)."""
    _, row = np.unique(np.asarray(scores, float).round(9), return_inverse=True)
    _, column = np.unique(np.asarray(outcomes), return_inverse=True)
    table = np.zeros((row.max(initial=-1) + 1, column.max(initial=-1) + 1), np.int64)
    np.add.at(table, (row, column), counts)
    return table


def concordance(tables: Sequence[Ints]) -> Concordance | None:
    """c over all strata. None when no pair can be compared."""
    cells = [_cell_pairs(np.asarray(table, float)) for table in tables if table.size]
    if not cells:
        return None
    counts = np.concatenate([cell[0] for cell in cells])
    agree = np.concatenate([cell[1] for cell in cells])
    differ = np.concatenate([cell[2] for cell in cells])
    good, bad, n = float(counts @ agree) / 2, float(counts @ differ) / 2, int(counts.sum())
    pairs = good + bad
    if pairs == 0:
        return None
    c = good / pairs
    unanimous = good == 0 or bad == 0
    interval, p = _unanimous(tables, c) if unanimous else _interval(counts, agree, differ, good, bad, n)
    return Concordance(c, interval, n, round(pairs), round(good), p)


def _cell_pairs(table: Floats) -> tuple[Floats, Floats, Floats]:
    """For each occupied cell: its count, and the concordant and discordant partners of one hire in it."""
    upto = np.zeros((table.shape[0] + 1, table.shape[1] + 1))
    upto[1:, 1:] = table.cumsum(0).cumsum(1)
    rows, columns = upto[:, -1:], upto[-1:, :]
    both_lower = upto[:-1, :-1]
    both_higher = upto[-1, -1] - rows[1:] - columns[:, 1:] + upto[1:, 1:]
    lower_score_did_better = rows[:-1] - upto[:-1, 1:]
    higher_score_did_worse = columns[:, :-1] - upto[1:, :-1]
    used = table > 0
    agree, differ = both_lower + both_higher, lower_score_did_better + higher_score_did_worse
    return table[used], agree[used], differ[used]


def _interval(
    counts: Floats, agree: Floats, differ: Floats, good: float, bad: float, n: int
) -> tuple[Interval | None, float | None]:
    """Wilson's interval at the number of independent pairs that would be as informative as these.

    That number is c (1 - c) over the variance of c, which comes from each hire's own influence (the infinitesimal
    jackknife); it is never more than the pairs at hand. The quantile is Student's with Satterthwaite's (1946) degrees
    of freedom: fewer than n - 1 where a few hires carry the result. p is Wilson's own test of c = .5, so both agree.
    """
    if n < 3:
        return None, None
    pairs = good + bad
    c = good / pairs
    own = ((agree - c * (agree + differ)) / pairs) ** 2
    total = float(counts @ own)
    uneven = float(counts @ own**2) - total**2 / n
    freedom = n - 1 if uneven * (n - 1) <= 2 * total**2 else max(1.0, 2 * total**2 / uneven)
    effective = c * (1 - c) / max(total * n / (n - 1), c * (1 - c) / pairs)
    interval = wilson(c * effective, effective, float(stats.t.ppf(0.975, freedom)))
    return interval, 2 * float(stats.t.sf(abs(c - 0.5) * 2 * math.sqrt(effective), freedom))


def _unanimous(tables: Sequence[Ints], c: float) -> tuple[Interval | None, float | None]:
    """Interval and p when every pair agrees (or every pair differs), where no hire's influence shows any spread.

    Exact binomial limits with mid-p (Lancaster 1961) on pairs that share nobody: as many as can be formed.
    """
    apart = 0
    for table in tables:
        counts = np.asarray(table)
        total = int(counts.sum())
        tied = max(int(counts.sum(0).max(initial=0)), int(counts.sum(1).max(initial=0)))
        apart += min(total // 2, total - tied)
    if apart == 0:
        return None, None
    limit = 0.05 ** (1 / apart)
    return Interval(limit, 1.0) if c == 1 else Interval(0.0, 1 - limit), 0.5**apart


def difference(first: Floats, second: Floats, outcomes: Ints, strata: Ints) -> tuple[float, Interval] | None:
    """c of one score minus c of another over the same hires, with the interval of the difference.

    Each hire's influence on both is taken together, so what the two scores share cancels.
    """
    parts = [_influence(score, outcomes, strata) for score in (first, second)]
    if parts[0] is None or parts[1] is None or len(outcomes) < 3:
        return None
    (c1, own1), (c2, own2) = parts[0], parts[1]
    n = len(outcomes)
    reach = float(stats.t.ppf(0.975, n - 1)) * math.sqrt(float(((own1 - own2) ** 2).sum()) * n / (n - 1))
    return c1 - c2, Interval(c1 - c2 - reach, c1 - c2 + reach)


def _influence(scores: Floats, outcomes: Ints, strata: Ints) -> tuple[float, Floats] | None:
    agree, differ = np.zeros(len(outcomes)), np.zeros(len(outcomes))
    for stratum in np.unique(strata):
        inside = np.flatnonzero(strata == stratum)
        levels, row = np.unique(scores[inside].round(9), return_inverse=True)
        kinds, column = np.unique(outcomes[inside], return_inverse=True)
        table = np.zeros((len(levels), len(kinds)))
        np.add.at(table, (row, column), 1)
        _, up, down = _cell_pairs(table)
        place = np.full(table.shape, -1)
        place[table > 0] = np.arange(len(up))
        agree[inside], differ[inside] = up[place[row, column]], down[place[row, column]]
    pairs = (agree.sum() + differ.sum()) / 2
    if pairs == 0:
        return None
    c = agree.sum() / 2 / pairs
    return float(c), (agree - c * (agree + differ)) / pairs
