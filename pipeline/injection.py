"""Lines that seem to speak to a machine. They are flagged for people and change nothing: some candidates say such
things in earnest when they talk about security."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.records import Flag, Line

_TO_MACHINE = re.compile(
    r"\b(?:ignore|disregard|forget) (?:(?:all|any|your|the|my|previous|prior|earlier|above) )*"
    r"(?:instruction|prompt|rule)s?\b"
    r"|\b(?:rate|score|grade|mark) (?:me|him|her|th(?:is|e) candidate) (?:as )?(?:strong|weak|high|top|ten|a hire)\b"
    r"|\byou are (?:now )?(?:an? )?(?:ai|assistant|language model)\b|\bsystem prompt\b|\bas an ai\b",
    re.IGNORECASE,
)


def to_machine(text: str) -> bool:
    """Whether words sound addressed to a machine."""
    return _TO_MACHINE.search(text) is not None


def speaks_to_machine(lines: Sequence[Line]) -> list[Flag]:
    """A flag for each such line."""
    return [
        Flag(kind="speaks_to_machine", detail="sounds addressed to a machine", first_line=n.line, last_line=n.line)
        for n in lines
        if to_machine(n.text)
    ]
