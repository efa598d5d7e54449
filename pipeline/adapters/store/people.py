"""Reviewers: who they are, their one-time link, their signed-in browsers, whom they are asked about."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from pipeline.adapters.store.connection import Row, Session
from pipeline.adapters.store.record import now
from pipeline.adapters.store.reviews import put, seats
from pipeline.errors import ReviewError

VISIT_HOURS = 8


def hashed(secret: str) -> str:
    """SHA-256 of a 256-bit random secret; such a secret needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add_reviewer(db: Session, reviewer_id: str, name: str, role: str) -> str:
    """Make a reviewer known, or give a known one a fresh link; returns the secret, which is kept hashed only.

    A fresh link ends the reviewer's open visits. Earlier calls stay theirs.
    """
    secret = secrets.token_urlsafe(32)
    with db.transaction():
        if db.value("SELECT count(*) FROM reviewers WHERE reviewer_id = ?", [reviewer_id]):
            db.execute(
                "UPDATE reviewers SET name = ?, role = ?, token_hash = ? WHERE reviewer_id = ?",
                [name, role, hashed(secret), reviewer_id],
            )
            db.execute("UPDATE review_visits SET ended = true WHERE reviewer_id = ? AND NOT ended", [reviewer_id])
        else:
            row = {"reviewer_id": reviewer_id, "name": name, "role": role, "token_hash": hashed(secret)}
            db.insert("reviewers", [{**row, "created_at": now()}])
        db.journal("command line", "link", reviewer_id, role)
    return secret


def shut_out(db: Session, reviewer_id: str) -> None:
    """End a reviewer's visits and an unused link; their calls stay. Raises ReviewError for an unknown id."""
    _check_known(db, reviewer_id)
    with db.transaction():
        db.execute("UPDATE reviewers SET token_hash = NULL WHERE reviewer_id = ?", [reviewer_id])
        db.execute("UPDATE review_visits SET ended = true WHERE reviewer_id = ? AND NOT ended", [reviewer_id])
        db.journal("command line", "shut-out", reviewer_id)


def _check_known(db: Session, reviewer_id: str) -> None:
    if not db.value("SELECT count(*) FROM reviewers WHERE reviewer_id = ?", [reviewer_id]):
        raise ReviewError(f"there is no reviewer '{reviewer_id}'.", next_step="verbatim reviewers list")


def list_reviewers(db: Session) -> list[Row]:
    """Everybody, with the interviews they are asked about."""
    asked: dict[str, list[str]] = {}
    for seat in seats(db):
        asked.setdefault(seat["reviewer_id"], []).append(seat["interview_id"])
    rows = db.rows(
        "SELECT reviewer_id, name, role, token_hash IS NOT NULL AS link_unused FROM reviewers ORDER BY reviewer_id"
    )
    return [{**row, "interviews": asked.get(row["reviewer_id"], [])} for row in rows]


def assign(db: Session, reviewer_id: str, candidate_id: str, interview_id: str | None, pillar: str | None) -> None:
    """Ask a reviewer about a candidate, one interview, or one pillar; asking twice changes nothing."""
    _check_known(db, reviewer_id)
    known = db.value(
        "SELECT count(*) FROM interviews WHERE candidate_id = ? AND (?::VARCHAR IS NULL OR interview_id = ?)",
        [candidate_id, interview_id, interview_id],
    )
    if not known:
        what = f"interview '{interview_id}' of " if interview_id else ""
        raise ReviewError(f"there is no {what}candidate '{candidate_id}' here.", next_step="verbatim status")
    row = {"reviewer_id": reviewer_id, "candidate_id": candidate_id, "interview_id": interview_id, "pillar": pillar}
    with db.transaction():
        there = db.value(
            "SELECT count(*) FROM assignments WHERE reviewer_id = ? AND candidate_id = ? "
            "AND interview_id IS NOT DISTINCT FROM ? AND pillar IS NOT DISTINCT FROM ?",
            list(row.values()),
        )
        if not there:
            db.insert("assignments", [row])
            db.journal("command line", "assign", reviewer_id, f"{candidate_id} {interview_id or '*'} {pillar or '*'}")


def use_link(db: Session, secret: str) -> tuple[str, str] | None:
    """Exchange a one-time secret for a visit: (reviewer_id, visit secret), or None when it opens nothing."""
    reviewer = db.value("SELECT reviewer_id FROM reviewers WHERE token_hash = ?", [hashed(secret)])
    if reviewer is None:
        return None
    visit = secrets.token_urlsafe(32)
    start = datetime.now(UTC).replace(tzinfo=None)
    row = {"visit_hash": hashed(visit), "reviewer_id": reviewer, "created_at": start.isoformat(), "ended": False}
    with db.transaction():
        db.execute("UPDATE reviewers SET token_hash = NULL WHERE reviewer_id = ?", [reviewer])
        expires = (start + timedelta(hours=VISIT_HOURS)).isoformat()
        put(db, "review_visits", {**row, "expires_at": expires})
        db.journal(reviewer, "sign-in", reviewer)
    return reviewer, visit


def visitor(db: Session, visit: str) -> Row | None:
    """The reviewer behind a visit secret: reviewer_id, name, role; None when the visit is over or unknown."""
    found = db.rows(
        "SELECT r.reviewer_id, r.name, r.role FROM review_visits v JOIN reviewers r USING (reviewer_id) "
        "WHERE v.visit_hash = ? AND NOT v.ended AND v.expires_at > ?::TIMESTAMP",
        [hashed(visit), now()],
    )
    return found[0] if found else None


def end_visit(db: Session, visit: str, reviewer_id: str) -> None:
    """Sign out."""
    db.execute("UPDATE review_visits SET ended = true WHERE visit_hash = ?", [hashed(visit)])
    db.journal(reviewer_id, "sign-out", reviewer_id)
