"""What people correct: new rows beside the machine's, which stay. The last word on a piece counts."""

from __future__ import annotations

from typing import Any

from pipeline.adapters.store.connection import Row, Session
from pipeline.adapters.store.record import now
from pipeline.adapters.store.reviews import put
from pipeline.errors import ReviewError, StoreError
from pipeline.hashing import content_hash
from pipeline.records import Evidence


def note(db: Session, kind: str, interview_id: str, author: str, reason: str, **more: Any) -> str:
    """Add one correction and its audit line; returns its id. Call inside a transaction."""
    row = {"kind": kind, "interview_id": interview_id, "author": author, "reason": reason, **more}
    stamp = now()
    name = f"k-{content_hash(row, stamp)}"
    put(db, "corrections", {**row, "correction_id": name, "created_at": stamp})
    db.journal(author, kind, interview_id, f"{name} {more.get('evidence_id') or more.get('speaker') or ''}".strip())
    return name


def pieces(db: Session, interview_id: str, evidence_id: str) -> list[Row]:
    """The piece of that id with the last word on it, if it is pointed at in the transcript in force."""
    return db.rows(
        "SELECT e.*, x.kind AS standing FROM evidence_pointed e LEFT JOIN evidence_standing x "
        "ON x.interview_id = e.interview_id AND x.evidence_id = e.evidence_id "
        "WHERE e.interview_id = ? AND e.evidence_id = ?",
        [interview_id, evidence_id],
    )


def set_aside(db: Session, kind: str, piece: Row, author: str, reason: str) -> None:
    """Reject a piece or put it back."""
    with db.transaction():
        note(db, kind, piece["interview_id"], author, reason, **_span(piece), evidence_id=piece["evidence_id"])


def add(db: Session, interview_id: str, transcript_hash: str, piece: Evidence, author: str, reason: str) -> None:
    """Keep a span that a person pointed at. Raises ReviewError when the same span shows the same signal already."""
    same = db.rows(
        "SELECT e.evidence_id, x.kind FROM evidence_pointed e LEFT JOIN evidence_standing x "
        "ON x.interview_id = e.interview_id AND x.evidence_id = e.evidence_id "
        'WHERE e.interview_id = ? AND e.start = ? AND e."end" = ? AND e.signal = ?',
        [interview_id, piece.start, piece.end, piece.signal],
    )
    if any(row["kind"] in (None, "restore") for row in same):
        raise ReviewError("These words show this signal already.")
    with db.transaction():
        _add(db, "add", interview_id, transcript_hash, piece, author, reason)


def relabel(db: Session, old: Row, new: Evidence, author: str, reason: str) -> None:
    """Give a piece another signal: the old one is set aside, the same span comes in under the new one."""
    span = _span(old)
    with db.transaction():
        note(db, "relabel", old["interview_id"], author, reason, **{**span, "pillar": new.pillar, "signal": new.signal},
             evidence_id=old["evidence_id"])  # fmt: skip
        _add(db, "add", old["interview_id"], old["transcript_hash"], new, author, reason)


def _add(
    db: Session, kind: str, interview_id: str, transcript_hash: str, piece: Evidence, author: str, reason: str
) -> None:
    row = piece.model_dump(exclude={"request_hash"})
    known = db.value(
        "SELECT count(*) FROM person_evidence WHERE interview_id = ? AND evidence_id = ?",
        [interview_id, piece.evidence_id],
    )
    name = note(db, kind, interview_id, author, reason, **_span(row), evidence_id=piece.evidence_id)
    if known:  # pointed at before and set aside since: the last word brings it back
        note(db, "restore", interview_id, author, reason, **_span(row), evidence_id=piece.evidence_id)
        return
    own = {"correction_id": name, "interview_id": interview_id, "transcript_hash": transcript_hash}
    put(db, "person_evidence", {**own, **row, "author": author, "created_at": now()})


def move_lines(db: Session, interview_id: str, first: int, last: int, speaker: str, author: str, reason: str) -> None:
    """Give lines to another speaker of the interview. The caller derives the evidence again."""
    labels = [row["speaker"] for row in db.rows("SELECT speaker FROM speakers WHERE interview_id = ?", [interview_id])]
    if speaker not in labels:
        raise StoreError("nobody in this interview has that label.", next_step="choose one of the speakers.")
    with db.transaction():
        note(db, "line_speaker", interview_id, author, reason, first_line=first, last_line=last, speaker=speaker)


def _span(row: Row) -> Row:
    return {key: row[key] for key in ("pillar", "signal", "start", "end", "first_line", "last_line")}


def left_behind(db: Session, interview_id: str) -> int:
    """How many spans of people belong to an earlier transcript, and so are not shown any more."""
    found = db.value(
        "SELECT count(*) FROM person_evidence p JOIN interviews i USING (interview_id) "
        "WHERE p.interview_id = ? AND p.transcript_hash <> i.transcript_hash",
        [interview_id],
    )
    return int(found or 0)


def corrected(db: Session) -> list[str]:
    """Interviews in which a person corrected a piece or closed a call after the evidence, by id."""
    rows = db.rows(
        "SELECT interview_id FROM corrections WHERE kind <> 'role' UNION "
        "SELECT interview_id FROM step_locks WHERE step >= 2 ORDER BY interview_id"
    )
    return [row["interview_id"] for row in rows]
