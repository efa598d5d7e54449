"""From rows to a reviewer's standing before a candidate; the one place where both meet."""

from __future__ import annotations

from functools import lru_cache

from pipeline.adapters.store import reviews
from pipeline.adapters.store.connection import Row, Session
from pipeline.errors import RubricError
from pipeline.prompting import load_rubric
from pipeline.review.standing import Seat, Standing, pillars_asked
from pipeline.rubric import Rubric

FALLBACK = "senior-backend"


@lru_cache(maxsize=32)
def rubric_of(profile: str | None) -> Rubric:
    """The rubric of a role profile, read once; the default one when the profile is gone."""
    try:
        return load_rubric(profile or FALLBACK)
    except RubricError:
        return load_rubric(FALLBACK)


def seat_of(row: Row) -> Seat:
    """A seat from its row."""
    rubric = rubric_of(row["role_profile"])
    return Seat(
        interview_id=row["interview_id"],
        was_there=row["was_there"],
        pillars=pillars_asked(row["pillars"], [p.id for p in rubric.pillars]),
        ready=row["state"] in ("done", "failed"),
        saved=frozenset(row["saved"]),
        closed=frozenset(row["closed"]),
    )


def is_open(rows: list[Row], openings: list[Row]) -> bool:
    """A debrief is open when every seat closed its step 2, or a lead opened it."""
    return bool(openings) or (bool(rows) and all(2 in row["closed"] for row in rows))


def standing_of(db: Session, reviewer: Row, candidate_id: str) -> tuple[Standing, list[Row]]:
    """The reviewer's standing, and the rows of every seat at this candidate."""
    rows = reviews.seats(db, candidate_id=candidate_id)
    openings = reviews.openings(db, candidate_id)
    own = [seat_of(row) for row in rows if row["reviewer_id"] == reviewer["reviewer_id"]]
    standing = Standing(
        reviewer_id=reviewer["reviewer_id"],
        role=reviewer["role"],
        candidate_id=candidate_id,
        seats=tuple(own),
        debrief_open=is_open(rows, openings),
    )
    return standing, rows
