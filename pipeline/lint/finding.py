"""What the linter says about one place in one text."""

from __future__ import annotations

from typing import NamedTuple

SEVERITIES = ("info", "warning", "error")


class Note(NamedTuple):
    """One text to lint: a file, or one field of one row of a file.

    `id` names the row ("" for a whole file). Offsets and lines of findings count from the start of `text`;
    `first_line` is the line of the file on which the row stands.
    """

    file: str
    id: str
    text: str
    first_line: int = 1


class Finding(NamedTuple):
    """One place to look at again, and the question to ask there. It says nothing about the candidate.

    `start` and `end` are code points into the file (or the field), end exclusive. `line` and `column` count from 1.
    `source` is "rules" (a phrase), "document" (the note as a whole) or "model" (a model pointed at it).
    """

    file: str
    id: str
    code: str
    name: str
    severity: str
    start: int
    end: int
    line: int
    column: int
    text: str
    message: str
    question: str
    source: str = "rules"

    @property
    def family(self) -> str:
        """The family's code: sub-rules share its five characters."""
        return self.code[:5]
