"""The history as working tables: who was interviewed, the calls that count, the people hired and how it went.

Everything is temporary and rebuilt from the database for each report. Rules (docs/retro.md, data rules):
calls are the first version before the debrief, by the interview's own interviewers where they called; the outcome is
the latest rating inside the horizon; someone who left for performance counts as the lowest rating, someone who left by
choice as missing, and an unknown reason is computed both ways. A rating by someone who sat in the interviews or saw the
scores is contaminated and stays out.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from pipeline.retro.concordance import Ints
from pipeline.retro.database import Db, arrays


class Horizon(NamedTuple):
    """Months after hiring in which a rating counts, both ends included."""

    low: int = 6
    high: int = 12


NO_ROLE = "role not recorded"
NO_FORMAT = "format not recorded"

_SEATS = """
CREATE OR REPLACE TEMP TABLE r_seat AS
SELECT DISTINCT interview_id, candidate_id, interviewer_id, role, format, held_on FROM interview_list
"""
_INTERVIEWS = f"""
CREATE OR REPLACE TEMP TABLE r_interview AS
SELECT interview_id, min(candidate_id) AS candidate_id, min(role) AS role,
       coalesce(min(format), '{NO_FORMAT}') AS format, min(held_on) AS held_on
FROM r_seat GROUP BY interview_id
"""  # noqa: S608
_PEOPLE = f"""
CREATE OR REPLACE TEMP TABLE r_person AS
SELECT candidate_id, coalesce(c.role, i.role, '{NO_ROLE}') AS role, c."group" AS "group", c.applied_on,
       c.candidate_id IS NOT NULL AS listed
FROM (SELECT candidate_id FROM candidates UNION SELECT candidate_id FROM r_seat
      UNION SELECT candidate_id FROM decisions UNION SELECT candidate_id FROM outcomes) a
LEFT JOIN candidates c USING (candidate_id)
LEFT JOIN (SELECT candidate_id, min(role) AS role FROM r_seat GROUP BY candidate_id) i USING (candidate_id)
"""  # noqa: S608
_CALLS = """
CREATE OR REPLACE TEMP TABLE r_call AS
SELECT f.interview_id, f.candidate_id, f.pillar, f.reviewer_id, f.source,
       CASE f.level WHEN 'weak' THEN 0 WHEN 'ok' THEN 1 WHEN 'strong' THEN 2 END AS value,
       s.interviewer_id IS NOT NULL AS own, coalesce(i.format, 'format not recorded') AS format
FROM first_calls f
LEFT JOIN (SELECT DISTINCT interview_id, interviewer_id FROM r_seat) s
       ON s.interview_id = f.interview_id AND s.interviewer_id = f.reviewer_id
LEFT JOIN r_interview i ON i.interview_id = f.interview_id
WHERE f.level IN ('weak', 'ok', 'strong')
"""
# Where the interview's own interviewers called, only their calls count for the candidate.
_SCORES = """
CREATE OR REPLACE TEMP TABLE r_score AS
WITH counted AS (
    SELECT * FROM r_call
    QUALIFY own OR NOT bool_or(own) OVER (PARTITION BY interview_id)
)
SELECT candidate_id, pillar, format, sum(value) AS total, count(*) AS calls FROM counted GROUP BY ALL
"""
_PANEL = """
CREATE OR REPLACE TEMP TABLE r_panel AS
SELECT candidate_id, round(avg(score), 6) AS score, sum(calls) AS calls
FROM (SELECT candidate_id, pillar, sum(total) / sum(calls) AS score, sum(calls) AS calls FROM r_score GROUP BY ALL)
GROUP BY candidate_id
"""
_DECISIONS = """
CREATE OR REPLACE TEMP TABLE r_decision AS
SELECT candidate_id, max_by(decision, (coalesce(decided_on, DATE '0001-01-01'), decision)) AS decision,
       max_by(votes, (coalesce(decided_on, DATE '0001-01-01'), decision)) AS votes, max(decided_on) AS decided_on
FROM decisions GROUP BY candidate_id
"""
_OUTCOMES = """
CREATE OR REPLACE TEMP TABLE r_outcome AS
WITH coded AS (
    SELECT o.candidate_id, o.months, o.left_reason, o.rated_by,
           CASE o.rating WHEN 'struggling' THEN 0 WHEN 'meeting' THEN 1 WHEN 'exceeding' THEN 2 END AS code,
           o.left_reason IS NOT NULL OR o.rating = 'left' AS gone,
           coalesce(o.saw_scores, false) OR i.person IS NOT NULL AS contaminated
    FROM outcomes o
    LEFT JOIN (SELECT candidate_id, interviewer_id AS person FROM r_seat WHERE interviewer_id IS NOT NULL
               UNION SELECT candidate_id, reviewer_id FROM calls) i
           ON i.candidate_id = o.candidate_id AND i.person = o.rated_by
)
SELECT candidate_id, max(months) AS last_month,
       max(months) FILTER (code IS NOT NULL AND months BETWEEN $low AND $high) AS month,
       arg_max(code, months) FILTER (code IS NOT NULL AND months BETWEEN $low AND $high) AS code,
       coalesce(arg_max(contaminated, months) FILTER (code IS NOT NULL AND months BETWEEN $low AND $high),
                false) AS contaminated,
       coalesce(arg_max(rated_by IS NOT NULL, months) FILTER (code IS NOT NULL AND months BETWEEN $low AND $high),
                false) AS rater_known,
       min(months) FILTER (gone AND months <= $high) AS left_month,
       coalesce(arg_max(left_reason, months) FILTER (gone AND months <= $high),
                CASE WHEN bool_or(gone AND months <= $high) THEN 'unknown' END) AS left_reason
FROM coded GROUP BY candidate_id
"""
# y: outcome with an unknown reason for leaving read as missing; y_unknown: read as performance.
_HIRES = """
CREATE OR REPLACE TEMP TABLE r_hire AS
WITH hired AS (
    SELECT p.candidate_id, p.role, d.decided_on, d.votes, o.* EXCLUDE (candidate_id), s.score,
           CASE WHEN o.left_reason = 'performance' THEN 0 ELSE o.code END AS reached
    FROM r_person p
    LEFT JOIN r_decision d USING (candidate_id)
    LEFT JOIN r_outcome o USING (candidate_id)
    LEFT JOIN r_panel s USING (candidate_id)
    WHERE d.decision = 'hire' OR (d.decision IS NULL AND o.last_month IS NOT NULL)
)
SELECT candidate_id, role, decided_on, votes, score, months_in, left_reason, left_month, code, rater_known,
       CASE WHEN left_reason = 'performance' THEN 'left_performance'
            WHEN contaminated AND code IS NOT NULL THEN 'contaminated'
            WHEN code IS NOT NULL THEN 'rated'
            WHEN left_reason = 'voluntary' THEN 'left_voluntary'
            WHEN left_reason = 'unknown' THEN 'left_unknown'
            WHEN last_month < $low OR (last_month IS NULL AND decided_on + to_months($low) > $as_of) THEN 'not_yet'
            ELSE 'missing' END AS status,
       CASE WHEN status IN ('rated', 'left_performance') THEN reached END AS y,
       CASE WHEN status = 'contaminated' THEN NULL WHEN left_reason = 'unknown' THEN 0 ELSE y END AS y_unknown
FROM (SELECT *, coalesce(month, left_month, last_month) AS months_in FROM hired)
"""


def prepare(db: Db, horizon: Horizon, as_of: date | None = None) -> dict[str, Any]:
    """Build the working tables; returns what they hold, in counts, and the date the report is made as of."""
    for statement in (_SEATS, _INTERVIEWS, _PEOPLE, _CALLS, _SCORES, _PANEL, _DECISIONS):
        db.execute(statement)
    bounds = {"$low": str(int(horizon.low)), "$high": str(int(horizon.high))}
    day = as_of or _latest_day(db)
    bounds["$as_of"] = f"DATE '{day.isoformat()}'" if day else "NULL::DATE"
    for statement in (_OUTCOMES, _HIRES):
        for mark, value in bounds.items():
            statement = statement.replace(mark, value)
        db.execute(statement)
    return _counts(db) | {"as_of": day.isoformat() if day else None}


def _latest_day(db: Db) -> date | None:
    """The latest date the database knows of, so that the same data give the same report on any day."""
    found = db.value(
        "SELECT max(d) FROM (SELECT max(held_on) AS d FROM r_seat UNION ALL SELECT max(decided_on) FROM decisions "
        "UNION ALL SELECT max(applied_on) FROM candidates UNION ALL "
        "SELECT max(d.decided_on + to_months(o.months))::DATE FROM outcomes o JOIN r_decision d USING (candidate_id))"
    )
    return found.date() if isinstance(found, datetime) else found if isinstance(found, date) else None


def _counts(db: Db) -> dict[str, Any]:
    row = db.rows(
        "SELECT (SELECT count(*) FROM r_person) AS candidates, (SELECT count(*) FROM r_interview) AS interviews, "
        "(SELECT count(DISTINCT interviewer_id) FROM r_seat) AS interviewers, (SELECT count(*) FROM r_call) AS calls, "
        "(SELECT count(*) FROM votes) AS votes, (SELECT count(*) FROM r_decision) AS decisions, "
        "(SELECT count(*) FROM outcomes) AS outcomes, (SELECT count(*) FROM r_hire) AS hires, "
        "(SELECT count(*) FROM r_hire WHERE score IS NULL) AS hires_without_calls, "
        "(SELECT count(*) FROM r_hire WHERE status = 'rated' AND NOT rater_known) AS rater_unknown, "
        "(SELECT count(*) FROM r_decision d JOIN r_outcome o USING (candidate_id) WHERE d.decision <> 'hire') "
        "AS outcome_without_hire, "
        "(SELECT count(*) FROM calls WHERE step = 3) AS calls_after_debrief, "
        "(SELECT count(*) FROM calls) - (SELECT count(*) FROM calls_current) AS calls_replaced, "
        "(SELECT count(*) FROM calls WHERE level = 'not_assessable') AS not_assessable"
    )[0]
    statuses = db.rows("SELECT status, count(*) AS n FROM r_hire GROUP BY status")
    return {name: int(value) for name, value in row.items()} | {
        "by_status": {one["status"]: int(one["n"]) for one in sorted(statuses, key=lambda r: str(r["status"]))}
    }


def hire_tables(db: Db, score_sql: str, outcome: str = "y") -> dict[str, Ints]:
    """Cross tables of score x outcome per role, for a query giving (candidate_id, score); counted by the database."""
    from pipeline.retro.concordance import cross_table_counts

    found = arrays(
        db,
        f"SELECT h.role, s.score::DOUBLE AS score, h.{outcome}::INTEGER AS y, count(*) AS n "  # noqa: S608 - names of ours
        f"FROM r_hire h JOIN ({score_sql}) s USING (candidate_id) "
        f"WHERE h.{outcome} IS NOT NULL AND s.score IS NOT NULL GROUP BY ALL ORDER BY ALL",
    )
    roles = sorted(set(found["role"].tolist()))
    return {
        role: cross_table_counts(*(found[name][found["role"] == role] for name in ("score", "y", "n")))
        for role in roles
    }
