"""What can be imported: for each kind of file its columns, what a value may be, and where it goes.

A kind is recognised by its header alone. Rules are data: a condition in SQL that is true for a bad row, and the
reason as a person would say it. `{v}` stands for the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LEVELS = {"weak": "weak", "ok": "ok", "strong": "strong", "not_assessable": "not_assessable", "": ""}
VOTES = {
    "yes": "yes", "no": "no", "strong_yes": "yes", "strong_no": "no", "hire": "yes", "no_hire": "no",
    "accept": "yes", "reject": "no", "1": "yes", "0": "no", "true": "yes", "false": "no",
}  # fmt: skip
DECISIONS = {
    "hire": "hire", "hired": "hire", "yes": "hire", "offer": "hire", "accept": "hire", "accepted": "hire",
    "reject": "reject", "rejected": "reject", "no": "reject", "no_hire": "reject",
    "declined": "declined", "offer_declined": "declined", "withdrawn": "withdrawn", "withdrew": "withdrawn",
}  # fmt: skip
RATINGS = {
    "struggling": "struggling", "meeting": "meeting", "exceeding": "exceeding", "struggles": "struggling",
    "meets": "meeting", "exceeds": "exceeding", "left": "left", "": "",
}  # fmt: skip
REASONS = {
    "performance": "performance", "voluntary": "voluntary", "unknown": "unknown", "other": "voluntary", "": "",
}  # fmt: skip
TRUTHS = {"true": "true", "false": "false", "yes": "true", "no": "false", "1": "true", "0": "false", "": ""}


@dataclass(frozen=True)
class Kind:
    """One kind of file. `columns` maps a column of the file to a column of `table`."""

    name: str
    table: str
    columns: Mapping[str, str]
    needed: tuple[str, ...]  # a file of this kind has these columns
    filled: tuple[str, ...]  # and these are never empty
    key: tuple[str, ...]  # two rows with the same key are the same thing
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # accepted spellings -> what is stored
    dates: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


# In the order in which they may refer to one another.
KINDS: tuple[Kind, ...] = (
    Kind(
        "candidates", "candidates", _same("candidate_id", "role", "group", "applied_on"),
        needed=("candidate_id",), filled=("candidate_id",), key=("candidate_id",), dates=("applied_on",),
    ),
    Kind(
        "interviews", "sessions",
        _same("interview_id", "candidate_id", "interviewer_id", "role", "format") | {"date": "held_on"},
        needed=("interview_id", "candidate_id", "interviewer_id"),
        filled=("interview_id", "candidate_id", "interviewer_id"),
        key=("interview_id", "interviewer_id"), dates=("date",),
    ),
    Kind(
        "question_bank", "question_bank", _same("question_id", "format", "pillar", "text"),
        needed=("question_id",), filled=("question_id",), key=("question_id",),
    ),
    Kind(
        "questions", "questions", _same("interview_id", "question_id", "pillar", "level"),
        needed=("interview_id", "question_id"), filled=("interview_id", "question_id"),
        key=("interview_id", "question_id", "pillar"), words={"level": LEVELS},
    ),
    Kind(
        "calls", "calls", _same("interview_id", "pillar", "reviewer_id", "level"),
        needed=("interview_id", "pillar", "reviewer_id", "level"),
        filled=("interview_id", "pillar", "reviewer_id", "level"),
        key=("interview_id", "pillar", "reviewer_id"), words={"level": LEVELS},
    ),
    Kind(
        "votes", "votes", _same("interview_id", "interviewer_id", "vote"),
        needed=("interview_id", "interviewer_id", "vote"), filled=("interview_id", "interviewer_id", "vote"),
        key=("interview_id", "interviewer_id"), words={"vote": VOTES},
    ),
    Kind(
        "decisions", "decisions", _same("candidate_id", "decision", "votes") | {"date": "decided_on"},
        needed=("candidate_id", "decision"), filled=("candidate_id", "decision"), key=("candidate_id",),
        words={"decision": DECISIONS}, dates=("date",),
    ),
    Kind(
        "outcomes", "outcomes", _same("candidate_id", "months", "rating", "left_reason", "rated_by", "saw_scores"),
        needed=("candidate_id", "months"), filled=("candidate_id", "months"), key=("candidate_id", "months"),
        words={"rating": RATINGS, "left_reason": REASONS, "saw_scores": TRUTHS}, numbers=("months",),
    ),
)  # fmt: skip


def kind_of(header: list[str]) -> Kind | None:
    """The kind whose needed columns are all there and which knows most of the others; None when there is none."""
    fitting = [kind for kind in KINDS if set(kind.needed) <= set(header)]

    def known(kind: Kind) -> tuple[int, int, int]:
        strange = len(set(header) - set(kind.columns))
        return (-strange, len(kind.needed), -KINDS.index(kind))

    best = max(fitting, key=known, default=None)
    # One shared id is not enough to recognise a file by.
    return best if best is not None and len(set(header) & set(best.columns)) >= min(2, len(best.columns)) else None


def nearest(header: list[str]) -> Kind:
    """The kind that shares most columns with an unrecognised header, for the message."""
    return max(KINDS, key=lambda kind: len(set(header) & set(kind.columns)))


def bad_row_checks(kind: Kind, header: list[str]) -> list[tuple[str, str, str]]:
    """(field, SQL condition true for a bad row, reason) for the columns that the file has. `i` is the row."""
    checks: list[tuple[str, str, str]] = []
    for name in kind.columns:
        if name not in header:
            continue
        value = f'i."{name}"'
        if name in kind.filled:
            checks.append((name, f"{value} IS NULL", "is empty"))
        if name.endswith("_id") or name in ("pillar", "role", "format", "group"):
            checks.append((name, f"length({value}) > 200", "is longer than 200 characters"))
            checks.append((name, rf"regexp_matches({value}, '[\x00-\x1f]')", "has a line break or control character"))
        if name in kind.words:
            allowed = sorted({word for word in kind.words[name].values() if word})
            checks.append((name, f"starts_with({value}, '?')", "is none of: " + ", ".join(allowed)))
        if name in kind.dates:
            checks.append(
                (name, f"{value} IS NOT NULL AND try_cast({value} AS DATE) IS NULL", "is no date like 2026-03-02")
            )
        if name in kind.numbers:
            wrong = f"coalesce(try_cast({value} AS DOUBLE), -1)"
            checks.append(
                (name, f"{value} IS NOT NULL AND ({wrong} < 0 OR {wrong} > 600 OR {wrong} <> floor({wrong}))",
                 "is no whole number of months from 0 to 600")
            )  # fmt: skip
    return checks
