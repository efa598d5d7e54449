"""Who may see what, and when: a person commits first.

A reviewer has a seat in each interview they are asked about. Who held the interview starts at step 1 and sees no
evidence about the candidate, from any interview, before each of these first steps is closed. Who did not starts at
step 2. Others' calls stay hidden until the viewer's own step 2 is closed in every seat, and others' third calls until
the own third ones are. Who has no call to make sees the calls when all that were asked for are in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from pipeline.errors import ReviewError
from pipeline.records import Record

ReviewerRole = Literal["interviewer", "hiring_lead"]
LAST_STEP = 3


class Seat(Record):
    """A reviewer's part in one interview: the pillars asked of them, and how far they are."""

    interview_id: str
    was_there: bool
    pillars: tuple[str, ...]
    ready: bool = True  # the machine has ended with the interview
    saved: frozenset[tuple[int, str]] = frozenset()  # (step, pillar) with a call
    closed: frozenset[int] = frozenset()

    @property
    def first_step(self) -> int:
        """1 for who was in the interview, else 2."""
        return 1 if self.was_there else 2

    @property
    def step(self) -> int | None:
        """The first step that is not closed; None after the last."""
        return next((s for s in range(self.first_step, LAST_STEP + 1) if s not in self.closed), None)

    def missing(self, step: int) -> list[str]:
        """Pillars without a call in `step`, in the rubric's order."""
        return [pillar for pillar in self.pillars if (step, pillar) not in self.saved]


class Standing(Record):
    """One reviewer before one candidate."""

    reviewer_id: str
    role: ReviewerRole
    candidate_id: str
    seats: tuple[Seat, ...] = ()
    debrief_open: bool = False  # every call asked for is in, or a lead opened it with a reason

    @cached_property
    def by_interview(self) -> dict[str, Seat]:
        """Seats by interview."""
        return {seat.interview_id: seat for seat in self.seats}

    @property
    def sees_candidate(self) -> bool:
        """Leads see everybody, others whom they are asked about."""
        return self.role == "hiring_lead" or bool(self.seats)

    def sees_interview(self, interview_id: str) -> bool:
        """Others see where they have a seat; the candidate's other interviews too, once the packet is open to them."""
        return (
            self.role == "hiring_lead" or interview_id in self.by_interview or (bool(self.seats) and self.sees_packet)
        )

    @property
    def sees_evidence(self) -> bool:
        """True once every interview this person held has a closed first step."""
        return self.sees_candidate and all(1 in seat.closed for seat in self.seats if seat.was_there)

    def sees_calls(self, step: int) -> bool:
        """Whether others' closed calls of `step` may be shown."""
        if not self.sees_candidate:
            return False
        if not self.seats:
            return self.debrief_open
        own = max(step, 2)
        return self.sees_evidence and all(own in seat.closed for seat in self.seats)

    @property
    def sees_packet(self) -> bool:
        """The packet holds everybody's calls of steps 1 and 2."""
        return self.debrief_open and self.sees_calls(2)

    def open_step(self, interview_id: str) -> int:
        """The step in which a call may be made now. Raises ReviewError with the reason when there is none."""
        seat = self.by_interview.get(interview_id)
        if seat is None or not seat.pillars:
            raise ReviewError("You are not asked for a call on this interview.")
        step = seat.step
        if step is None:
            raise ReviewError("All your steps on this interview are closed.")
        if step >= 2 and not seat.ready:
            raise ReviewError("This interview is still being worked on; the evidence is not complete.")
        if step >= 2 and not self.sees_evidence:
            raise ReviewError("Close your first step in the other interview with this candidate first.")
        if step == LAST_STEP and not (self.debrief_open and self.sees_calls(2)):
            raise ReviewError("Call 3 opens with the debrief: some calls are still missing.")
        return step

    def check_close(self, interview_id: str, step: int) -> None:
        """Raises ReviewError unless `step` is open and has a call on every pillar asked for."""
        if self.open_step(interview_id) != step:
            raise ReviewError(f"Step {step} is not open.")
        missing = self.by_interview[interview_id].missing(step)
        if missing:
            raise ReviewError(f"A call is missing on: {', '.join(missing)}.")


def pillars_asked(named: Sequence[str | None], rubric: Sequence[str]) -> tuple[str, ...]:
    """The pillars of an assignment in the rubric's order; one entry of None asks for all."""
    if None in named:
        return tuple(rubric)
    return tuple(pillar for pillar in rubric if pillar in named)
