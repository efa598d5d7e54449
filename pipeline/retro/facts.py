"""What the database shows about how a loop is held: plain facts for the audit, which imports nothing from here."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipeline.retro.database import Db
from pipeline.retro.gates import gate
from pipeline.retro.history import Horizon, prepare
from pipeline.retro.interviewers import interviewers
from pipeline.retro.questions import questions

OVERDUE_MONTHS = 12


def loop_facts(db: Db, today: date) -> dict[str, Any]:
    """Coverage, questions, interviewers, hires over a year old, look-backs of the last year, who called what."""
    prepare(db, Horizon(), today)
    return {
        "coverage": db.rows(
            "SELECT pillar, count(*) AS interviews, count(*) FILTER (WHERE state = 'not_asked') AS never "
            "FROM coverage_by_pillar GROUP BY pillar ORDER BY pillar"
        ),
        "questions": questions(db, gate(0)),
        "interviewers": interviewers(db)["interviewers"],
        "old_hires": int(
            db.value("SELECT count(*) FROM r_hire WHERE decided_on + to_months(?) <= ?::DATE", [OVERDUE_MONTHS, today])
        ),
        "looked_back": bool(
            db.value(
                "SELECT count(*) FROM journal WHERE action = 'retro' AND created_at + to_months(?) > ?::DATE",
                [OVERDUE_MONTHS, today],
            )
        ),
        "held": {
            row["interviewer_id"]: int(row["n"])
            for row in db.rows("SELECT interviewer_id, count(DISTINCT interview_id) AS n FROM r_seat GROUP BY ALL")
        },
        "called": {
            (row["reviewer_id"], row["pillar"])
            for row in db.rows("SELECT DISTINCT reviewer_id, pillar FROM first_calls")
        },
    }
