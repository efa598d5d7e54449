"""Rows into what a template prints: turns with marked lines, evidence by pillar and side, gaps in words. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from pipeline.rubric import Pillar, Rubric

Row = dict[str, Any]

COVERAGE = {
    "evidence": "evidence",
    "asked_none_seen": "asked, none seen",
    "not_asked": "not asked",
    "not_assessable": "not assessable",
}
FLAGS = {
    "speaks_to_machine": "Sounds addressed to a machine, not to a person",
    "roles_may_be_swapped": "The roles may be swapped: check who asks and who answers",
    "no_candidate": "Nobody is known to be the candidate: set the roles",
    "role_of_nobody": "A role is given to somebody who is not heard: set the roles",
    "asked_under_other_roles": "The model was asked under other roles: a gap here means nothing",
}


def clock(seconds: float) -> str:
    """m:ss, or h:mm:ss."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def short_label(speaker: str) -> str:
    """A speaker's label for people: a track's name without folder and ending."""
    return PurePosixPath(speaker).stem if "/" in speaker else speaker


class Piece(NamedTuple):
    """A stretch of a line and the evidence that covers it."""

    text: str
    evidence: tuple[str, ...]
    sides: str  # "", "strong", "weak" or "strong weak"


class Shown(NamedTuple):
    """A line as printed."""

    line: int
    start: int
    start_s: float
    end_s: float
    pieces: tuple[Piece, ...]
    asks: tuple[str, ...]  # titles of the pillars it asks about


class Turn(NamedTuple):
    """A speaker's lines in a row."""

    speaker: str
    label: str
    role: str
    start_s: float
    lines: tuple[Shown, ...]


def turns(
    lines: Sequence[Row], roles: Mapping[str, str], evidence: Sequence[Row], probes: Iterable[Row], rubric: Rubric
) -> list[Turn]:
    """The transcript as printed, with evidence marked where it was said."""
    covering: dict[int, list[Row]] = defaultdict(list)
    for piece in evidence:
        for number in range(piece["first_line"], piece["last_line"] + 1):
            covering[number].append(piece)
    titles = {pillar.id: pillar.title for pillar in rubric.pillars}
    asks: dict[int, list[str]] = defaultdict(list)
    for probe in probes:
        name: str = probe["pillar"]
        asks[probe["line"]].append(titles.get(name, name))
    found = []
    for (_, speaker), group in groupby(lines, key=lambda line: (line["turn"], line["speaker"])):
        shown = tuple(_shown(line, covering[line["line"]], tuple(asks[line["line"]])) for line in group)
        role = roles.get(speaker, "unknown")
        found.append(Turn(speaker, short_label(speaker), role, shown[0].start_s, shown))
    return found


def _shown(line: Row, evidence: Sequence[Row], asks: tuple[str, ...]) -> Shown:
    edges = {line["start"], line["end"]}
    for piece in evidence:
        edges |= {max(piece["start"], line["start"]), min(piece["end"], line["end"])}
    cuts = sorted(edge for edge in edges if line["start"] <= edge <= line["end"])
    pieces = []
    for start, end in pairwise(cuts):
        over = [e for e in evidence if e["start"] < end and e["end"] > start]
        text = line["text"][start - line["start"] : end - line["start"]]
        sides = " ".join(sorted({e["polarity"] for e in over}))
        pieces.append(Piece(text, tuple(e["evidence_id"] for e in over), sides))
    return Shown(line["line"], line["start"], line["start_s"], line["end_s"], tuple(pieces), asks)


class PillarView(NamedTuple):
    """One pillar of one interview as printed."""

    pillar: Pillar
    state: str
    coverage: str
    probes: int
    strong: list[Row]
    weak: list[Row]
    rejected: list[Row]
    asked_of_me: bool


def standing_now(piece: Row) -> bool:
    """Whether a piece counts: nobody rejected or relabelled it, or somebody restored it."""
    return piece.get("standing") in (None, "restore")


def pillar_views(
    rubric: Rubric, evidence: Sequence[Row], coverage: Sequence[Row], mine: Sequence[str]
) -> list[PillarView]:
    """Both sides of each pillar and its gaps, in the rubric's order."""
    covered = {row["pillar"]: row for row in coverage}
    views = []
    for pillar in rubric.pillars:
        own = [signal_text(pillar, piece) for piece in evidence if piece["pillar"] == pillar.id]
        state: str = covered.get(pillar.id, {}).get("state", "not_assessable")
        views.append(
            PillarView(
                pillar=pillar,
                state=state,
                coverage=COVERAGE.get(state, state),
                probes=covered.get(pillar.id, {}).get("probes", 0),
                strong=[p for p in own if p["polarity"] == "strong" and standing_now(p)],
                weak=[p for p in own if p["polarity"] == "weak" and standing_now(p)],
                rejected=[p for p in own if not standing_now(p)],
                asked_of_me=pillar.id in mine,
            )
        )
    return views


def signal_text(pillar: Pillar, piece: Row) -> Row:
    """The piece with its signal's words from the rubric; the id where the rubric lost it."""
    signal = pillar.by_id.get(piece["signal"])
    return {**piece, "signal_text": signal.text if signal else piece["signal"]}
