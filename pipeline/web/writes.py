"""What is written: signing in and out, calls, closed steps, plays. What is confirmed has been committed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pipeline.adapters.store import people, reviews
from pipeline.adapters.store.connection import Row
from pipeline.errors import ReviewError
from pipeline.review.calls import make_call
from pipeline.review.standing import Standing
from pipeline.web import shape
from pipeline.web.house import House, house_of
from pipeline.web.pages import enter_interview, visible_calls
from pipeline.web.standings import rubric_of
from pipeline.web.visits import Refused, Visit

router = APIRouter()
Field = Annotated[str, Form()]


@router.get("/enter/{link}")
def offered(request: Request, link: str) -> Response:
    """The page of a one-time link. Looking at it opens nothing, so that a preview does not use it up."""
    return house_of(request).page("enter.html", link=link)


@router.post("/enter")
def enter(request: Request, link: Field = "") -> Response:
    """Exchange a one-time link for a signed cookie."""
    house = house_of(request)
    address = request.client.host if request.client else "?"
    house.door.throttle.check(address)
    with house.store.session() as db:
        found = people.use_link(db, link)
    if found is None:
        house.door.throttle.failed(address)
        raise Refused(401, "This link opens nothing: it was used, or a newer one was made.")
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        house.door.cookie,
        house.door.seal(found[1]),
        max_age=people.VISIT_HOURS * 3600,
        httponly=True,
        samesite="strict",
        secure=house.door.secure,
        path="/",
    )
    return answer


@router.post("/leave")
def leave(request: Request, token: Field = "") -> Response:
    """Sign out: the visit ends on the server too."""
    house = house_of(request)
    with house.door.writing(request, token) as visit:
        people.end_visit(visit.db, house.door.visit_secret(request), visit.reviewer_id)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(house.door.cookie, path="/", httponly=True, samesite="strict")
    return answer


@router.post("/interviews/{interview_id}/calls")
def call(
    request: Request,
    interview_id: str,
    token: Field = "",
    pillar: Field = "",
    step: Annotated[int, Form()] = 0,
    level: Field = "",
    rationale: Field = "",
    basis: Field = "",
    cited: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Save a call on one pillar; the answer is sent after the commit."""
    house = house_of(request)
    with house.door.writing(request, token) as visit:
        head, standing, _ = enter_interview(visit, interview_id)
        _check_step(standing, interview_id, step, pillar)
        seat = standing.by_interview[interview_id]
        known = reviews.evidence(visit.db, [interview_id]) if cited and step >= 2 else []
        signed = make_call(
            {"pillar": pillar, "level": level, "rationale": rationale, "basis": basis},
            who={
                "candidate_id": head["candidate_id"],
                "interview_id": interview_id,
                "reviewer_id": visit.reviewer_id,
            },
            step=step,
            was_there=seat.was_there,
            cited=cited or [],
            citable={piece["evidence_id"] for piece in known if shape.standing_now(piece)},
        )
        reviews.save_call(visit.db, signed.model_dump(mode="json"))
        return _call_answer(house, request, visit, head, standing, (step, pillar))


def _check_step(standing: Standing, interview_id: str, step: int, pillar: str) -> None:
    if standing.open_step(interview_id) != step:
        raise ReviewError(f"Step {step} is not open. Load the page again.")
    if pillar not in standing.by_interview[interview_id].pillars:
        raise ReviewError("You are not asked about this pillar.")


def _call_answer(
    house: House, request: Request, visit: Visit, head: Row, standing: Standing, saved: tuple[int, str]
) -> Response:
    """The pillar's box and the progress, for htmx; the page again for everybody else."""
    interview_id, (step, pillar) = head["interview_id"], saved
    if request.headers.get("hx-request") != "true":
        return RedirectResponse(f"/interviews/{interview_id}#call-{pillar}", 303)
    seat = standing.by_interview[interview_id]
    calls = reviews.calls(visit.db, head["candidate_id"])
    own = [c for c in calls if c["reviewer_id"] == visit.reviewer_id and c["interview_id"] == interview_id]
    return house.page(
        "_saved.html",
        me=visit.reviewer,
        pillar=next(p for p in rubric_of(head["role_profile"]).pillars if p.id == pillar),
        head=head,
        seat=seat.model_copy(update={"saved": seat.saved | {saved}}),
        step=step,
        mine={(c["step"], c["pillar"]): c for c in own},
        others=visible_calls(standing, calls, interview_id),
        token=visit.form_token,
    )


@router.post("/interviews/{interview_id}/close")
def close(request: Request, interview_id: str, token: Field = "", step: Annotated[int, Form()] = 0) -> Response:
    """Close a step for good; what it opens is on the page that follows."""
    house = house_of(request)
    with house.door.writing(request, token) as visit:
        _, standing, _ = enter_interview(visit, interview_id)
        standing.check_close(interview_id, step)
        seat = standing.by_interview[interview_id]
        reviews.close_step(visit.db, interview_id, visit.reviewer_id, step, seat.first_step)
    return RedirectResponse(f"/interviews/{interview_id}", 303)


@router.post("/interviews/{interview_id}/plays")
def played(request: Request, interview_id: str, token: Field = "", evidence_id: Field = "") -> Response:
    """An audit line for a quote that was heard."""
    house = house_of(request)
    with house.door.writing(request, token) as visit:
        _, standing, _ = enter_interview(visit, interview_id)
        if not standing.sees_evidence or len(evidence_id) > 40 or not evidence_id.replace("-", "").isalnum():
            raise Refused(403, "There is nothing to hear yet.")
        visit.db.journal(visit.reviewer_id, "play", interview_id, evidence_id)
    return Response(status_code=204)
