"""A call: one person's Weak / OK / Strong on one pillar of one interview, with a reason and what it rests on.

Step 1 is made from own notes, step 2 after reading the evidence, step 3 after the debrief. A call is never changed: a
later row of the same step counts until the step is closed, and after that only the next step can differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from pipeline.errors import ReviewError
from pipeline.records import Record

Level = Literal["weak", "ok", "strong", "not_assessable"]
Basis = Literal["cited", "notes", "none_seen"]

LEVELS: dict[str, str] = {"weak": "Weak", "ok": "OK", "strong": "Strong", "not_assessable": "Not assessable"}
STEPS: dict[int, str] = {1: "from own notes", 2: "after the evidence", 3: "after the debrief"}
BASES: dict[str, str] = {"cited": "cites evidence", "notes": "rests on own notes", "none_seen": "no evidence seen"}
MAX_REASON = 4000  # characters; a reason, not an essay
MAX_CITED = 60


class Call(Record):
    """A signed call. `evidence_ids` is empty unless `basis` is cited."""

    candidate_id: str
    interview_id: str
    reviewer_id: str
    pillar: str
    step: int
    level: Level
    rationale: str
    evidence_ids: tuple[str, ...] = ()
    basis: Basis


def make_call(
    form: Mapping[str, str | None],
    *,
    who: Mapping[str, str],
    step: int,
    was_there: bool,
    cited: Collection[str],
    citable: Collection[str],
) -> Call:
    """Check what a reviewer filled in and sign it.

    `form` has pillar, level, rationale and basis; `who` has candidate_id, interview_id and reviewer_id; `citable` are
    the ids that this reviewer may see. Raises ReviewError with what to fill in, never with what was written.
    """
    level, basis = form.get("level"), form.get("basis")
    rationale = (form.get("rationale") or "").replace("\r\n", "\n").strip()
    if level not in LEVELS:
        raise ReviewError("Choose Weak, OK, Strong or Not assessable.")
    if not any(letter.isalnum() for letter in rationale):
        raise ReviewError("Write the reason: what you saw or heard.")
    if len(rationale) > MAX_REASON:
        raise ReviewError(f"The reason has more than {MAX_REASON} characters.")
    ids = tuple(sorted(set(cited)))
    if basis not in BASES:
        basis = "cited" if ids else None
    if basis is None:
        raise ReviewError("Cite evidence, or say that you saw none.")
    if basis == "notes" and not was_there:
        raise ReviewError("You were not in this interview: cite evidence, or say that you saw none.")
    if basis == "cited":
        _check_cited(ids, citable, step)
    return Call(
        candidate_id=who["candidate_id"],
        interview_id=who["interview_id"],
        reviewer_id=who["reviewer_id"],
        pillar=form.get("pillar") or "",
        step=step,
        level=level,
        rationale=rationale,
        evidence_ids=ids if basis == "cited" else (),
        basis=basis,
    )


def _check_cited(ids: tuple[str, ...], citable: Collection[str], step: int) -> None:
    if step == 1:
        raise ReviewError("Call 1 comes from your own notes; there is no evidence to cite yet.")
    if not ids:
        raise ReviewError("Cite at least one piece of evidence, or say that you saw none.")
    if len(ids) > MAX_CITED:
        raise ReviewError(f"Cite at most {MAX_CITED} pieces.")
    unknown = [name for name in ids if name not in citable]
    if unknown:
        raise ReviewError(
            "A piece you cite is no longer in the evidence; somebody may have rejected it.",
            next_step="load the page again and choose anew.",
        )
