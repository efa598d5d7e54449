"""Open, migrate, share and lock down the DuckDB file.

A process that holds a DuckDB file shuts out every other, even readers. So each use is a short session: take the lock
file, open, work, close. Several programs (a batch, the review page, a query) take turns and wait a bounded time.
Threads of one process take turns too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import StoreBusyError, StoreError
from pipeline.workspace import private

if TYPE_CHECKING:
    import duckdb

WAIT_S = 20.0
FOREIGN_WAIT_S = 5.0  # for a notebook or a client that knows nothing of our lock file
POLL_S = 0.01
STORAGE = "v1.5.0"  # files that duckdb 1.5 and 2.0 both read and write
Row = dict[str, Any]


class Session:
    """An open database. Values are always bound, never formatted into SQL."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._tables: dict[str, dict[str, str]] = {}

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run one query; each row is a dict by column name, in the query's order."""
        cursor = self.connection.execute(sql, list(params))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.connection.execute(sql, list(params)).fetchone()
        return row[0] if row else None

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Run one statement for its effect."""
        self.connection.execute(sql, list(params))

    def insert(self, table: str, rows: Sequence[Row]) -> None:
        """Add rows in one statement: they travel as a single JSON string, typed by the table's own columns.

        Keys are column names; a missing key is NULL. 50 to 100 times faster than a statement a row.
        """
        if not rows:
            return
        columns = self._columns(table)
        unknown = set().union(*rows) - columns.keys()
        if unknown:
            raise StoreError(f"table {table} has no column {', '.join(sorted(unknown))}")
        shape = json.dumps([columns])
        names = ", ".join(f'"{name}"' for name in columns)
        picked = ", ".join(f'r."{name}"' for name in columns)
        self.connection.execute(
            f'INSERT INTO "{table}" ({names}) '  # noqa: S608 - names come from the catalogue
            f"SELECT {picked} FROM (SELECT unnest(from_json(?::JSON, ?)) AS r)",
            [json.dumps(list(rows), default=str), shape],
        )

    def _columns(self, table: str) -> dict[str, str]:
        """Name and type of each column; no table changes while a session lasts, but in a migration before it."""
        import duckdb

        if table not in self._tables:
            try:
                found = self.connection.execute("SELECT name, type FROM pragma_table_info(?)", [table]).fetchall()
            except duckdb.CatalogException:
                raise StoreError(f"there is no table {table}") from None
            self._tables[table] = dict(found)
        return self._tables[table]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.connection.begin()
        try:
            yield
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def journal(self, actor: str, action: str, subject: str, detail: str = "") -> None:
        """Add one audit line: ids, counts and reasons, never a candidate's words."""
        self.execute(
            "INSERT INTO journal SELECT coalesce(max(seq), 0) + 1, now()::TIMESTAMP, ?, ?, ?, ? FROM journal",
            [actor, action, subject, detail],
        )


class Store:
    """A DuckDB file as a thing to borrow: `with store.session() as db: ...`."""

    def __init__(self, path: Path, *, wait_s: float = WAIT_S) -> None:
        from filelock import FileLock

        self.path = path
        self.wait_s = wait_s
        self._lock = FileLock(f"{path}.lock", timeout=wait_s, mode=0o600, thread_local=True)
        self._next = FileLock(f"{path}.next", timeout=wait_s, mode=0o600, thread_local=True)
        self._turn = threading.Lock()
        self._migrated = False

    @contextmanager
    def session(self, *, read_only: bool = False) -> Iterator[Session]:
        """Take the turn, open, hand out a session, close.

        Raises StoreBusyError, naming the holder, when another program keeps the turn for longer than `wait_s`, and
        StoreError when the file cannot be opened, read or written.
        """
        with self._taken(), _named_faults(self.path):
            connection = _connect(self.path, read_only=read_only and self._migrated)
            try:
                if not self._migrated:
                    migrate(connection, self.path)
                    self._migrated = True
                yield Session(connection)
            finally:
                connection.close()

    @contextmanager
    def locked_down(self) -> Iterator[Session]:
        """A read-only session for a person's own SQL: no files, no network, no settings, nothing of ours in reach."""
        with self.session():
            pass  # a first open migrates; read-only cannot
        with self._taken(), _named_faults(self.path):
            connection = _connect(self.path, read_only=True)
            try:
                for setting in (
                    "SET enable_external_access = false",
                    "SET python_enable_replacements = false",
                    "SET lock_configuration = true",
                ):
                    connection.execute(setting)
                yield Session(connection)
            finally:
                connection.close()

    @contextmanager
    def _taken(self) -> Iterator[None]:
        import duckdb  # noqa: F401 - a tenth of a second the first time, and better spent before the turn than in it
        from filelock import Timeout

        if not self._turn.acquire(timeout=self.wait_s):
            raise self._busy()
        try:
            try:
                # who waits for the turn holds `next`, so a program that has just let go queues up behind it
                with self._next.acquire(poll_interval=POLL_S):
                    self._lock.acquire(poll_interval=POLL_S)
            except Timeout:
                raise self._busy() from None
            try:
                self._note_holder()
                yield
            finally:
                self._lock.release()
        finally:
            self._turn.release()

    def wanted(self) -> bool:
        """Whether another program waits for its turn; to be asked by who has the file open."""
        from filelock import Timeout

        try:
            with self._next.acquire(blocking=False):
                return False
        except Timeout:
            return True

    def _note_holder(self) -> None:
        with open(f"{self.path}.holder", "w", opener=private) as note:
            note.write(str(os.getpid()))

    def _busy(self) -> StoreBusyError:
        try:
            holder = f"process {Path(f'{self.path}.holder').read_text()}"
        except OSError:
            holder = "another program"
        return StoreBusyError(
            f"{self.path.name} is in use by {holder} (waited {self.wait_s:.0f} s).",
            kept="nothing was changed.",
            next_step="wait for it to end, or close the program that has the file open, then run the same again.",
        )


@contextmanager
def _named_faults(path: Path) -> Iterator[None]:
    """A full disk or a damaged file, named. Other errors of duckdb are ours, and may quote what was stored."""
    import duckdb

    try:
        yield
    except (
        duckdb.IOException,
        duckdb.FatalException,
        duckdb.TransactionException,
        duckdb.OutOfMemoryException,
    ) as error:
        raise StoreError(
            f"{path.name} could not be read or written: {first_line(error)}",
            kept="everything finished before; what was under way is not half kept.",
            next_step="free space if the disk is full, then run the same again.",
        ) from None


def first_line(error: Exception) -> str:
    """What a duckdb error says, without the statement."""
    return str(error).splitlines()[0]


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open, and wait a little while a foreign program has the file."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "storage_compatibility_version": STORAGE,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    deadline = time.monotonic() + FOREIGN_WAIT_S
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=config)
        except duckdb.Error as error:
            held = isinstance(error, duckdb.IOException) and "lock" in str(error).lower()
            if held and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            raise (_held if held else _unusable)(path, error) from None


def _held(path: Path, error: Exception) -> StoreBusyError:
    holder = re.search(r"held in (.{1,300}?PID \d+\))", str(error))
    who = f" by {holder[1]}" if holder else " by another program"
    return StoreBusyError(
        f"{path.name} is held open{who}.",
        kept="nothing was changed.",
        next_step="close the program that holds it, then run the same again.",
    )


def _unusable(path: Path, error: Exception) -> StoreError:
    if "wal checkpoint iteration does not match" in str(error).lower():  # a copy was put back under a newer log
        log = f"{path.name}.wal"
        return StoreError(
            f"{path.name} is older than {log} beside it, as a copy is that was put back.",
            kept="both files as they are.",
            next_step=f"mv {path}.wal {path}.wal.newer, then run the same again: the copy counts, the log is kept.",
        )
    return StoreError(
        f"{path.name} cannot be opened: {first_line(error)}",
        kept="the file as it is.",
        next_step="restore the newest copy under backups/, or move the file away and run again.",
    )


def migrations() -> list[tuple[int, str]]:
    """The numbered SQL files in order: (number, text)."""
    folder = resources.files("pipeline.adapters") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(int(f.name.split("_")[0]), f.read_text(encoding="utf-8")) for f in files]


def migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Apply each missing migration in its own transaction, a copy of the file first, a checkpoint after."""
    import duckdb

    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version (number INTEGER PRIMARY KEY, applied_at TIMESTAMP NOT NULL)"
    )
    applied = {number for (number,) in connection.execute("SELECT number FROM schema_version").fetchall()}
    known = migrations()
    newest = max((number for number, _ in known), default=0)
    if applied and max(applied) > newest:
        raise StoreError(
            f"{path.name} was written by a newer Verbatim (schema {max(applied)}, this one knows {newest}).",
            kept="the file as it is.",
            next_step="install the newer version.",
        )
    missing = [(number, text) for number, text in known if number not in applied]
    if missing and applied:
        connection.execute("CHECKPOINT")
        _backup(path, max(applied))
    for number, text in missing:
        connection.begin()
        try:
            for statement in duckdb.extract_statements(text):
                connection.execute(statement)
            connection.execute("INSERT INTO schema_version VALUES (?, now()::TIMESTAMP)", [number])
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
        connection.execute("CHECKPOINT")
    if missing:
        path.chmod(0o600)


def _backup(path: Path, number: int) -> None:
    folder = path.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"{path.stem}.before-schema-{number + 1}.duckdb"
    shutil.copyfile(path, copy)
    copy.chmod(0o600)
