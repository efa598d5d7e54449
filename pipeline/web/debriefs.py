"""The debrief: who is still missing, then everything side by side; and the packet to take along."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pipeline.adapters.store import reviews
from pipeline.adapters.store.connection import Row
from pipeline.errors import ReviewError
from pipeline.review.correcting import reason_of
from pipeline.review.standing import Standing
from pipeline.web import packets
from pipeline.web.house import house_of
from pipeline.web.standings import standing_of
from pipeline.web.visits import Refused, Visit

router = APIRouter()


def _enter(visit: Visit, candidate_id: str) -> tuple[Standing, list[Row]]:
    standing, seats = standing_of(visit.db, visit.reviewer, candidate_id)
    if not standing.sees_candidate or not reviews.candidate_known(visit.db, candidate_id):
        raise Refused(404, "There is no such candidate for you.")
    return standing, seats


def _may_show(standing: Standing, call: Row) -> bool:
    return call["reviewer_id"] == standing.reviewer_id or standing.sees_calls(call["step"])


@router.get("/candidates/{candidate_id}")
def debrief(request: Request, candidate_id: str) -> Response:
    """The debrief page; before the reader's own calls are in, only who is still awaited."""
    house = house_of(request)
    with house.door.visit(request) as visit:
        standing, seats = _enter(visit, candidate_id)
        coverage = reviews.coverage(visit.db, [s["interview_id"] for s in seats])
        given: dict[str, Any] = {
            "candidate_id": candidate_id,
            "standing": standing,
            "seats": seats,
            "missing": packets.what_is_missing(seats, coverage if standing.sees_evidence else []),
            "interviews": [r for r in reviews.candidates(visit.db) if r["candidate_id"] == candidate_id],
            "opened": reviews.openings(visit.db, candidate_id),
            "packet": None,
            "paths": {},
        }
        if standing.sees_packet:
            packet, _ = packets.gather(visit.db, candidate_id, lambda call: _may_show(standing, call))
            given["packet"] = packet
            given["paths"] = packets.paths_of(packet)
        visit.db.journal(visit.reviewer_id, "read", candidate_id, "debrief" if standing.sees_packet else "waiting")
    return house.page("debrief.html", me=visit.reviewer, token=visit.form_token, **given)


@router.post("/candidates/{candidate_id}/open")
def open_early(
    request: Request, candidate_id: str, token: Annotated[str, Form()] = "", reason: Annotated[str, Form()] = ""
) -> Response:
    """A lead opens a debrief although something is missing; what and why is kept."""
    house = house_of(request)
    with house.door.writing(request, token) as visit:
        _, seats = _enter(visit, candidate_id)
        if not visit.is_lead:
            raise Refused(403, "Only a hiring lead can open a debrief early.")
        coverage = reviews.coverage(visit.db, [s["interview_id"] for s in seats])
        missing = packets.what_is_missing(seats, coverage)
        if missing and not reviews.openings(visit.db, candidate_id):
            why = reason_of(reason)
            reviews.open_debrief(visit.db, candidate_id, visit.reviewer_id, packets.counted(missing), why)
    return RedirectResponse(f"/candidates/{candidate_id}", 303)


@router.get("/candidates/{candidate_id}/packet.{kind}")
def packet_file(request: Request, candidate_id: str, kind: str, audio: bool = True) -> Response:
    """The packet in one of its forms. 403 before the reader's own calls are in, 422 while something is missing."""
    house = house_of(request)
    if kind not in packets.KINDS:
        raise Refused(404, "The packet comes as html, md, csv or txt.")
    with house.door.visit(request) as visit:
        standing, _ = _enter(visit, candidate_id)
        if not standing.sees_packet:
            raise Refused(403, "The packet opens when your own calls, and all others, are in.")
        packet, places = packets.gather(visit.db, candidate_id, lambda call: _may_show(standing, call))
        if packet.missing and not packet.opened:
            raise ReviewError("Something is still missing: " + "; ".join(packet.missing) + ".")
        visit.db.journal(visit.reviewer_id, "export", candidate_id, f"packet.{kind}")
    clips = packets.clips_of(packet, places, house.workspace.folder / "tmp") if kind == "html" and audio else {}
    name = f"attachment; filename*=UTF-8''packet-{quote(candidate_id, safe='')}.{kind}"
    content = packets.printed(packet, kind, clips)
    return Response(content, media_type=packets.KINDS[kind], headers={"content-disposition": name})
