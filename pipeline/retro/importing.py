"""`verbatim import`: what happened, from CSV or Parquet files into the tables, set-based and all or nothing per file.

A file is read as text into a temporary table, every rule of its kind is one query over it, and only a file without
a bad row is written. Reading the same file twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.retro.database import Db
from pipeline.retro.kinds import KINDS, Kind, bad_row_checks
from pipeline.retro.reading import BadRow, Fault, SourceFile, quoted, recognise, stage, with_lines


@dataclass(frozen=True)
class Imported:
    """What became of one file. `added` and `changed` are 0 when `bad` is not empty."""

    path: str
    kind: str
    rows: int
    added: int
    changed: int
    bad: tuple[BadRow, ...]
    ignored: tuple[str, ...]

    @property
    def unchanged(self) -> int:
        """Rows that were already there, word for word (or twice in the file)."""
        return 0 if self.bad else self.rows - self.added - self.changed


def import_files(db: Db, paths: list[Path], *, dry_run: bool = False) -> list[Imported]:
    """Import each file in the order in which kinds refer to one another. With `dry_run` nothing is kept.

    Raises ImportFileError, before anything is read, when a file is missing or no kind fits its header.
    """
    files = [recognise(db, path, number) for number, path in enumerate(paths)]
    files.sort(key=lambda file: KINDS.index(file.kind))
    broken = [stage(db, file) for file in files]
    done: list[Imported] = []
    try:
        with db.transaction():
            done = [_import_one(db, file, bad) for file, bad in zip(files, broken, strict=True)]
            if any(one.added or one.changed for one in done):
                db.journal("import", "import", f"{len(done)} files", _summary(done))
            if dry_run:
                raise _RollBackError
    except _RollBackError:
        pass
    return done


class _RollBackError(Exception):
    """Ends a dry run."""


def _summary(done: list[Imported]) -> str:
    return ", ".join(f"{one.kind}: {one.added} new, {one.changed} changed" for one in done)


def _import_one(db: Db, file: SourceFile, bad: list[BadRow]) -> Imported:
    ignored = tuple(name for name in file.header if name not in file.kind.columns)
    rows = int(db.value(f"SELECT count(*) FROM {file.staging}"))  # noqa: S608 - a name of ours
    found = _faults(db, file)
    if bad or found:
        every = sorted([*bad, *with_lines(file, found)], key=lambda one: (one.line, one.field))
        return Imported(str(file.path), file.kind.name, rows + len(bad), 0, 0, tuple(every), ignored)
    added, changed = _write(db, file)
    return Imported(str(file.path), file.kind.name, rows, added, changed, (), ignored)


def _faults(db: Db, file: SourceFile) -> list[Fault]:
    """(record, field, reason, value) for every bad row, in the order of the file."""
    kind = file.kind
    parts, params = [], []
    for name, condition, why in bad_row_checks(kind, file.header):
        shown = "NULL" if "is empty" in why else f'i."{name}"'
        parts.append(f"SELECT i.record, ?, ?, {shown} FROM {file.staging} i WHERE {condition}")  # noqa: S608
        params += [name, why]
    for name, condition, why in _against_the_rest(file):
        parts.append(f'SELECT i.record, ?, ?, i."{name}" FROM {file.staging} i WHERE {condition}')  # noqa: S608
        params += [name, why]
    rows = db.rows(
        f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS f(record, field, why, value) "  # noqa: S608
        "ORDER BY record, field, why",
        params,
    )
    return [(int(row["record"]), row["field"], row["why"], row["value"] or "") for row in rows]


def _against_the_rest(file: SourceFile) -> list[tuple[str, str, str]]:
    """Checks of a row against the other rows of the file and against what is already known."""
    kind = file.kind
    key = ", ".join(f'"{name}"' for name in kind.key)
    rest = ", ".join(f"coalesce(\"{name}\", '')" for name in kind.columns)
    twice = (
        f"i.record IN (SELECT record FROM (SELECT record, row({rest}) AS whole, "  # noqa: S608
        f"first_value(row({rest})) OVER (PARTITION BY {key} ORDER BY record) AS first FROM {file.staging}) "
        "WHERE whole <> first)"
    )
    checks = [(kind.key[0], twice, f"appears before with the same {' and '.join(kind.key)} and other values")]
    if kind.name == "calls":
        unknown = "i.interview_id NOT IN (SELECT interview_id FROM interview_list)"
        checks.append(("interview_id", unknown, "is no known interview; import interviews first"))
    if kind.name == "interviews":
        other = "EXISTS (SELECT 1 FROM {} x WHERE x.interview_id = i.interview_id AND x.candidate_id <> i.candidate_id)"
        checks.extend(
            ("candidate_id", other.format(where), "differs from that of the same interview elsewhere")
            for where in (file.staging, "interviews", "sessions")
        )
    return checks


def _write(db: Db, file: SourceFile) -> tuple[int, int]:
    """Bring the table up to the file; returns (rows added, rows changed). Columns the file lacks keep their values."""
    kind = file.kind
    if kind.name == "calls":
        return _write_calls(db, file), 0
    given = {name: column for name, column in kind.columns.items() if name in file.header}
    key = [kind.columns[name] for name in kind.key]
    rest = [quoted(column) for column in given.values() if column not in key]
    typed = ", ".join(f"{_typed(kind, name)} AS {quoted(column)}" for name, column in kind.columns.items())
    match = " AND ".join(f"t.{quoted(name)} IS NOT DISTINCT FROM n.{quoted(name)}" for name in key)
    differs = " OR ".join(f"t.{name} IS DISTINCT FROM n.{name}" for name in rest) or "false"
    db.execute(f"CREATE OR REPLACE TEMP TABLE wanted AS SELECT DISTINCT {typed} FROM {file.staging} i")  # noqa: S608
    db.execute(
        "CREATE OR REPLACE TEMP TABLE news AS SELECT n.*, t.known IS NOT NULL AS known FROM wanted n "  # noqa: S608
        f"LEFT JOIN (SELECT *, true AS known FROM {kind.table}) t ON {match} WHERE t.known IS NULL OR {differs}"
    )
    changed = int(db.value("SELECT count(*) FROM news WHERE known"))
    added = int(db.value("SELECT count(*) FROM news WHERE NOT known"))
    names = [quoted(column) for column in kind.columns.values()]
    update = f"WHEN MATCHED THEN UPDATE SET {', '.join(f'{name} = n.{name}' for name in rest)} " if rest else ""
    db.execute(
        f"MERGE INTO {kind.table} t USING news n ON {match} {update}"  # noqa: S608
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({', '.join(f'n.{name}' for name in names)})"
    )
    return added, changed


def _typed(kind: Kind, name: str) -> str:
    value = f"i.{quoted(name)}"
    if name in kind.dates:
        return f"{value}::DATE"
    if name in kind.numbers:
        return f"{value}::DOUBLE::INTEGER"
    return f"{value}::BOOLEAN" if name == "saw_scores" else value


def _write_calls(db: Db, file: SourceFile) -> int:
    """Append-only: a call that differs from the one before is a later version, never an overwrite."""
    before = int(db.value("SELECT count(*) FROM calls"))
    db.execute(
        "INSERT INTO calls SELECT md5(concat_ws(chr(31), 'import', i.interview_id, i.pillar, i.reviewer_id, i.level)), "  # noqa: S608
        "l.candidate_id, i.interview_id, i.reviewer_id, i.pillar, 1, i.level, NULL, [], 'import', now()::TIMESTAMP "
        f"FROM (SELECT DISTINCT interview_id, pillar, reviewer_id, level FROM {file.staging}) i "
        "JOIN (SELECT interview_id, any_value(candidate_id) AS candidate_id FROM interview_list GROUP BY ALL) l "
        "USING (interview_id) "
        "ON CONFLICT (call_id) DO NOTHING"
    )
    return int(db.value("SELECT count(*) FROM calls")) - before


def as_json(done: list[Imported]) -> list[dict[str, Any]]:
    """Plain values for `--json`."""
    return [
        {
            "file": one.path, "kind": one.kind, "rows": one.rows, "added": one.added, "changed": one.changed,
            "unchanged": one.unchanged, "ignored_columns": list(one.ignored),
            "bad": [{"line": bad.line, "field": bad.field, "why": bad.why} for bad in one.bad],
        }
        for one in done
    ]  # fmt: skip
