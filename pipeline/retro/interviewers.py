"""Interviewers: how often they said no, how that compares, and how harsh they are once we allow for whom they saw.

Someone is flagged only when everything agrees: ten or more votes, q < .05 among all interviewers against the others'
own spread, at least 15 points from the others, and a severity interval that excludes 0 on the same side.
Severity may be compared; whose judgement is better may not (docs/retro.md, what must not be concluded).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pipeline.retro.database import Db, arrays
from pipeline.retro.rates import bh, funnel, shrunk, spread, unlike_others, wilson
from pipeline.retro.severity import SeverityFit, severity
from pipeline.retro.validity import pair

LEAST_VOTES = 10
LEAST_POINTS = 0.15

# One row a reading of an interview, because its calls share one impression; a cell is a candidate, and the mean of
# format and pillar is taken out first.
_CALLS = """
SELECT dense_rank() OVER (ORDER BY candidate_id) - 1 AS cell, dense_rank() OVER (ORDER BY reviewer_id) - 1 AS person,
       avg(y)::DOUBLE AS y
FROM (SELECT *, value - avg(value) OVER (PARTITION BY format, pillar) AS y FROM r_call)
GROUP BY candidate_id, interview_id, reviewer_id ORDER BY ALL
"""
# Where nobody made calls, votes stand in: yes 1, no 0, and a cell is a candidate.
_VOTES = """
SELECT dense_rank() OVER (ORDER BY i.candidate_id) - 1 AS cell,
       dense_rank() OVER (ORDER BY v.interviewer_id) - 1 AS person,
       ((v.vote = 'yes')::INTEGER - avg((v.vote = 'yes')::INTEGER) OVER (PARTITION BY i.format))::DOUBLE AS y
FROM votes v JOIN r_interview i USING (interview_id) ORDER BY ALL
"""


def interviewers(db: Db) -> dict[str, Any]:
    """Everyone who voted or called, in the order of their ids, with the panel's figures."""
    votes = {
        row["interviewer_id"]: (int(row["rejected"]), int(row["n"]))
        for row in db.rows(
            "SELECT interviewer_id, count(*) FILTER (vote = 'no') AS rejected, count(*) AS n FROM votes GROUP BY ALL"
        )
    }
    severe, source, scale = _severity(db)
    voters = sorted(votes)
    k, n = [votes[name][0] for name in voters], [votes[name][1] for name in voters]
    p = unlike_others(k, n) if voters else []
    # Under ten votes nobody is judged, so they are not in the family either.
    family = [value if count >= LEAST_VOTES else None for value, count in zip(p, n, strict=True)]
    q = dict(zip(voters, bh(family), strict=True))
    whole = spread(k, n)
    found = []
    for name in sorted(set(voters) | set(severe)):
        rejected, count = votes.get(name, (0, 0))
        one: dict[str, Any] = {"interviewer_id": name, "rejected": rejected, "n": count}
        others = (sum(k) - rejected) / (sum(n) - count) if sum(n) > count else None
        one["rate"] = rejected / count if count else None
        one["others_rate"] = others
        one["wilson"] = pair(wilson(rejected, count))
        one["shrunk"] = shrunk(rejected, count, whole.mean, whole.rho) if whole and count else None
        one["q"] = q.get(name)
        one |= severe.get(name, {"severity": None, "severity_ci": None, "readings": 0})
        one["comparable"] = one["severity"] is not None
        one["flag"] = _flag(one)
        found.append(one)
    return {
        "interviewers": found,
        "panel": {
            "rejected": sum(k), "n": sum(n), "rate": sum(k) / sum(n) if sum(n) else None,
            "rho": whole.rho if whole else None, "severity_from": source, "level_sd": scale,
        },
        "funnel": _funnel(found, n),
    }  # fmt: skip


def _flag(one: dict[str, Any]) -> str | None:
    """ "harsh", "lenient" or None."""
    if one["n"] < LEAST_VOTES or one["q"] is None or one["q"] >= 0.05 or one["others_rate"] is None:
        return None
    if one["severity_ci"] is None:
        return None
    gap, (low, high) = one["rate"] - one["others_rate"], one["severity_ci"]
    if gap >= LEAST_POINTS and low > 0:
        return "harsh"
    return "lenient" if gap <= -LEAST_POINTS and high < 0 else None


def _severity(db: Db) -> tuple[dict[str, dict[str, Any]], str, float | None]:
    """By id: severity in levels, its interval and in standard deviations of a call; from calls, else from votes."""
    for source, sql, names in (
        ("calls", _CALLS, "SELECT DISTINCT reviewer_id AS name FROM r_call ORDER BY 1"),
        ("votes", _VOTES, "SELECT DISTINCT interviewer_id AS name FROM votes "
         "SEMI JOIN r_interview USING (interview_id) "
         "ORDER BY 1"),
    ):  # fmt: skip
        rows = arrays(db, sql)
        if len(rows["y"]) == 0:
            continue
        y = np.asarray(rows["y"], np.float64)
        fit = severity(rows["cell"].astype(np.int64), rows["person"].astype(np.int64), y)
        people = [row["name"] for row in db.rows(names)]
        if fit is not None:
            scale = float(db.value("SELECT stddev_pop(value) FROM r_call")) if source == "calls" else float(y.std())
            return _by_name(people, fit, scale), source, scale
    return {}, "none", None


def _by_name(people: list[str], fit: SeverityFit, scale: float) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, one in zip(people, fit.interviewers, strict=True):
        known = one.estimate is not None and math.isfinite(one.estimate)
        found[name] = {
            "severity": round(one.estimate, 6) if one.estimate is not None and known else None,
            "severity_ci": pair(one.interval) if known else None,
            "severity_sd": one.estimate / scale if one.estimate is not None and known and scale > 0 else None,
            "readings": one.readings,
        }
    return found


def _funnel(found: list[dict[str, Any]], sizes: list[int]) -> list[dict[str, float]]:
    """Limits of the rejection rate of those who are not flagged, at up to forty sizes, 95 and 99.8 %."""
    usual = [one for one in found if one["n"] and not one["flag"]]
    whole = spread([one["rejected"] for one in usual], [one["n"] for one in usual])
    if whole is None:
        return []
    mean, rho = whole
    top = max(sizes)
    points = sorted({round(value) for value in np.geomspace(3, max(4, top), 40)})
    found = []
    for n in points:
        inner, outer = funnel(mean, rho, n, 0.025), funnel(mean, rho, n, 0.001)
        found.append({"n": n, "low95": inner.low, "high95": inner.high, "low998": outer.low, "high998": outer.high})
    return found
