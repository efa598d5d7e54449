"""The nouns of the linter: the text it reads and what it says about a place in it."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.lint.looked import Looked

SEVERITIES = ("info", "warning", "error")


class Note(NamedTuple):
    """One text to lint: a file, or one field of one row of a file.

    `id` names the row ("" for a whole file) and `first_line` the line of the file where it starts. `flat`: line ends
    inside the text are escaped in the file, so every finding is on that one line.
    """

    file: str
    id: str
    text: str
    first_line: int = 1
    flat: bool = False


class Finding(NamedTuple):
    """One place to look at again, and the question to ask there. It says nothing about the candidate.

    `start` and `end` are code points into the file (or the field), end exclusive. `line` and `column` count from 1,
    columns in code points. `source` is "rules" (a phrase), "document" (the note as a whole) or "model" (a model
    pointed at it). `context` is the sentence it stands in, for the fingerprint; `downgraded_from` the severity that a
    rule's finding had before a model called it a false alarm, `request_hash` the request in which a model spoke of it.
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
    context: str = ""
    downgraded_from: str = ""
    request_hash: str = ""

    @property
    def fingerprint(self) -> str:
        """Same phrase in the same sentence of the same file: the same value, wherever the line has moved."""
        import hashlib  # costs more than a small note's whole linting

        parts = (self.code, self.file, self.id, *(" ".join(part.lower().split()) for part in (self.text, self.context)))
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Silenced(NamedTuple):
    """A finding that does not count: by a comment in the text ("inline") or by the baseline, with the reason given."""

    finding: Finding
    kind: str
    reason: str


class NoteReport(NamedTuple):
    """All that was found in one note; `looked` counts a model's look at it."""

    note: Note
    findings: tuple[Finding, ...]
    silenced: tuple[Silenced, ...]
    observations: int
    looked: Looked | None = None


def column_units(note: Note, finding: Finding) -> dict[str, int]:
    """Columns of a finding in bytes and in UTF-16 units, from 1, as editors and SARIF readers count them."""
    line_start = finding.start - (finding.column - 1)
    before, inside = note.text[line_start : finding.start], note.text[finding.start : finding.end]
    wide, long = _utf16(before), len(before.encode("utf-8", "surrogatepass"))
    return {
        "byte_column": long + 1,
        "utf16_column": wide + 1,
        "utf16_length": _utf16(inside),
    }


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
