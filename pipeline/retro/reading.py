"""An import file as text in a temporary table: which kind it is, what its rows say, and where a row stands.

CSV (comma, semicolon or tab; UTF-8, with or without a byte order mark) and Parquet. Line numbers are looked up only
for files that have a fault, so a good file is read once, by the database.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import VerbatimError
from pipeline.retro.database import Db
from pipeline.retro.kinds import Kind, kind_of, nearest

SHOWN_VALUE = 40
STRUCTURE_SCAN = 1000  # structural faults listed per file
Fault = tuple[int, str, str, str]  # record, field, reason, value


class ImportFileError(VerbatimError):
    """A file that cannot be read as any kind of history."""


@dataclass(frozen=True)
class BadRow:
    """One fault: the line in the file (the row's number in Parquet), the field, and why."""

    line: int
    field: str
    why: str


@dataclass(frozen=True)
class SourceFile:
    """A file whose kind is known; `delimiter` is empty for Parquet."""

    path: Path
    kind: Kind
    header: list[str]
    delimiter: str
    staging: str  # the temporary table that holds its rows


def recognise(db: Db, path: Path, number: int) -> SourceFile:
    """The kind of a file, by its header. Raises ImportFileError with the nearest kind when none fits."""
    if not path.is_file():
        raise ImportFileError(f"{path} is no file.", kept="nothing was imported.", next_step="check the name.")
    parquet = _starts(path) == b"PAR1"
    header, delimiter = _parquet_header(db, path) if parquet else _csv_header(path)
    kind = kind_of(header)
    if kind is None:
        near = nearest(header)
        raise ImportFileError(
            f"{path} has the columns {', '.join(header)[:300] or '(none)'}; no kind of file has these.",
            kept="nothing was imported.",
            next_step=f"the nearest kind is {near.name}: {', '.join(near.columns)} (docs/retro.md lists all).",
        )
    return SourceFile(path, kind, header, delimiter, f"incoming_{number}")


def _starts(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _csv_header(path: Path) -> tuple[list[str], str]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        first = file.readline(100_000)
    if _broken(first):
        raise ImportFileError(
            f"{path} is not UTF-8 text.", kept="nothing was imported.", next_step="save it as CSV in UTF-8."
        )
    delimiter = max(",;\t", key=first.count)
    names = next(csv.reader([first], delimiter=delimiter), [])
    header = [name.strip().lower() for name in names]
    if not any(header):
        raise ImportFileError(f"{path} is empty.", kept="nothing was imported.", next_step="export it again.")
    if len(set(header)) != len(header):
        raise ImportFileError(
            f"{path} names a column twice.", kept="nothing was imported.", next_step="mend the header."
        )
    return header, delimiter


def _parquet_header(db: Db, path: Path) -> tuple[list[str], str]:
    try:
        with _plain_name(path) as name:
            rows = db.rows("DESCRIBE SELECT * FROM read_parquet(?)", [name])
    except Exception:
        raise ImportFileError(
            f"{path} cannot be read as Parquet.", kept="nothing was imported.", next_step="write it again."
        ) from None
    return [str(row["column_name"]).strip().lower() for row in rows], ""


@contextmanager
def _plain_name(path: Path) -> Iterator[str]:
    """A name without wildcards, endings or schemes that the database would interpret."""
    with tempfile.TemporaryDirectory(prefix="verbatim-") as folder:
        link = Path(folder) / "input"
        link.symlink_to(path.resolve())
        yield str(link)


def stage(db: Db, file: SourceFile) -> list[BadRow]:
    """Fill the file's temporary table: trimmed text, known spellings replaced, '?' before one that is unknown.

    Returns the lines that are no rows at all; the table then holds the others, so that their faults can be listed too.
    """
    known = [name for name in file.kind.columns if name in file.header]
    picked = [f"{_cleaned(file, name)} AS {quoted(name)}" for name in known]
    picked += [f"NULL::VARCHAR AS {quoted(name)}" for name in file.kind.columns if name not in known]
    faults: list[BadRow] = []
    for ignore in (False, True):
        try:
            with _plain_name(file.path) as name:
                db.execute(
                    f"CREATE OR REPLACE TEMP TABLE {file.staging} AS "  # noqa: S608
                    f"SELECT row_number() OVER () AS record, {', '.join(picked)} FROM {_source(file, ignore)}",
                    [name],
                )
            break
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("duckdb", "_duckdb"):
                raise
            if ignore or not file.delimiter:
                raise ImportFileError(
                    f"{file.path} cannot be read: {str(error).splitlines()[0][:200]}",
                    kept="nothing was imported.", next_step="export it again as CSV in UTF-8 or as Parquet.",
                ) from None  # fmt: skip
            faults = _structure(file)
    return faults


def _source(file: SourceFile, ignore_errors: bool) -> str:
    if not file.delimiter:
        return "read_parquet(?)"
    shape = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(file.header)))
    return (
        f"read_csv(?, auto_detect = false, header = true, delim = '{file.delimiter}', quote = '\"', escape = '\"', "
        f"strict_mode = true, null_padding = false, ignore_errors = {ignore_errors}, columns = {{{shape}}})"
    )


def _cleaned(file: SourceFile, name: str) -> str:
    column = f"c{file.header.index(name)}" if file.delimiter else quoted(name)
    value = f"nullif(trim({column}::VARCHAR), '')"
    words = file.kind.words.get(name)
    if words is None:
        return value
    plain = f"replace(replace(lower({value}), ' ', '_'), '-', '_')"
    cases = " ".join(f"WHEN '{said}' THEN '{meant}'" for said, meant in words.items() if said)
    return f"CASE WHEN {value} IS NULL THEN NULL ELSE CASE {plain} {cases} ELSE '?' || {value} END END"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _structure(file: SourceFile) -> list[BadRow]:
    """Lines whose number of values differs from the header's, or that are no UTF-8."""
    faults: list[BadRow] = []
    width = len(file.header)
    with file.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        reader = csv.reader(text, delimiter=file.delimiter)
        try:
            for row in reader:
                if row and len(row) != width:
                    faults.append(BadRow(reader.line_num, "line", f"{len(row)} values where the header has {width}"))
                elif any(_broken(cell) for cell in row):
                    faults.append(BadRow(reader.line_num, "line", "is not UTF-8"))
                if len(faults) >= STRUCTURE_SCAN:
                    break
        except csv.Error as error:
            faults.append(BadRow(reader.line_num, "line", str(error)))
    return faults


def _broken(cell: str) -> bool:
    return not cell.isprintable() and any("\udc80" <= letter <= "\udcff" for letter in cell)


def with_lines(file: SourceFile, faults: list[Fault]) -> Iterator[BadRow]:
    """Physical line numbers: a quoted value may span lines, and empty lines do not count as rows."""
    wanted = {record for record, *_ in faults}
    lines = {record: record for record in wanted}
    if file.delimiter:
        with file.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            reader = csv.reader(text, delimiter=file.delimiter)
            record, begins = -1, 1
            for row in reader:
                if len(row) == len(file.header) and not any(map(_broken, row)):
                    record += 1
                    if record in wanted:
                        lines[record] = begins
                begins = reader.line_num + 1
    for record, name, why, value in faults:
        shown = "".join(letter if letter.isprintable() else "?" for letter in value.removeprefix("?")[:SHOWN_VALUE])
        yield BadRow(lines[record], name, f"{shown!r} {why}" if shown else why)
