"""What to lint: files, folders and standard input become notes. Nothing is read that was not named."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import FeedbackError
from pipeline.lint.finding import Note

WHOLE = (".md", ".markdown", ".txt")
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
SUFFIXES = WHOLE + TABLES
MAX_BYTES = 20_000_000
FIELDS = ("feedback", "notes", "comments", "comment", "note", "text")  # tried in this order when none is named
_SKIPPED = frozenset({".git", ".venv", "node_modules", "__pycache__"})


class Collected(NamedTuple):
    """Files that were named, files found in folders that were named, and what could not be looked at."""

    named: list[Path]
    found: list[Path]
    faults: list[FeedbackError]


def collect(paths: Sequence[Path]) -> Collected:
    """Files to lint, each once. A folder contributes what the linter can read."""
    named: list[Path] = []
    found: list[Path] = []
    faults: list[FeedbackError] = []
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - False where a folder may not be entered
            found.extend(_inside(path, faults))
        elif os.path.lexists(path):
            named.append(path)
        else:
            next_step = "name a file, a folder or - for standard input."
            faults.append(FeedbackError(f"{path} does not exist.", next_step=next_step))
    first: dict[str, Path] = {}
    for path in (*named, *found):
        first.setdefault(os.path.realpath(path), path)
    once, by_name = list(first.values()), set(named)
    return Collected([path for path in once if path in by_name], [path for path in once if path not in by_name], faults)


def _inside(folder: Path, faults: list[FeedbackError]) -> Iterator[Path]:
    def closed(error: OSError) -> None:
        faults.append(_unreadable(error.filename, error))

    for root, folders, files in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        yield from (Path(root, name) for name in sorted(files) if Path(name).suffix.lower() in SUFFIXES)


def decoded(content: bytes, file: str) -> str:
    """The text of a file. A byte order mark stays, so that offsets fit the file.

    Raises FeedbackError when it is too large, not UTF-8, or holds NUL (no text, or UTF-16 that decodes by accident).
    """
    _check_size(len(content), file)
    try:
        text, wrong = content.decode("utf-8"), content.find(b"\0")
    except UnicodeDecodeError as error:
        text, wrong = "", error.start
    if wrong < 0:
        return text
    line = content.count(b"\n", 0, wrong) + 1
    raise FeedbackError(f"{file}, line {line}: not UTF-8 text.", next_step="save it as UTF-8.")


def _check_size(size: int, file: str) -> None:
    if size > MAX_BYTES:
        raise FeedbackError(
            f"{file} has {size / 1e6:,.0f} MB, more than the {MAX_BYTES / 1e6:,.0f} MB a feedback file may have.",
            next_step="check that it is the right file, or cut it.",
        )


def read(path: Path) -> bytes:
    """The bytes of a regular file, at most one more than the limit. Raises FeedbackError."""
    try:
        if not path.is_file():
            raise FeedbackError(f"{path} is not a regular file.", next_step="name a text file.")
        _check_size(path.stat().st_size, str(path))
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path | str, error: OSError) -> FeedbackError:
    return FeedbackError(f"{path} cannot be read: {error.strerror}.", next_step="check its permissions.")


def notes(text: str, file: str, *, field: str = "", id_field: str = "") -> list[Note]:
    """The notes of one file: all of it, or one field a row for CSV and JSON lines.

    Raises FeedbackError when the field is missing or a row cannot be read.
    """
    suffix = Path(file).suffix.lower()
    if suffix in {".csv", ".tsv"}:
        return list(_csv_notes(text, file, field, id_field))
    if suffix in {".jsonl", ".ndjson"}:
        return list(_jsonl_notes(text, file, field, id_field))
    return [Note(file, "", text)]


def _csv_notes(text: str, file: str, field: str, id_field: str) -> Iterator[Note]:
    csv.field_size_limit(MAX_BYTES)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        columns = [name.strip() for name in next(reader)]
        at = columns.index(_field(columns, field, file))
        name = id_field or ("id" if "id" in columns else "")
        if name and name not in columns:
            raise FeedbackError(
                f"{file} has no column {name!r}; it has {_listed(columns)}.", next_step="name one with --id-field."
            )
        line = reader.line_num + 1
        for number, row in enumerate(reader, 1):
            if len(row) > at and row[at].strip():
                known = row[columns.index(name)] if name and columns.index(name) < len(row) else ""
                yield Note(file, known or f"row {number}", row[at], line + sum(map(_line_ends, row[:at])))
            line = reader.line_num + 1
    except csv.Error as error:
        raise FeedbackError(f"{file}, line {reader.line_num}: {error}.", next_step="export the table again.") from None


def _line_ends(cell: str) -> int:
    return cell.replace("\r\n", "\n").replace("\r", "\n").count("\n")


def _jsonl_notes(text: str, file: str, field: str, id_field: str) -> Iterator[Note]:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # not JSON, a number of thousands of digits, too deep
            raise FeedbackError(
                f"{file}, line {number}: not a JSON object.", next_step="mend or remove the line."
            ) from None
        if not isinstance(row, dict):
            raise FeedbackError(f"{file}, line {number}: not a JSON object.", next_step="mend or remove the line.")
        value = row[_field(list(row), field, f"{file}, line {number}")]
        known = row.get(id_field or "id")
        if id_field and known is None:
            raise FeedbackError(
                f"{file}, line {number} has no field {id_field!r}.", next_step="name one with --id-field."
            )
        if isinstance(value, str) and value.strip():
            yield Note(file, str(known) if known is not None else f"row {number}", value, number, flat=True)


def _field(columns: list[str], field: str, where: str) -> str:
    wanted = [field] if field else [name for name in columns if name.lower() in FIELDS]
    wanted.sort(key=lambda name: FIELDS.index(name.lower()) if name.lower() in FIELDS else 0)
    if not wanted or wanted[0] not in columns:
        what = f"no column {field!r}" if field else "no column that looks like feedback"
        raise FeedbackError(
            f"{where} has {what}; it has {_listed(columns)}.", next_step="name the column with --field."
        )
    return wanted[0]


def _listed(columns: list[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in columns[:12])
    return shown + (", ..." if len(columns) > 12 else "") if columns else "none"
