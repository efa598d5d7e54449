"""What is read: home, an interview, a piece's origin, the debrief. Each opens the store late and closes it early."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pipeline.adapters.store import corrections, reviews
from pipeline.adapters.store.connection import Row
from pipeline.review.standing import Seat, Standing
from pipeline.web import drawing, shape
from pipeline.web.house import STATIC, house_of
from pipeline.web.standings import rubric_of, seat_of, standing_of
from pipeline.web.visits import Refused, Visit

router = APIRouter()


@router.get("/static/{_tag}/{name}")
def static(request: Request, _tag: str, name: str) -> Response:
    """Style, script and htmx; three names are known, nothing is looked up on disk."""
    if name not in STATIC:
        raise Refused(404, "There is no such file.")
    keep = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(house_of(request).assets[name], media_type=STATIC[name], headers=keep)


@router.get("/")
def home(request: Request) -> Response:
    """Whom I am asked about and what comes next; for an empty workspace, how to fill it."""
    house = house_of(request)
    with house.door.visit(request) as visit:
        everybody = reviews.seats(visit.db)
        mine = {seat["interview_id"] for seat in everybody if seat["reviewer_id"] == visit.reviewer_id}
        rows = [row for row in reviews.candidates(visit.db) if visit.is_lead or row["interview_id"] in mine]
        shown = [row["interview_id"] for row in rows]
        covered = reviews.coverage(visit.db, shown)
        openings = {row["candidate_id"] for row in visit.db.rows("SELECT DISTINCT candidate_id FROM debrief_openings")}
        visit.db.journal(visit.reviewer_id, "read", "home")
    return house.page(
        "home.html",
        me=visit.reviewer,
        token=visit.form_token,
        candidates=_grouped(visit, rows, everybody, covered, openings),
    )


def _grouped(visit: Visit, rows: list[Row], everybody: list[Row], covered: list[Row], openings: set[str]) -> list[Row]:
    found: dict[str, Row] = {}
    for row in rows:
        name = row["candidate_id"]
        if name not in found:
            seats = [s for s in everybody if s["candidate_id"] == name]
            own = tuple(seat_of(s) for s in seats if s["reviewer_id"] == visit.reviewer_id)
            is_open = name in openings or (bool(seats) and all(2 in s["closed"] for s in seats))
            standing = Standing(
                reviewer_id=visit.reviewer_id,
                role=visit.reviewer["role"],
                candidate_id=name,
                seats=own,
                debrief_open=is_open,
            )
            waiting = sum(2 not in s["closed"] for s in seats)
            found[name] = {
                "candidate_id": name,
                "standing": standing,
                "waiting": waiting,
                "asked": len(seats),
                "interviews": [],
            }
        standing = found[name]["standing"]
        titles = {p.id: p.title for p in rubric_of(row["role_profile"]).pillars}
        own_cover = [c for c in covered if c["interview_id"] == row["interview_id"]]
        strip = drawing.strip(own_cover, titles) if standing.sees_evidence and own_cover else None
        seat = standing.by_interview.get(row["interview_id"])
        found[name]["interviews"].append({**row, "strip": strip, "seat": seat, "todo": _todo(standing, seat, row)})
    return list(found.values())


def _todo(standing: Standing, seat: Seat | None, row: Row) -> str:
    if seat is None:
        return "read" if row["state"] == "done" else row["state"]
    if seat.step is None:
        return "all three calls are in"
    if seat.step == 1:
        return "call 1: from your own notes"
    if not seat.ready:
        return "the evidence is still being made"
    if seat.step == 2:
        return "call 2: after the evidence"
    return "call 3: after the debrief" if standing.debrief_open else "waiting for the others' calls"


@router.get("/interviews/{interview_id}")
def interview(request: Request, interview_id: str) -> Response:
    """The interview page; before a first call is in, only the form for it."""
    house = house_of(request)
    with house.door.visit(request) as visit:
        page = load_interview(visit, interview_id)
        visit.db.journal(visit.reviewer_id, "read", interview_id, "evidence" if page["sees"] else "first call")
    return house.page(
        "interview.html" if page["sees"] else "first.html", me=visit.reviewer, token=visit.form_token, **page
    )


def enter_interview(visit: Visit, interview_id: str) -> tuple[Row, Standing, list[Row]]:
    """The head of an interview and the visitor's standing; Refused 404 when it is not theirs to know of."""
    head = reviews.interview(visit.db, interview_id)
    if head is None:
        raise Refused(404, "There is no such interview for you.")
    standing, seats = standing_of(visit.db, visit.reviewer, head["candidate_id"])
    if not standing.sees_interview(interview_id):
        raise Refused(404, "There is no such interview for you.")
    return head, standing, seats


def load_interview(visit: Visit, interview_id: str) -> dict[str, Any]:
    """All that the page prints, and nothing that this reviewer may not see."""
    head, standing, _ = enter_interview(visit, interview_id)
    rubric = rubric_of(head["role_profile"])
    seat = standing.by_interview.get(interview_id)
    calls = reviews.calls(visit.db, head["candidate_id"])
    page: dict[str, Any] = {
        "head": head,
        "rubric": rubric,
        "standing": standing,
        "seat": seat,
        "step": may_call(standing, interview_id),
        "sees": standing.sees_evidence,
        "mine": {
            (c["step"], c["pillar"]): c
            for c in calls
            if c["reviewer_id"] == visit.reviewer_id and c["interview_id"] == interview_id
        },
        "others": visible_calls(standing, calls, interview_id),
        "error": None,
    }
    if not standing.sees_evidence:
        notes = reviews.feedback(visit.db, [interview_id], visit.reviewer_id)
        first = [s.interview_id for s in standing.seats if s.was_there and 1 not in s.closed]
        return {**page, "notes": notes, "first": first}
    return {**page, **_evidence_side(visit, head, rubric, seat)}


def may_call(standing: Standing, interview_id: str) -> int | None:
    """The step that is open to this reviewer now, or None."""
    from pipeline.errors import ReviewError

    try:
        return standing.open_step(interview_id)
    except ReviewError:
        return None


def visible_calls(standing: Standing, calls: list[Row], interview_id: str | None = None) -> list[Row]:
    """Others' closed calls that this reviewer may see, by standing alone."""
    return [
        call
        for call in calls
        if call["reviewer_id"] != standing.reviewer_id
        and call["closed"]
        and interview_id in (None, call["interview_id"])
        and standing.sees_calls(call["step"])
    ]


def _evidence_side(visit: Visit, head: Row, rubric: Any, seat: Seat | None) -> dict[str, Any]:
    name = head["interview_id"]
    sound = reviews.sound_of(visit.db, [name])
    speakers = reviews.speakers(visit.db, name, sound)
    roles = {s["speaker"]: s["role"] for s in speakers}
    lines = reviews.lines(visit.db, head["transcript_hash"]) if head["transcript_hash"] else []
    evidence = reviews.evidence(visit.db, [name], sound)
    probes = reviews.probes(visit.db, name)
    counting = [piece for piece in evidence if shape.standing_now(piece)]
    by_pillar = {p.id: p for p in rubric.pillars}
    told = [shape.signal_text(by_pillar[e["pillar"]], e) for e in counting if e["pillar"] in by_pillar]
    titles = {p.id: p.title for p in rubric.pillars}
    covered = reviews.coverage(visit.db, [name])
    return {
        "speakers": speakers,
        "flags": reviews.flags(visit.db, name),
        "recordings": reviews.recordings(visit.db, name),
        "turns": shape.turns(lines, roles, counting, probes, rubric),
        "pillars": shape.pillar_views(rubric, evidence, covered, seat.pillars if seat else ()),
        "timeline": drawing.timeline(head["duration_s"] or 0.0, lines, roles, told, probes, titles),
        "line_count": len(lines),
        "left_behind": corrections.left_behind(visit.db, name),
    }


@router.get("/interviews/{interview_id}/evidence/{evidence_id}")
def origin(request: Request, interview_id: str, evidence_id: str) -> Response:
    """Where a piece comes from: recording, transcript, model, prompt, rubric, request; a fragment."""
    house = house_of(request)
    with house.door.visit(request) as visit:
        head, standing, _ = enter_interview(visit, interview_id)
        if not standing.sees_evidence:
            raise Refused(403, "Make your first call before you look at the evidence.")
        found = [e for e in reviews.evidence(visit.db, [interview_id]) if e["evidence_id"] == evidence_id]
        if not found:
            raise Refused(404, "There is no such piece of evidence.")
        visit.db.journal(visit.reviewer_id, "read-origin", interview_id, evidence_id)
    return house.page("_origin.html", piece=found[0], head=head)


@router.get("/favicon.ico")
def favicon() -> Response:
    """None; an empty answer spares a page of error."""
    return Response(status_code=204)


@router.get("/leave")
def left() -> Response:
    """Signing out is a form; who types the address goes home."""
    return RedirectResponse("/", 303)
