"""Ranks of pillars with intervals, from 300 hires on: a pillar outranks another only when the difference is clear.

The two c are of the same hires, so the difference has an interval of its own (`concordance.difference`); comparing two
separate intervals would not do. Differences are tested as one family (q < .05).
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from pipeline.retro.concordance import difference
from pipeline.retro.database import Db, arrays
from pipeline.retro.rates import Z95, bh

MOST = 12

_SCORES = """
SELECT s.pillar, h.candidate_id, sum(s.total) / sum(s.calls) AS score, h.y::INTEGER AS y,
       dense_rank() OVER (ORDER BY h.role) AS role
FROM r_score s JOIN r_hire h USING (candidate_id) WHERE h.y IS NOT NULL
GROUP BY s.pillar, h.candidate_id, h.y, h.role ORDER BY h.candidate_id
"""


def rank_intervals(db: Db, pillars: list[str]) -> dict[str, tuple[int, int]]:
    """Best and worst rank (1 is highest) that each pillar may have; empty for one pillar or for very many."""
    if not 2 <= len(pillars) <= MOST:
        return {}
    rows = arrays(db, _SCORES)
    people, place = np.unique(rows["candidate_id"], return_inverse=True)
    score = np.full((len(pillars), len(people)), np.nan)
    y, role = np.zeros(len(people), np.int64), np.zeros(len(people), np.int64)
    y[place], role[place] = rows["y"], rows["role"]
    for at, name in enumerate(pillars):
        mine = rows["pillar"] == name
        score[at, place[mine]] = rows["score"][mine]
    pairs = list(combinations(range(len(pillars)), 2))
    gaps: list[float] = []
    p: list[float | None] = []
    for first, second in pairs:
        both = np.isfinite(score[first]) & np.isfinite(score[second])
        found = difference(score[first, both], score[second, both], y[both], role[both]) if both.sum() > 2 else None
        gaps.append(found[0] if found else 0.0)
        error = (found[1].high - found[1].low) / (2 * Z95) if found else 0.0
        p.append(2 * float(stats.norm.sf(abs(gaps[-1]) / error)) if error > 0 and math.isfinite(error) else None)
    better, worse = [0] * len(pillars), [0] * len(pillars)
    for (first, second), gap, q in zip(pairs, gaps, bh(p), strict=True):
        if q is not None and q < 0.05:
            upper, lower = (first, second) if gap > 0 else (second, first)
            better[lower] += 1
            worse[upper] += 1
    return {name: (1 + better[at], len(pillars) - worse[at]) for at, name in enumerate(pillars)}


def with_ranks(db: Db, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows with `rank` as [best, worst]."""
    ranks = rank_intervals(db, [one["pillar"] for one in found])
    return [one | {"rank": list(ranks[one["pillar"]])} if one["pillar"] in ranks else one for one in found]
