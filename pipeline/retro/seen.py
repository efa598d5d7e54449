"""The evidence side: which signals were seen, prompted or not, what was never asked, and how calls moved."""

from __future__ import annotations

from typing import Any

from pipeline.retro.database import Db

LAST_S = 600.0  # the last ten minutes

_SIGNALS = """
SELECT pillar, signal, polarity, count(*) AS n, count(*) FILTER (prompted) AS prompted,
       count(DISTINCT interview_id) AS interviews
FROM evidence_quotes GROUP BY ALL ORDER BY ALL
"""
_BY = """
SELECT {key} AS name, count(*) FILTER (e.polarity = 'strong') AS strong, count(*) FILTER (e.polarity = 'weak') AS weak,
       count(*) FILTER (e.prompted) AS prompted, count(DISTINCT e.interview_id) AS interviews
FROM evidence_quotes e {join} GROUP BY 1 HAVING name IS NOT NULL ORDER BY 1 LIMIT 500
"""
_KEYS = {
    "pillar": ("e.pillar", ""),
    "question": (
        "q.question_id",
        "JOIN (SELECT DISTINCT interview_id, question_id FROM question_list) q USING (interview_id)",
    ),
    "interviewer": (
        "s.interviewer_id",
        "JOIN (SELECT DISTINCT interview_id, interviewer_id FROM r_seat) s USING (interview_id)",
    ),
    "month": ("strftime(i.held_on, '%Y-%m')", "JOIN r_interview i USING (interview_id)"),
}
_GAPS = """
SELECT pillar, count(*) AS interviews, count(*) FILTER (state = 'evidence') AS evidence,
       count(*) FILTER (state = 'asked_none_seen') AS asked_none_seen,
       count(*) FILTER (state = 'not_asked') AS not_asked, count(*) FILTER (state = 'not_assessable') AS not_assessable
FROM coverage_by_pillar GROUP BY pillar ORDER BY pillar
"""
_LATE = """
SELECT count(*) AS n, count(*) FILTER (e.start_s >= t.duration_s - ?) AS late,
       sum(least(?, t.duration_s) / t.duration_s) AS even
FROM evidence_quotes e JOIN transcripts t USING (transcript_hash) WHERE t.duration_s > ?
"""
_LINT = """
SELECT coalesce(b.interviewer_id, 'not recorded') AS interviewer_id, strftime(b.created_at, '%Y-%m') AS month,
       count(DISTINCT b.feedback_id) AS notes, count(f.code) AS findings
FROM feedback b LEFT JOIN findings f USING (feedback_id) GROUP BY ALL ORDER BY ALL LIMIT 500
"""
_MOVED = """
WITH latest AS (SELECT interview_id, reviewer_id, pillar, step,
       CASE level WHEN 'weak' THEN 0 WHEN 'ok' THEN 1 WHEN 'strong' THEN 2 END AS value FROM calls_current)
SELECT a.step AS from_step, b.step AS to_step, count(*) AS n, count(*) FILTER (b.value > a.value) AS up,
       count(*) FILTER (b.value < a.value) AS down
FROM latest a JOIN latest b USING (interview_id, reviewer_id, pillar)
WHERE b.step > a.step AND a.value IS NOT NULL AND b.value IS NOT NULL GROUP BY ALL ORDER BY ALL
"""


def seen(db: Db) -> dict[str, Any]:
    """Counts from the recordings; empty lists where nothing was recorded."""
    late = db.rows(_LATE, [LAST_S, LAST_S, LAST_S])[0]
    return {
        "signals": db.rows(_SIGNALS),
        "by": {name: db.rows(_BY.format(key=key, join=join)) for name, (key, join) in _KEYS.items()},
        "coverage": db.rows(_GAPS),
        "last_ten_minutes": {
            "n": int(late["n"]), "late": int(late["late"]),
            "share": int(late["late"]) / int(late["n"]) if late["n"] else None,
            "share_if_even": float(late["even"]) / int(late["n"]) if late["n"] else None,
        },
        "lint": db.rows(_LINT),
        "moved": db.rows(_MOVED),
    }  # fmt: skip
