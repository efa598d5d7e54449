"""The packet for the debrief, put in order: where people differ first, then each pillar with both sides and its gaps.

It repeats what people decided and what the recording holds. Nothing here concludes: no average, no total, no advice.
Pure: rows in, records out; the same rows give the same packet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.records import Record
from pipeline.rubric import Rubric

Row = dict[str, Any]
HEIGHT = {"weak": 0, "ok": 1, "strong": 2}


class Quote(Record):
    """A piece of evidence with its words, both already verified. `cited` says that a closed call cites it."""

    evidence_id: str
    interview_id: str
    pillar: str
    polarity: str
    signal_text: str
    quote: str
    start_s: float
    end_s: float
    first_line: int
    prompted: bool
    cited: bool
    by_person: bool
    recording_id: str | None
    gone: str = ""  # why it no longer counts, when a call cites it all the same


class Said(Record):
    """One closed call."""

    step: int
    level: str
    rationale: str
    basis: str | None
    cited: tuple[Quote, ...]


class Position(Record):
    """One reviewer's calls on one pillar of one interview, by step."""

    name: str
    interview_id: str
    was_there: bool
    calls: tuple[Said, ...]

    @property
    def latest(self) -> Said:
        """The call of the last closed step."""
        return self.calls[-1]

    @property
    def moved(self) -> bool:
        """Whether the level changed between steps."""
        return len({call.level for call in self.calls}) > 1


class Gap(Record):
    """What one interview can say about a pillar."""

    interview_id: str
    state: str
    strong: int
    weak: int
    probes: int


class Part(Record):
    """A pillar: closed calls, evidence for and against, coverage."""

    pillar: str
    title: str
    positions: tuple[Position, ...]
    strong: tuple[Quote, ...]
    weak: tuple[Quote, ...]
    cited_before: tuple[Quote, ...]
    coverage: tuple[Gap, ...]

    @property
    def spread(self) -> int:
        """How far the latest calls lie apart: 0 agreed, 1 next to each other, 2 Weak against Strong."""
        heights = [HEIGHT[p.latest.level] for p in self.positions if p.latest.level in HEIGHT]
        return max(heights) - min(heights) if heights else 0


class Doubt(Record):
    """A claim of written feedback that the recording does not bear out, or a lint finding in it."""

    interview_id: str
    author: str
    text: str
    what: str
    question: str = ""


class Heading(Record):
    """An interview as named on the packet."""

    interview_id: str
    format: str
    held_on: str
    state: str
    seconds: float


class Packet(Record):
    """Everything the meeting needs, in order."""

    candidate_id: str
    role: str
    interviews: tuple[Heading, ...]
    reviewers: tuple[str, ...]
    missing: tuple[str, ...]
    opened: tuple[str, ...]
    parts: tuple[Part, ...]
    claims: tuple[Doubt, ...]
    findings: tuple[Doubt, ...]
    as_of: datetime | None

    @property
    def disagreements(self) -> tuple[Part, ...]:
        """Parts on which the latest calls differ, the widest first, else in the rubric's order."""
        return tuple(sorted((p for p in self.parts if p.spread), key=lambda part: -part.spread))

    @property
    def movements(self) -> tuple[tuple[Part, Position], ...]:
        """Calls that changed from one step to another."""
        return tuple((part, position) for part in self.parts for position in part.positions if position.moved)

    @property
    def cited(self) -> tuple[Quote, ...]:
        """Every quote that a call cites, once, in the order of the interview."""
        found = {q.evidence_id: q for part in self.parts for p in part.positions for c in p.calls for q in c.cited}
        return tuple(sorted(found.values(), key=lambda q: (q.interview_id, q.start_s, q.evidence_id)))


def blockers(
    seats: Sequence[Row], coverage: Sequence[Row], asked: Mapping[tuple[str, str], Sequence[str]]
) -> list[str]:
    """What keeps a debrief from starting: a review that is not closed, an asked-for pillar nobody was asked about.

    `asked` maps (reviewer, interview) to pillars. A pillar counts as not asked when every interview in which somebody
    is asked about it says so.
    """
    found = [
        f"{seat['name']} has not closed call 2 on {seat['interview_id']}" for seat in seats if 2 not in seat["closed"]
    ]
    if not seats:
        found.append("nobody is asked for a call")
    state = {(row["interview_id"], row["pillar"]): row["state"] for row in coverage}
    interviews: dict[str, list[str]] = {}
    for (_, interview), pillars in asked.items():
        for pillar in pillars:
            interviews.setdefault(pillar, []).append(state.get((interview, pillar), "not_assessable"))
    found += [
        f"{pillar} was not asked about in any interview"
        for pillar, states in interviews.items()
        if set(states) == {"not_asked"}
    ]
    return found


def assemble(
    candidate_id: str,
    *,
    rubrics: Mapping[str, Rubric],
    interviews: Sequence[Row],
    seats: Sequence[Row],
    calls: Sequence[Row],
    evidence: Sequence[Row],
    gone: Sequence[Row],
    coverage: Sequence[Row],
    doubts: tuple[Sequence[Row], Sequence[Row]],
    missing: Sequence[str],
    opened: Sequence[Row],
) -> Packet:
    """Put rows in order. `calls` are closed calls that the reader may see; `gone` are cited pieces no longer found."""
    cited = {name for call in calls for name in call["evidence_ids"]}
    texts = {s.id: s.text for rubric in rubrics.values() for pillar in rubric.pillars for s in pillar.signals}
    quotes = {e["evidence_id"]: _quote(e, texts, e["evidence_id"] in cited, _why_gone(e)) for e in evidence}
    for row in gone:
        quotes.setdefault(row["evidence_id"], _quote(row, texts, True, "no longer found"))
    there = {(s["reviewer_id"], s["interview_id"]): bool(s["was_there"]) for s in seats}
    titles = {p.id: p.title for rubric in rubrics.values() for p in rubric.pillars}
    findings, claims = doubts
    return Packet(
        candidate_id=candidate_id,
        role=", ".join(dict.fromkeys(rubric.title for rubric in rubrics.values())),
        interviews=tuple(_heading(row) for row in interviews),
        reviewers=tuple(dict.fromkeys(seat["name"] for seat in seats)),
        missing=tuple(missing),
        opened=tuple(f"{row['opened_by']}: {row['reason']} ({row['missing']} missing)" for row in opened),
        parts=tuple(_part(pillar, title, calls, quotes, coverage, there) for pillar, title in titles.items()),
        claims=tuple(_claim(row) for row in claims),
        findings=tuple(_finding(row) for row in findings),
        as_of=max((call["created_at"] for call in calls), default=None),
    )


def _heading(row: Row) -> Heading:
    return Heading(
        interview_id=row["interview_id"],
        format=(row["format"] or "interview").replace("-", " "),
        held_on=row["held_on"].isoformat() if row["held_on"] else "",
        state=row["state"],
        seconds=row["duration_s"] or 0.0,
    )


def _why_gone(row: Row) -> str:
    return {"reject": "rejected by a person", "relabel": "given another signal"}.get(row.get("standing") or "", "")


def _quote(row: Row, texts: Mapping[str, str], cited: bool, gone: str) -> Quote:
    return Quote(
        evidence_id=row["evidence_id"],
        interview_id=row["interview_id"],
        pillar=row["pillar"],
        polarity=row["polarity"],
        signal_text=texts.get(row["signal"], row["signal"]),
        quote=row["quote"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        first_line=row["first_line"],
        prompted=row["prompted_by"] is not None,
        cited=cited,
        by_person=row["extractor"] == "person",
        recording_id=row["recording_id"],
        gone=gone,
    )


def _part(
    pillar: str,
    title: str,
    calls: Sequence[Row],
    quotes: Mapping[str, Quote],
    coverage: Sequence[Row],
    there: Mapping[tuple[str, str], bool],
) -> Part:
    own = [call for call in calls if call["pillar"] == pillar]
    keys = dict.fromkeys((call["interview_id"], call["name"], call["reviewer_id"]) for call in own)
    here = [q for q in quotes.values() if q.pillar == pillar]
    return Part(
        pillar=pillar,
        title=title,
        positions=tuple(
            Position(
                name=name,
                interview_id=interview,
                was_there=there.get((reviewer, interview), True),
                calls=tuple(
                    _said(call, quotes)
                    for call in sorted(own, key=lambda c: c["step"])
                    if call["interview_id"] == interview and call["reviewer_id"] == reviewer
                ),
            )
            for interview, name, reviewer in sorted(keys)
        ),
        strong=tuple(q for q in here if q.polarity == "strong" and not q.gone),
        weak=tuple(q for q in here if q.polarity == "weak" and not q.gone),
        cited_before=tuple(q for q in here if q.gone and q.cited),
        coverage=tuple(
            Gap(**{key: row[key] for key in Gap.model_fields}) for row in coverage if row["pillar"] == pillar
        ),
    )


def _said(call: Row, quotes: Mapping[str, Quote]) -> Said:
    found = [quotes[name] for name in call["evidence_ids"] if name in quotes]
    return Said(
        step=call["step"],
        level=call["level"],
        rationale=call["rationale"] or "",
        basis=call["basis"],
        cited=tuple(sorted(found, key=lambda q: (q.start_s, q.evidence_id))),
    )


def _claim(row: Row) -> Doubt:
    what = {"contradicted": "the recording speaks against it", "none_found": "nothing in the recording shows it"}
    counted = f"; counted {row['counted']}, claimed {row['claimed']}" if row["claimed"] is not None else ""
    where = f"; line {row['first_line']}" if row["first_line"] is not None else ""
    by_model = " [model]" if row.get("source") == "model" else ""
    other = {"model": "a model", "offline": "the offline search"}.get(row.get("other") or "")
    differs = f"; {other} points at line {row['other_line']} for it" if other else ""
    return Doubt(
        interview_id=row["interview_id"],
        author=row["interviewer_id"] or "",
        text=row["text"],
        what=f"{what.get(row['state'], row['state'])}{counted}{where}{by_model}{differs}",
    )


def _finding(row: Row) -> Doubt:
    by_model = " [pointed at by a model]" if row.get("source") == "model" else ""
    doubted = " [a model takes it for a false alarm]" if row.get("downgraded_from") else ""
    return Doubt(
        interview_id=row["interview_id"],
        author=row["interviewer_id"] or "",
        text=row["text"],
        what=f"{row['code']} {row['name']}{by_model}{doubted}",
        question=row["question"],
    )
