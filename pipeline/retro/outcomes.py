"""Section 1: how the people who were hired are doing."""

from __future__ import annotations

from typing import Any

from pipeline.retro.database import Db

_RATED = """
SELECT role, count(*) AS hires,
       count(*) FILTER (status = 'rated' AND y = 0) AS struggling,
       count(*) FILTER (status = 'rated' AND y = 1) AS meeting,
       count(*) FILTER (status = 'rated' AND y = 2) AS exceeding,
       count(*) FILTER (status = 'left_performance') AS left_performance,
       count(*) FILTER (status = 'left_voluntary') AS left_voluntary,
       count(*) FILTER (status = 'left_unknown') AS left_unknown, count(*) FILTER (status = 'not_yet') AS not_yet,
       count(*) FILTER (status = 'missing') AS missing, count(*) FILTER (status = 'contaminated') AS contaminated
FROM r_hire GROUP BY role ORDER BY role
"""
_PACE = """
SELECT min(decided_on) AS first, max(decided_on) AS last, count(decided_on) AS dated FROM r_hire
"""


def outcomes(db: Db) -> dict[str, Any]:
    """Counts per role and status, and hires a year as far as dates are known."""
    pace = db.rows(_PACE)[0]
    years = (pace["last"] - pace["first"]).days / 365.25 if pace["first"] else 0.0
    per_year = int(pace["dated"]) / max(years, 0.5) if pace["dated"] else None
    return {"roles": db.rows(_RATED), "first_hire": pace["first"], "last_hire": pace["last"], "hires_a_year": per_year}
