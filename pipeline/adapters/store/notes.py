"""Keep what interviewers wrote, and what was found in it. The same file again replaces its findings and claims."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version

from pipeline.adapters.store.connection import Row, Session
from pipeline.adapters.store.record import now, spend, start_run
from pipeline.errors import StoreError
from pipeline.records import ModelCall


def keep_feedback(
    db: Session, *, path: str, text: str, interview_id: str | None = None, interviewer_id: str | None = None
) -> str:
    """Store a feedback text once; returns its id. Candidate and a sole interviewer follow from the interview."""
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    feedback_id = f"f-{hashlib.sha256(f'{interview_id}|{path}|{sha256}'.encode()).hexdigest()[:16]}"
    if db.value("SELECT count(*) FROM feedback WHERE feedback_id = ?", [feedback_id]):
        return feedback_id
    found = db.rows("SELECT candidate_id, interviewers FROM interviews WHERE interview_id = ?", [interview_id])
    known: Row = found[0] if found else {"candidate_id": None, "interviewers": []}
    sole = known["interviewers"][0] if len(known["interviewers"]) == 1 else None
    row = {
        "feedback_id": feedback_id,
        "interview_id": interview_id,
        "candidate_id": known["candidate_id"],
        "interviewer_id": interviewer_id or sole,
        "path": path,
        "sha256": sha256,
        "text": text,
        "created_at": now(),
    }
    db.insert("feedback", [row])
    return feedback_id


def check_interview(db: Session, interview_id: str) -> None:
    """Raise StoreError, naming what there is, when the record knows no such interview."""
    known = [str(row["interview_id"]) for row in db.rows("SELECT interview_id FROM interviews ORDER BY 1")]
    if interview_id not in known:
        raise StoreError(
            f"there is no interview '{interview_id}' here.",
            kept="Nothing was stored.",
            next_step=f"choose one of: {', '.join(known[:8]) or 'none yet'}.",
        )


def drop_earlier(db: Session, feedback_ids: Sequence[str]) -> None:
    """Take out what was found in earlier texts of these files: same name, interview and interviewer. Texts stay.

    Where interview or interviewer is not known a name says too little, and nothing goes.
    """
    with db.transaction():
        for table in ("findings", "claims"):
            db.execute(
                f'DELETE FROM "{table}" WHERE feedback_id IN (SELECT old.feedback_id FROM feedback old '  # noqa: S608
                "JOIN feedback new ON new.path = old.path AND new.interview_id = old.interview_id "
                "AND new.interviewer_id = old.interviewer_id "
                "WHERE list_contains(?::VARCHAR[], new.feedback_id) "
                "AND NOT list_contains(?::VARCHAR[], old.feedback_id))",
                [list(feedback_ids), list(feedback_ids)],
            )


def keep_calls(db: Session, interview_id: str, calls: Sequence[ModelCall]) -> None:
    """Count what asking a model about this interview's feedback took, as a run of its own."""
    stamp = now()
    run_id = f"claims-{hashlib.sha256(f'{interview_id}|{stamp}'.encode()).hexdigest()[:12]}"
    with db.transaction():
        start_run(db, run_id, version("verbatim-interviews"), {"verb": "claims"})
        spend(db, run_id, interview_id, calls)


def replace_rows(db: Session, table: str, feedback_id: str, rows: Sequence[Row]) -> None:
    """Put `rows` in the place of what `table` (findings or claims) held for this feedback."""
    with db.transaction():
        db.execute(f'DELETE FROM "{table}" WHERE feedback_id = ?', [feedback_id])  # noqa: S608 - our own names
        db.insert(table, [{"feedback_id": feedback_id, **row} for row in rows])
