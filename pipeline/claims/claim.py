"""What is kept of a claim: places and a state, never its words."""

from __future__ import annotations

from typing import Literal

from pipeline.records import Record

State = Literal["supported", "contradicted", "none_found"]


class Claim(Record):
    """One sentence of the feedback: code points into it, what was found, where, and who pointed there.

    `claimed` and `counted` belong to a claim with a count. `request_hash` names the request in which a model pointed.
    """

    claim: int
    start: int
    end: int
    state: State
    first_line: int | None = None
    last_line: int | None = None
    claimed: int | None = None
    counted: int | None = None
    detail: str
    source: Literal["offline", "model"] = "offline"
    model: str | None = None
    request_hash: str | None = None


class Shown(Record):
    """A span of lines that is evidence, and the interviewer's line that prompted it; hints are counted by it."""

    signal: str
    meaning: str = ""
    first_line: int
    last_line: int
    prompted_by: int | None = None
