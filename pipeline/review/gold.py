"""Corrected interviews as gold: what stood after people had read it, in the format that `verbatim eval` reads. Pure.

A piece that a person rejected is not in it; one that a person added, or that a closed call cites, must be found.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

Row = dict[str, Any]


class Reviewed(NamedTuple):
    """One interview with what people left standing in it."""

    head: Row
    lines: Sequence[Row]
    roles: Mapping[str, str]
    evidence: Sequence[Row]
    probes: Sequence[Row]
    cited: Collection[str]


class Written(NamedTuple):
    """A gold document and how many pieces its format could not hold (a quote that stands twice in its turn)."""

    text: str
    left_out: int


def gold_document(reviewed: Reviewed) -> Written:
    """JSON Lines: a header, then a row a turn."""
    turns = [list(group) for _, group in groupby(reviewed.lines, key=lambda line: (line["turn"], line["speaker"]))]
    number_of = {line["line"]: number for number, turn in enumerate(turns, start=1) for line in turn}
    asks: dict[int, list[str]] = {}
    for probe in reviewed.probes:
        asks.setdefault(number_of[probe["line"]], []).append(probe["pillar"])
    labels: dict[int, list[Row]] = {}
    left_out = 0
    for piece in reviewed.evidence:
        number = number_of[piece["first_line"]]
        if _text(turns[number - 1]).count(piece["quote"]) != 1:
            left_out += 1
            continue
        labels.setdefault(number, []).append(_label(piece, number_of, reviewed.cited))
    rows = [_header(reviewed)]
    rows += [_turn(number, turn, reviewed.roles, labels, asks) for number, turn in enumerate(turns, start=1)]
    return Written("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), left_out)


def _header(reviewed: Reviewed) -> Row:
    head = reviewed.head
    asked = sorted({probe["pillar"] for probe in reviewed.probes})
    return {
        "id": head["interview_id"],
        "title": f"Reviewed interview {head['interview_id']}",
        "role_profile": head["role_profile"],
        "split": "dev",
        "voice": "recorded",
        "asked": asked,
    }


def _turn(
    number: int,
    turn: list[Row],
    roles: Mapping[str, str],
    labels: Mapping[int, list[Row]],
    asks: Mapping[int, list[str]],
) -> Row:
    role = "candidate" if roles.get(turn[0]["speaker"]) == "candidate" else "interviewer"
    row: Row = {
        "turn": number,
        "role": role,
        "start_s": turn[0]["start_s"],
        "end_s": max(line["end_s"] for line in turn),
        "text": _text(turn),
    }
    if role == "candidate":
        return {**row, "evidence": labels.get(number, []), "distractors": []}
    return {**row, "probes": sorted(set(asks.get(number, [])))}


def _text(turn: list[Row]) -> str:
    """The transcript's own characters between the turn's first and last line."""
    text = ""
    for line in turn:
        text += " " * (line["start"] - turn[0]["start"] - len(text)) + line["text"]
    return text


def _label(piece: Row, number_of: Mapping[int, int], cited: Collection[str]) -> Row:
    asked_in = number_of.get(piece["prompted_by"] or 0)
    return {
        "quote": piece["quote"],
        "pillar": piece["pillar"],
        "signal": piece["signal"],
        "polarity": piece["polarity"],
        "prompted": asked_in is not None,
        "prompted_by": asked_in,
        "must_find": piece["extractor"] == "person" or piece["evidence_id"] in cited,
    }
