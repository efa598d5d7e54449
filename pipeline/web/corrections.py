"""Corrections from the page: reject, put back, add, relabel; who is who, and who speaks on a line."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pipeline.adapters.store import corrections, record, reviews
from pipeline.adapters.store.connection import Row
from pipeline.errors import ReviewError
from pipeline.records import Evidence, Line, Role, Word
from pipeline.review import correcting
from pipeline.web.house import House, house_of
from pipeline.web.pages import enter_interview
from pipeline.web.standings import rubric_of
from pipeline.web.visits import Refused, Visit

router = APIRouter()
Field = Annotated[str, Form()]
Number = Annotated[int | None, Form()]


@router.post("/interviews/{interview_id}/corrections")
def correct(
    request: Request,
    interview_id: str,
    token: Field = "",
    kind: Field = "",
    evidence_id: Field = "",
    signal: Field = "",
    reason: Field = "",
    start: Number = None,
    end: Number = None,
    first_line: Number = None,
    last_line: Number = None,
    speaker: Field = "",
    role: Field = "",
) -> Response:
    """One correction; roles and speakers are followed by a fresh derivation, which hears and asks nothing."""
    house = house_of(request)
    with house.door.writing(request, token) as visit:
        head, standing, _ = enter_interview(visit, interview_id)
        if not standing.sees_evidence:
            raise Refused(403, "Make your first call before you look at the evidence.")
        if head["transcript_hash"] is None:
            raise ReviewError("This interview has no transcript yet.")
        if kind in ("reject", "restore", "relabel"):
            _on_piece(visit, head, kind, evidence_id, signal, reason)
        elif kind == "add":
            _add(visit, head, start, end, signal, reason)
        elif kind == "line_speaker":
            _move(visit, head, first_line, last_line, speaker, reason)
        elif kind == "role":
            _role(visit, interview_id, speaker, role)
        else:
            raise ReviewError("There is no such correction.")
    if kind in ("line_speaker", "role"):
        rederive(house, interview_id)
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"hx-refresh": "true"})
    return RedirectResponse(f"/interviews/{interview_id}", 303)


def _on_piece(visit: Visit, head: Row, kind: str, evidence_id: str, signal: str, reason: str) -> None:
    found = corrections.pieces(visit.db, head["interview_id"], evidence_id)
    if not found:
        raise ReviewError("This piece is no longer there. Load the page again.")
    piece, why = found[0], correcting.reason_of(reason)
    counts = piece["standing"] in (None, "restore")
    if counts == (kind == "restore"):
        raise ReviewError("Somebody did this already. Load the page again.")
    if kind != "relabel":
        corrections.set_aside(visit.db, kind, piece, visit.reviewer_id, why)
        return
    fields = {name: piece[name] for name in Evidence.model_fields}
    fresh = correcting.relabelled(Evidence(**fields), piece["transcript_hash"], rubric_of(head["role_profile"]), signal)
    corrections.relabel(visit.db, piece, fresh, visit.reviewer_id, why)


def _add(visit: Visit, head: Row, start: int | None, end: int | None, signal: str, reason: str) -> None:
    if start is None or end is None:
        raise ReviewError("Select some of the candidate's words first.")
    transcript, name = head["transcript_hash"], head["interview_id"]
    piece = correcting.point(
        transcript,
        _words(reviews.words(visit.db, transcript)),
        [Line(**row) for row in reviews.lines(visit.db, transcript)],
        {row["speaker"]: row["role"] for row in reviews.speakers(visit.db, name)},
        rubric_of(head["role_profile"]),
        start=start,
        end=end,
        signal=signal,
    )
    corrections.add(visit.db, name, transcript, piece, visit.reviewer_id, correcting.reason_of(reason))


def _words(columns: dict[str, list[Any]]) -> list[Word]:
    names = list(columns)
    return [Word(**dict(zip(names, values, strict=True))) for values in zip(*columns.values(), strict=True)]


def _move(visit: Visit, head: Row, first: int | None, last: int | None, speaker: str, reason: str) -> None:
    name, count = head["interview_id"], reviews.line_count(visit.db, head["transcript_hash"])
    if first is None or last is None or not 1 <= first <= last <= count:
        raise ReviewError(f"Name the first and the last line, from 1 to {count}.")
    _check_speaker(visit, name, speaker)
    corrections.move_lines(visit.db, name, first, last, speaker, visit.reviewer_id, correcting.reason_of(reason))


def _role(visit: Visit, name: str, speaker: str, role: str) -> None:
    if role not in get_args(Role):
        raise ReviewError("Choose candidate, interviewer or unknown.")
    _check_speaker(visit, name, speaker)
    with visit.db.transaction():
        record.correct_role(visit.db, name, speaker, role, visit.reviewer_id)  # type: ignore[arg-type]


def _check_speaker(visit: Visit, name: str, speaker: str) -> None:
    if speaker not in {row["speaker"] for row in reviews.speakers(visit.db, name)}:
        raise ReviewError("Nobody in this interview has that label. Load the page again.")


def rederive(house: House, interview_id: str) -> None:
    """Evidence under the corrected roles; what pointed before points again, and no model is asked."""
    from pipeline.runner import Runner
    from pipeline.settings import load_settings

    Runner(house.workspace, load_settings(house.workspace.folder)).reprove(interview_id)
