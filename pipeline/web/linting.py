"""A reason read while it is written: phrases that judge instead of describing, each with a question; none is kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from pipeline.lint.finding import Note
from pipeline.lint.rules import load_rules
from pipeline.lint.run import lint_note
from pipeline.review.calls import MAX_REASON
from pipeline.web.house import house_of

router = APIRouter()
SHOWN = 5


@router.post("/lint")
def lint(request: Request, token: Annotated[str, Form()] = "", rationale: Annotated[str, Form()] = "") -> Response:
    """Findings on a reason as a fragment; the same rules as `verbatim lint`."""
    house = house_of(request)
    house.door.check_form(house.door.visit_secret(request), token)
    findings = lint_note(Note("reason", "", rationale[:MAX_REASON]), load_rules()).findings
    return house.page("_lint.html", findings=findings[:SHOWN], more=max(len(findings) - SHOWN, 0))
