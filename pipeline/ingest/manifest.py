"""A manifest, TOML or CSV, to checked entries. A bad entry is named with its line and field, and stops only itself."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.errors import ManifestError
from pipeline.ingest.entry import ID, FieldError, Intake, Refusal, check_entry, typed
from pipeline.records import Interview, Record

_LISTS = ("interviewers", "questions", "names", "recordings")
_TABLE = re.compile(r"\s*\[\[\s*interviews\s*\]\]")
_CONSENT = {"true": True, "yes": True, "1": True}


class Row(Record):
    """An entry before it is checked, with the line it begins on and the lines its fields stand on."""

    line: int
    fields: dict[str, Any]
    lines: dict[str, int] = Field(default_factory=dict)


def read_manifest(path: Path, *, default_profile: str) -> Intake:
    """Each good entry as an Interview, each bad one as a Refusal. Raises ManifestError when it holds no entries."""
    rows = _rows(path)
    if not rows:
        raise ManifestError(f"{path} holds no [[interviews]].", next_step="see docs/manifest.md.")
    retry = f"mend {path.name}, then: verbatim run {typed(path)}"
    counts = Counter(str(row.fields.get("interview_id")) for row in rows)
    interviews: list[Interview] = []
    refusals: list[Refusal] = []
    for row in rows:
        name = str(row.fields.get("interview_id", ""))
        try:
            if counts[name] > 1:
                raise FieldError("interview_id", "used twice")
            interviews.append(check_entry(row.fields, path.parent, default_profile))
        except FieldError as error:
            shown = name if ID.fullmatch(name) and ".." not in name else f"{_safe(path.stem)}-line-{row.line}"
            line = row.lines.get(error.field.split(".")[0], row.line)
            reason = f"{path.name}, line {line}: {error.what}"
            refusals.append(Refusal(interview_id=shown, reason=reason, retry=retry))
    return Intake(interviews=tuple(interviews), refusals=tuple(refusals), sources=(retry,))


def _safe(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:40] or "manifest"


def _rows(path: Path) -> list[Row]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from None
    return list(_csv_rows(path, text)) if path.suffix.lower() == ".csv" else _toml_rows(path, text)


def _toml_rows(path: Path, text: str) -> list[Row]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path} is not valid TOML: {error}", next_step=f"mend {path} and run again.") from None
    entries = content.pop("interviews", [])
    if content or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        stray = f", not {min(content)!r}" if content else ""
        raise ManifestError(f"{path}: expected [[interviews]] tables{stray}.", next_step="see docs/manifest.md.")
    lines = text.splitlines()
    starts = [n for n, line in enumerate(lines, 1) if _TABLE.match(line)]
    if not entries or len(starts) != len(entries):
        return [Row(line=1, fields=entry) for entry in entries]
    ends = [*starts[1:], len(lines) + 1]
    return [
        Row(line=start, fields=entry, lines=_fields_on(lines, start, end))
        for entry, start, end in zip(entries, starts, ends, strict=True)
    ]


def _fields_on(lines: Sequence[str], start: int, end: int) -> dict[str, int]:
    """Field -> line number, within one entry."""
    found: dict[str, int] = {}
    for number in range(start, end):
        match = re.match(r"""\s*(?:\[\s*interviews\s*\.\s*)?["']?([^"'\s=\].]+)["']?\s*[=\].]""", lines[number - 1])
        if match:
            found.setdefault(match[1], number)
    return found


def _csv_rows(path: Path, text: str) -> Iterator[Row]:
    """Lists are separated by ';', roles are written as 'left=interviewer; right=candidate'."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    line = 2
    try:
        for row in reader:
            yield Row(line=line, fields=_csv_entry(row))
            line = reader.line_num + 1
    except csv.Error as error:
        fault = f"{path}, line {line}: {error}"
        raise ManifestError(fault, next_step=f"mend {path} and run again.") from None


def _csv_entry(row: dict[str | Any, Any]) -> dict[str, Any]:
    more = row.pop(None, None)
    entry: dict[str, Any] = {key.strip(): value.strip() for key, value in row.items() if value and value.strip()}
    for key in _LISTS:
        if key in entry:
            entry[key] = [part.strip() for part in entry[key].split(";") if part.strip()]
    if "roles" in entry:
        pairs = (part.rpartition("=") for part in entry["roles"].split(";") if part.strip())
        entry["roles"] = {label.strip(): role.strip() for label, _, role in pairs}
    if "consent" in entry:
        entry["consent"] = _CONSENT.get(entry["consent"].lower(), False)
    return {**entry, "more columns than the header": more} if more else entry
