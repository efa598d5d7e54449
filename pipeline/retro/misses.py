"""Near misses: hires that someone voted against, or who were close to the bar - and strong interviews that struggled.

Only people who were hired can be looked at. What those who were rejected would have done is unknown and not estimated.
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.retro.database import Db
from pipeline.retro.rates import newcombe, wilson
from pipeline.retro.validity import pair

CLOSE = 0.25  # levels from the bar
LISTED = 200
QUOTED = 4
_TALLY = re.compile(r"\s*(\d+)\s*[-:]\s*(\d+)\s*")

# The bar of a role: the score that best parts those hired from those not, the middle of the best stretch.
_BAR = """
CREATE OR REPLACE TEMP TABLE r_bar AS
WITH judged AS (
    SELECT p.role, s.score, (h.candidate_id IS NOT NULL)::INTEGER AS hired
    FROM r_panel s JOIN r_person p USING (candidate_id) LEFT JOIN r_hire h USING (candidate_id)),
steps AS (SELECT role, score, sum(hired) AS yes, sum(1 - hired) AS no FROM judged GROUP BY ALL),
cuts AS (
    SELECT role, score,
           sum(no) OVER (PARTITION BY role ORDER BY score) - no AS right_below,
           sum(yes) OVER (PARTITION BY role ORDER BY score DESC) AS right_above,
           lag(score) OVER (PARTITION BY role ORDER BY score) AS below,
           sum(yes) OVER (PARTITION BY role) AS hires, sum(no) OVER (PARTITION BY role) AS others
    FROM steps)
SELECT role, avg((score + coalesce(below, score)) / 2) AS bar
FROM (SELECT * FROM cuts WHERE hires > 0 AND others > 0
      QUALIFY rank() OVER (PARTITION BY role ORDER BY right_below + right_above DESC) = 1)
GROUP BY role
"""
_NEAR = """
CREATE OR REPLACE TEMP TABLE r_near AS
SELECT h.*, b.bar, coalesce(v.no, 0) AS no_votes, coalesce(v.all_votes, 0) AS votes_known,
       abs(h.score - b.bar) <= ? AS close
FROM r_hire h LEFT JOIN r_bar b USING (role)
LEFT JOIN (SELECT i.candidate_id, count(*) FILTER (v.vote = 'no') AS no, count(*) AS all_votes
           FROM votes v JOIN r_interview i USING (interview_id) GROUP BY ALL) v USING (candidate_id)
"""


def near_misses(db: Db) -> dict[str, Any]:
    """Near misses with reasons, outcome and quotes; rates against clear hires; strong interviews that struggled."""
    db.execute(_BAR)
    db.execute(_NEAR, [CLOSE])
    _votes_from_decisions(db)
    rated = {
        bool(row["no"]): (int(row["exceeding"]), int(row["n"]))
        for row in db.rows(
            "SELECT no_votes > 0 AS no, count(*) FILTER (y = 2) AS exceeding, count(*) AS n FROM r_near "
            "WHERE y IS NOT NULL AND votes_known > 0 GROUP BY 1"
        )
    }
    (k1, n1), (k2, n2) = rated.get(True, (0, 0)), rated.get(False, (0, 0))
    listed = db.rows(
        "SELECT candidate_id, role, no_votes, close, status, y, months_in FROM r_near WHERE no_votes > 0 OR close "
        "ORDER BY coalesce(y, -1) DESC, no_votes DESC, candidate_id LIMIT ?",
        [LISTED],
    )
    struggled = db.rows(
        "SELECT candidate_id, role, status, y, months_in FROM r_near WHERE y = 0 AND score >= 1.5 AND no_votes = 0 "
        "AND NOT coalesce(close, false) ORDER BY candidate_id LIMIT ?",
        [LISTED],
    )
    quotes = _quotes(db, [row["candidate_id"] for row in listed + struggled])
    return {
        "near": [_entry(row, quotes) for row in listed],
        "total": int(db.value("SELECT count(*) FROM r_near WHERE no_votes > 0 OR close")),
        "struggled": [_entry(row, quotes) for row in struggled],
        "rates": {
            "with_no_vote": {"exceeding": k1, "n": n1, "ci": pair(wilson(k1, n1))},
            "without": {"exceeding": k2, "n": n2, "ci": pair(wilson(k2, n2))},
            "difference": k1 / n1 - k2 / n2 if n1 and n2 else None,
            "difference_ci": pair(newcombe(k1, n1, k2, n2)),
        },
        "bars": {row["role"]: row["bar"] for row in db.rows("SELECT role, bar FROM r_bar ORDER BY role")},
    }


def dots(db: Db, most: int = 40) -> list[dict[str, Any]]:
    """One entry per hire with an outcome, without names, for the picture; empty above `most` hires."""
    rows = db.rows(
        'SELECT score, y, left_reason IS NOT NULL AS "left", no_votes > 0 OR coalesce(close, false) AS near '
        "FROM r_near WHERE y IS NOT NULL AND score IS NOT NULL ORDER BY ALL"
    )
    return rows if len(rows) <= most else []


def _votes_from_decisions(db: Db) -> None:
    """Where no votes were imported, a tally such as 3-1 in the decision says how many were against."""
    rows = db.rows("SELECT candidate_id, votes FROM r_near WHERE votes_known = 0 AND votes IS NOT NULL")
    tallies = [(row["candidate_id"], _TALLY.fullmatch(row["votes"])) for row in rows]
    known = [(name, int(found[1]), int(found[2])) for name, found in tallies if found]
    if not known:
        return
    db.execute(
        "UPDATE r_near SET no_votes = t.no, votes_known = t.votes FROM (SELECT unnest(?) AS candidate_id, "
        "unnest(?) AS no, unnest(?) AS votes) t WHERE r_near.candidate_id = t.candidate_id",
        [[name for name, _, _ in known], [no for _, _, no in known], [yes + no for _, yes, no in known]],
    )


def _entry(row: dict[str, Any], quotes: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    reasons = []
    if row.get("no_votes"):
        reasons.append(f"{row['no_votes']} no vote{'s' if row['no_votes'] > 1 else ''}")
    if row.get("close"):
        reasons.append("close to the bar")
    outcome = ("struggling", "meeting", "exceeding")[row["y"]] if row["y"] is not None else row["status"]
    return {
        "candidate_id": row["candidate_id"], "role": row["role"], "why": reasons or ["strong interview"],
        "outcome": "left for performance" if row["status"] == "left_performance" else outcome.replace("_", " "),
        "months": row["months_in"], "evidence": quotes.get(row["candidate_id"], []),
    }  # fmt: skip


def _quotes(db: Db, candidates: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The first quotes of each side, so that a reader can see what was said."""
    rows = db.rows(
        "SELECT candidate_id, evidence_id, interview_id, pillar, signal, polarity, quote, start_s FROM evidence_quotes "
        "WHERE candidate_id IN (SELECT unnest(?)) QUALIFY row_number() OVER "
        "(PARTITION BY candidate_id, polarity ORDER BY interview_id, start_s, evidence_id) <= ? "
        "ORDER BY candidate_id, polarity, interview_id, start_s, evidence_id",
        [candidates, QUOTED // 2],
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.pop("candidate_id"), []).append(row)
    return found
