"""Formats side by side: how many get through each, who withdraws, and whether one tells more than the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.retro.concordance import concordance, difference
from pipeline.retro.database import Db, arrays
from pipeline.retro.gates import Gate
from pipeline.retro.history import hire_tables
from pipeline.retro.rates import wilson
from pipeline.retro.validity import pair

_PASSED = """
SELECT i.format, count(DISTINCT i.candidate_id) AS candidates, count(DISTINCT i.interview_id) AS interviews,
       count(v.vote) AS votes, count(*) FILTER (v.vote = 'yes') AS yes
FROM r_interview i LEFT JOIN votes v USING (interview_id) GROUP BY ALL
"""
# Someone who withdrew did so after the last interview on record.
_ENDED = """
SELECT format, count(DISTINCT candidate_id) FILTER (decision = 'withdrawn') AS withdrawn,
       count(DISTINCT candidate_id) FILTER (decision = 'hire') AS hired,
       count(DISTINCT candidate_id) FILTER (decision IN ('hire', 'declined')) AS offered
FROM (SELECT i.candidate_id, i.format, d.decision FROM r_interview i JOIN r_decision d USING (candidate_id)
      QUALIFY d.decision <> 'withdrawn' OR i.held_on IS NULL
              OR rank() OVER (PARTITION BY i.candidate_id ORDER BY i.held_on DESC) = 1)
GROUP BY format
"""
_MINUTES = """
SELECT i.format, median(minutes) AS minutes
FROM r_interview i JOIN (SELECT interview_id, max(duration_s) / 60 AS minutes FROM transcripts GROUP BY ALL) d
USING (interview_id) GROUP BY ALL
"""
_PAIRED = """
WITH own AS (SELECT candidate_id, sum(total) / sum(calls) AS score FROM r_score WHERE format = ? GROUP BY ALL),
     rest AS (SELECT candidate_id, sum(total) / sum(calls) AS score FROM r_score WHERE format <> ? GROUP BY ALL)
SELECT o.score::DOUBLE AS own, r.score::DOUBLE AS rest, h.y::INTEGER AS y, dense_rank() OVER (ORDER BY h.role) AS role
FROM r_hire h JOIN own o USING (candidate_id) JOIN rest r USING (candidate_id) WHERE h.y IS NOT NULL
"""
# Calls less what their pillar and their reviewer usually give.
_ADJUSTED = """
SELECT candidate_id, avg(value - pillar_mean - reviewer_gap) AS score
FROM (SELECT *, avg(value - pillar_mean) OVER (PARTITION BY reviewer_id) AS reviewer_gap
      FROM (SELECT *, avg(value) OVER (PARTITION BY pillar) AS pillar_mean FROM r_call))
WHERE format = '{}' GROUP BY candidate_id
"""


def with_rates(db: Db, found: list[dict[str, Any]], row: Gate) -> list[dict[str, Any]]:
    """Add pass rate, withdrawals, minutes, and - where the gate allows - difference from the rest, adjusted c."""
    passed, ended, minutes = ({one["format"]: one for one in db.rows(sql)} for sql in (_PASSED, _ENDED, _MINUTES))
    known = {one["format"]: one for one in found}
    rows = []
    for name in sorted(set(known) | set(passed)):
        one = dict(
            known.get(name, {"format": name, "n": 0, "c": None, "ci": None, "pairs": 0, "words": "too few to compute"})
        )
        here, end = passed.get(name, {}), ended.get(name, {})
        votes, yes = int(here.get("votes", 0)), int(here.get("yes", 0))
        one["candidates"], one["interviews"] = int(here.get("candidates", 0)), int(here.get("interviews", 0))
        one["votes"], one["yes"] = votes, yes
        one["pass_rate"], one["pass_ci"] = (yes / votes if votes else None), pair(wilson(yes, votes))
        one["withdrawn"] = int(end.get("withdrawn", 0))
        one["withdrawn_ci"] = pair(wilson(one["withdrawn"], one["candidates"]))
        one["offered"], one["hired"] = int(end.get("offered", 0)), int(end.get("hired", 0))
        one["minutes"] = minutes[name]["minutes"] if name in minutes else None
        one |= _against_the_rest(db, name, row)
        rows.append(one)
    return rows


def _against_the_rest(db: Db, name: str, row: Gate) -> dict[str, Any]:
    found: dict[str, Any] = {"difference": None, "difference_ci": None, "adjusted_c": None, "adjusted_ci": None}
    if row.least >= 50:
        both = arrays(db, _PAIRED, [name, name])
        gap = difference(
            np.asarray(both["own"], np.float64), np.asarray(both["rest"], np.float64),
            both["y"].astype(np.int64), both["role"].astype(np.int64),
        )  # fmt: skip
        if gap is not None:
            found |= {"difference": gap[0], "difference_ci": pair(gap[1])}
    if row.least >= 100:
        tables = hire_tables(db, _ADJUSTED.format(name.replace("'", "''")))
        c = concordance(list(tables.values()))
        if c is not None:
            found |= {"adjusted_c": c.c, "adjusted_ci": pair(c.interval)}
    return found
