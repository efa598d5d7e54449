"""What the year could have shown: how hard people were selected, what to expect, and the what-if corrections."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pipeline.retro.corrections import (
    BEST_PUBLISHED,
    RELIABILITIES,
    corrected,
    expected_if_typical,
    hires_needed,
    lawley_correlations,
    nudged,
    smallest_visible,
)
from pipeline.retro.database import Db, arrays
from pipeline.retro.rank import fisher
from pipeline.retro.validity import pair

# Scores around their role's mean, so that roles with different bars do not look like spread.
_WITHIN = """
SELECT s.score - avg(s.score) OVER (PARTITION BY p.role) AS score, h.candidate_id IS NOT NULL AS hired,
       h.y, h.role FROM r_panel s JOIN r_person p USING (candidate_id) LEFT JOIN r_hire h USING (candidate_id)
"""


def selection(db: Db, n: int) -> dict[str, Any]:
    """Restriction of range, the correlation to expect among hires, the hires needed, the observed and corrected r."""
    spread = db.rows(
        f"SELECT count(*) AS people, count(*) FILTER (hired) AS hired, stddev_samp(score) AS sd "  # noqa: S608
        f"FROM ({_WITHIN})"
    )[0]
    inner = db.value(
        "SELECT stddev_samp(v) FROM (SELECT s.score - avg(s.score) OVER (PARTITION BY h.role) AS v "
        "FROM r_panel s JOIN r_hire h USING (candidate_id))"
    )
    sd, hired_sd = spread["sd"], inner
    usable = sd and hired_sd and math.isfinite(sd) and math.isfinite(hired_sd) and sd > 0 and hired_sd > 0
    u = min(1.0, hired_sd / sd) if usable else None
    share = int(spread["hired"]) / int(spread["people"]) if spread["people"] else None
    found: dict[str, Any] = {
        "scored": int(spread["people"]), "hired_share": share, "sd_applicants": sd, "sd_hires": hired_sd, "u": u,
        "best_published": BEST_PUBLISHED, "smallest_visible_r": smallest_visible(n),
    }  # fmt: skip
    typical = expected_if_typical(u) if u is not None and u > 0 else None
    found["expected"] = None if typical is None else typical._asdict()
    found["hires_needed_unselected"] = hires_needed(BEST_PUBLISHED * math.sqrt(0.6))
    return found | _observed(db, u, None if typical is None else typical.r)


def _observed(db: Db, u: float | None, typical: float | None) -> dict[str, Any]:
    """Pearson's r within roles, the case II table (from 50 hires) and the estimate drawn towards the literature."""
    row = db.rows(
        "SELECT corr(x, y) AS r, count(*) AS n, count(DISTINCT role) AS roles FROM (SELECT h.role, "
        "s.score - avg(s.score) OVER (PARTITION BY h.role) AS x, h.y - avg(h.y) OVER (PARTITION BY h.role) AS y "
        "FROM r_hire h JOIN r_panel s USING (candidate_id) WHERE h.y IS NOT NULL)"
    )[0]
    r, n = row["r"], int(row["n"])
    if r is None or not math.isfinite(r) or n < 8:
        return {"pearson": None, "pearson_ci": None, "corrected": [], "nudged": None}
    interval = fisher(r, n - int(row["roles"]) + 1)
    table = []
    if n >= 50 and u is not None:
        for reliability in RELIABILITIES:
            value, ends = corrected(r, interval, u, reliability)
            table.append({"reliability": reliability, "r": round(value, 6), "ci": pair(ends)})
    drawn: dict[str, Any] | None = None
    if typical is not None and interval is not None:
        kept = max(-0.999, min(0.999, r))
        value, ends = nudged([(math.atanh(kept), 1 / math.sqrt(n - 3)), (math.atanh(typical), 0.1)])
        drawn = {"r": value, "ci": pair(ends)}
    return {"pearson": r, "pearson_ci": pair(interval), "corrected": table, "nudged": drawn}


def lawley_pillars(db: Db) -> list[dict[str, Any]]:
    """Each pillar's correlation with the outcome among hires and, by Lawley, among applicants (complete cases)."""
    pillars = [row["pillar"] for row in db.rows("SELECT DISTINCT pillar FROM r_score ORDER BY 1")]
    if not 1 <= len(pillars) <= 12:
        return []
    columns = ", ".join(
        f"max(total) FILTER (pillar = '{str(name).replace(chr(39), chr(39) * 2)}') AS p{index}"
        for index, name in enumerate(pillars)
    )
    rows = arrays(
        db,
        f"WITH s AS (SELECT candidate_id, pillar, sum(total) / sum(calls) AS total FROM r_score GROUP BY ALL), "  # noqa: S608
        f"w AS (SELECT candidate_id, {columns} FROM s GROUP BY candidate_id HAVING count(*) = {len(pillars)}) "
        "SELECT w.*, coalesce(h.y, -1)::INTEGER AS y FROM w LEFT JOIN r_hire h USING (candidate_id) "
        "ORDER BY candidate_id",
    )
    scores = np.column_stack([np.asarray(rows[f"p{index}"], float) for index in range(len(pillars))])
    y = np.asarray(rows["y"], float)
    hired = y >= 0
    full = lawley_correlations(scores[hired], y[hired], scores) if hired.sum() > 2 else None
    if full is None:
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = [float(np.corrcoef(scores[hired, index], y[hired])[0, 1]) for index in range(len(pillars))]
    return [
        {"pillar": name, "observed": a if math.isfinite(a) else None, "applicants": b, "n": int(hired.sum())}
        for name, a, b in zip(pillars, plain, full, strict=True)
    ]
