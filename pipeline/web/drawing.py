"""Where things stand in pictures: the interview's timeline, its strip, the movement of calls. Numbers only, in percent.

The templates draw them as inline SVG; nothing here is a judgement, it only places what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.debrief import HEIGHT, Position

Row = dict[str, Any]


class Tick(NamedTuple):
    """A piece of evidence in time."""

    x: float
    width: float
    side: str
    evidence_id: str
    title: str


class Lane(NamedTuple):
    """A pillar's row: evidence on both sides and the questions that asked for it."""

    pillar: str
    title: str
    ticks: tuple[Tick, ...]
    probes: tuple[float, ...]


class Timeline(NamedTuple):
    """An interview from left to right."""

    talk: tuple[tuple[float, float, str], ...]  # x, width, role
    lanes: tuple[Lane, ...]
    marks: tuple[tuple[float, str], ...]  # x, label


def percent(seconds: float, duration_s: float) -> float:
    """Place on a line of 100."""
    return round(min(max(seconds / duration_s, 0.0), 1.0) * 100, 3) if duration_s > 0 else 0.0


def timeline(
    duration_s: float,
    lines: Sequence[Row],
    roles: Mapping[str, str],
    evidence: Sequence[Row],
    probes: Sequence[Row],
    titles: Mapping[str, str],
) -> Timeline:
    """Who speaks when, and when in the hour evidence fell."""
    times = {line["line"]: line["start_s"] for line in lines}
    talk: list[tuple[float, float, str]] = []
    last: tuple[int, str] | None = None
    for line in lines:
        x, end = percent(line["start_s"], duration_s), percent(line["end_s"], duration_s)
        turn = (line["turn"], line["speaker"])
        if turn == last:
            before = talk.pop()
            x = before[0]
        talk.append((x, round(max(end - x, 0.1), 3), roles.get(line["speaker"], "unknown")))
        last = turn
    lanes = []
    for pillar, title in titles.items():
        ticks = tuple(_tick(piece, duration_s) for piece in evidence if piece["pillar"] == pillar)
        asked = tuple(
            percent(times[p["line"]], duration_s) for p in probes if p["pillar"] == pillar and p["line"] in times
        )
        lanes.append(Lane(pillar, title, ticks, asked))
    return Timeline(tuple(talk), tuple(lanes), _marks(duration_s))


def _tick(piece: Row, duration_s: float) -> Tick:
    x = percent(piece["start_s"], duration_s)
    width = max(percent(piece["end_s"], duration_s) - x, 0.35)
    minutes, seconds = divmod(int(piece["start_s"]), 60)
    title = f"{minutes}:{seconds:02d} {piece.get('signal_text', piece['signal'])}"
    return Tick(x, round(width, 3), piece["polarity"], piece["evidence_id"], title)


def _marks(duration_s: float) -> tuple[tuple[float, str], ...]:
    for step in (30, 60, 120, 300, 600, 900, 1800, 3600):
        if duration_s / step <= 8:
            break
    count = int(duration_s // step)
    return tuple((percent(i * step, duration_s), f"{i * step // 60}:{i * step % 60:02d}") for i in range(count + 1))


class Cell(NamedTuple):
    """One pillar of the strip: how much on each side, and which gap when there is nothing."""

    pillar: str
    title: str
    state: str
    strong: int
    weak: int


def strip(coverage: Sequence[Row], titles: Mapping[str, str]) -> list[Cell]:
    """A cell a pillar, in the rubric's order."""
    by_pillar = {row["pillar"]: row for row in coverage}
    cells = []
    for pillar, title in titles.items():
        row = by_pillar.get(pillar, {"state": "not_assessable", "strong": 0, "weak": 0})
        cells.append(Cell(pillar, title, row["state"], row["strong"], row["weak"]))
    return cells


class Path(NamedTuple):
    """One reviewer's calls on one pillar of one interview: points (step, height 0-2 or None, level)."""

    name: str
    points: tuple[tuple[int, int | None, str], ...]


def movement(position: Position) -> Path:
    """How a reviewer's call moved from step to step."""
    return Path(position.name, tuple((c.step, HEIGHT.get(c.level), c.level) for c in position.calls))
