from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy
import pytest
from hypothesis import given
from hypothesis import settings as run_with
from spoken import ROLES, small_rubric
from test_verify import cases, check

from pipeline.adapters.store import connection, look, record
from pipeline.adapters.store.connection import Session, Store, migrations
from pipeline.adapters.store.stored import load_stored
from pipeline.coverage import cover
from pipeline.errors import StoreBusyError, StoreError
from pipeline.records import Derived, Interview, Speaker

ROOT = Path(__file__).parent.parent


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "v.duckdb", wait_s=5)
    with made.session():
        pass
    return made


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Python code in a process of its own, killed by the test when it does not end by itself."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


# --- Rows


def test_rows_come_back_by_column_name(store: Store):
    with store.session() as db:
        db.insert(
            "journal",
            [{"seq": 1, "created_at": "2026-01-01", "actor": "a", "action": "b", "subject": "c", "detail": "d"}],
        )
        db.journal("a", "b", "c")
        assert [row["seq"] for row in db.rows("SELECT seq FROM journal WHERE actor = ? ORDER BY seq", ["a"])] == [1, 2]
        assert db.value("SELECT detail FROM journal WHERE seq = 1") == "d"
        assert db.value("SELECT detail FROM journal WHERE seq = 9") is None
        db.insert("journal", [])


def test_an_unknown_column_or_table_is_an_error(store: Store):
    with store.session() as db:
        with pytest.raises(StoreError, match="no column level"):
            db.insert("lines", [{"line": 1, "level": "strong"}])
        with pytest.raises(StoreError, match="no table levels"):
            db.insert("levels", [{"line": 1}])


def test_a_transaction_is_all_or_nothing(store: Store):
    def half_of_it() -> None:
        with db.transaction():
            db.journal("a", "b", "c")
            db.insert("levels", [{"level": "strong"}])

    with store.session() as db:
        with pytest.raises(StoreError):
            half_of_it()
        assert db.value("SELECT count(*) FROM journal") == 0


@pytest.fixture(scope="module")
def open_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with Store(tmp_path_factory.mktemp("store") / "v.duckdb").session() as db:
        yield db


COUNTER = iter(range(10**6))


@given(case=cases())
@run_with(max_examples=25)
def test_every_stored_quote_is_its_slice_and_drafts_are_evidence_and_rejections(open_store: Session, case):
    transcript, lines, chunks, found = case
    name = f"i-{next(COUNTER)}"
    transcript = transcript.model_copy(update={"interview_id": name, "transcript_hash": f"t-{name}"})
    verified = check(transcript, lines, chunks, found)
    rubric = small_rubric()
    interview = Interview(interview_id=name, candidate_id="c-1", role_profile="small", consent=True)
    derived = Derived(
        interview=interview,
        recordings=(),
        transcript=transcript,
        lines=tuple(lines),
        speakers=tuple(
            Speaker(speaker=s, role=ROLES[s], source="manifest", reason="r") for s in sorted({n.speaker for n in lines})
        ),
        places={},
        extraction=found,
        verified=verified,
        coverage=tuple(cover(rubric, lines, ROLES, verified.evidence, verified.probes)),
        flags=(),
    )
    db = open_store
    record.register(db, [interview])
    record.save(db, "run-1", "key", "points", 0.0, derived)
    rows = look.evidence(db, interview=name)
    assert len(rows) == len(verified.evidence)
    quotes = {e.evidence_id: transcript.text[e.start : e.end] for e in verified.evidence}
    candidate = {n.line for n in lines if ROLES[n.speaker] == "candidate"}
    for row in rows:
        assert row["quote"] == quotes[row["evidence_id"]]
        assert {row["first_line"], row["last_line"]} <= candidate
        assert 0 <= row["start_s"] <= row["end_s"] <= max(transcript.duration_s, 0.0)
    counted = "SELECT count(*) FROM {} WHERE interview_id = ?"
    drafts, evidence, probes, rejections = (
        db.value(counted.format(table), [name]) for table in ("drafts", "evidence", "probes", "rejections")
    )
    assert drafts == evidence + probes + rejections == len(found.drafts) + len(found.probes)
    stored = load_stored(db, name)
    assert stored.transcript == transcript
    assert stored.candidate_lines == candidate


# --- One at a time


HOLD = """
    import sys, time
    from pathlib import Path
    from pipeline.adapters.store.connection import Store
    with Store(Path(sys.argv[1])).session():
        print("held", flush=True)
        time.sleep(30)
"""


def test_a_program_that_keeps_its_turn_is_named_within_the_wait(store: Store):
    holder = child(HOLD, store.path)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waiting = Store(store.path, wait_s=0.4)
        started = time.monotonic()
        with pytest.raises(StoreBusyError, match=f"process {holder.pid}") as caught, waiting.session():
            pass
        assert 0.4 <= time.monotonic() - started < 3
        assert caught.value.kept
        assert caught.value.next_step
    finally:
        holder.kill()
        holder.communicate()
    with store.session() as db:  # a killed holder holds nothing
        assert db.value("SELECT 1") == 1


def test_a_foreign_program_that_knows_no_turns_is_named_too(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "FOREIGN_WAIT_S", 0.3)
    code = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(30)"
    holder = child(code, store.path)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreBusyError, match=f"PID {holder.pid}"), store.session():
            pass
    finally:
        holder.kill()
        holder.communicate()
    with store.session() as db:
        assert db.value("SELECT 1") == 1


def test_programs_and_threads_take_turns_and_nothing_is_lost(store: Store):
    write = """
        import sys
        from pathlib import Path
        from pipeline.adapters.store.connection import Store
        store = Store(Path(sys.argv[1]))
        for n in range(6):
            with store.session() as db:
                db.journal(sys.argv[2], "write", str(n))
    """
    others = [child(write, store.path, name) for name in ("a", "b")]

    def here() -> None:
        for n in range(6):
            with Store(store.path).session() as db:
                db.journal("thread", "write", str(n))

    shared = [threading.Thread(target=here) for _ in range(2)]
    for thread in shared:
        thread.start()
    for thread in shared:
        thread.join()
    for other in others:
        assert other.communicate()[1] == ""
    with store.session() as db:
        counts = db.rows("SELECT actor, count(*) AS n FROM journal GROUP BY actor ORDER BY actor")
        assert [(row["actor"], row["n"]) for row in counts] == [("a", 6), ("b", 6), ("thread", 12)]
        assert db.value("SELECT count(DISTINCT seq) FROM journal") == 24


def test_the_files_are_private(store: Store):
    store.path.chmod(0o600)
    for path in store.path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_file_that_is_no_database_is_one_error(tmp_path: Path):
    (tmp_path / "v.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="cannot be opened") as caught, Store(tmp_path / "v.duckdb").session():
        pass
    assert "backups" in caught.value.next_step


def test_a_damaged_file_is_an_error_and_never_wrong_rows(store: Store):
    with store.session() as db:
        db.insert(
            "lines",
            [
                {
                    "transcript_hash": f"t{n % 7}",
                    "line": n,
                    "turn": 1,
                    "speaker": "x" * 50,
                    "start": n,
                    "end": n,
                    "start_s": 0,
                    "end_s": 1,
                }
                for n in range(20_000)
            ],
        )
    content = bytearray(store.path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(b ^ 0xFF for b in content[middle : middle + 64])
    store.path.write_bytes(content)
    again = Store(store.path)
    try:
        with again.session() as db:
            rows = db.rows("SELECT * FROM lines")
    except (StoreError, duckdb.Error):
        return
    assert [row["line"] for row in rows] == list(range(20_000))


# --- Migrations


SECOND = """
    CREATE TABLE half (a INTEGER);
    INSERT INTO half SELECT * FROM range(100);
    ALTER TABLE half ADD COLUMN b VARCHAR;
    UPDATE half SET b = 'x';
"""

DIE_AT = f"""
    import os, signal, sys
    from pathlib import Path
    import duckdb
    from pipeline.adapters.store import connection
    known = connection.migrations()
    connection.migrations = lambda: [*known, (9999, {SECOND!r})]
    split = duckdb.extract_statements
    def dying(text):
        for n, statement in enumerate(split(text)):
            if n == int(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
            yield statement
        if int(sys.argv[2]) == 4:
            os.kill(os.getpid(), signal.SIGKILL)
    duckdb.extract_statements = dying
    with connection.Store(Path(sys.argv[1])).session():
        pass
"""


@pytest.mark.parametrize("statement", range(5))
def test_a_migration_killed_at_any_statement_leaves_the_old_file(store: Store, statement: int):
    with store.session() as db:
        db.journal("a", "b", "c")
    dying = child(DIE_AT, store.path, statement)
    assert dying.communicate()[1] == ""
    assert dying.returncode == -signal.SIGKILL
    with Store(store.path).session() as db:
        assert db.value("SELECT count(*) FROM journal") == 1
        assert db.value("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'") == 0
        assert db.value("SELECT max(number) FROM schema_version") == max(n for n, _ in migrations())


def test_a_copy_is_kept_before_a_migration(store: Store, monkeypatch: pytest.MonkeyPatch):
    with store.session() as db:
        db.journal("a", "b", "c")
    assert not (store.path.parent / "backups").exists()
    known = migrations()
    monkeypatch.setattr(connection, "migrations", lambda: [*known, (9999, SECOND)])
    with Store(store.path).session() as db:
        assert db.value("SELECT count(*) FROM half WHERE b = 'x'") == 100
    (copy,) = (store.path.parent / "backups").iterdir()
    assert copy.stat().st_mode & 0o077 == 0
    monkeypatch.undo()
    with Store(copy).session() as db:
        assert db.value("SELECT count(*) FROM journal") == 1
        assert db.value("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'") == 0
    with pytest.raises(StoreError, match="newer Verbatim"), Store(store.path).session():
        pass


def test_a_migration_runs_once(store: Store):
    with Store(store.path).session() as db:
        rows = db.rows("SELECT number FROM schema_version ORDER BY number")
    assert [row["number"] for row in rows] == [number for number, _ in migrations()]


def test_numbers_are_unique_and_there_is_no_index_and_no_foreign_key():
    numbers = [number for number, _ in migrations()]
    assert numbers == sorted(set(numbers))
    for number, text in migrations():
        words = " ".join(text.upper().split())
        assert "CREATE INDEX" not in words, number
        assert "CREATE UNIQUE INDEX" not in words, number
        assert "REFERENCES " not in words, number
    for path in (ROOT / "pipeline").rglob("*.py"):
        assert "executemany(" not in path.read_text(encoding="utf-8"), path


def test_the_file_is_one_that_both_lines_of_duckdb_read(store: Store):
    head = store.path.read_bytes()[:32]
    assert head[8:12] == b"DUCK"
    assert int.from_bytes(head[12:20], "little") <= 68  # the newest that duckdb 1.5.6 reads


@pytest.mark.skipif("VERBATIM_OTHER_PYTHON" not in os.environ, reason="VERBATIM_OTHER_PYTHON names no interpreter")
def test_the_other_line_of_duckdb_reads_and_writes_the_same_file(store: Store):
    """Set VERBATIM_OTHER_PYTHON to an interpreter with another duckdb."""
    with store.session() as db:
        db.journal("here", "b", "é😀")
    code = """
        import json, sys, duckdb
        c = duckdb.connect(sys.argv[1])
        rows = c.execute("SELECT actor, detail, subject FROM journal").fetchall()
        c.execute("INSERT INTO journal VALUES (2, now()::TIMESTAMP, 'there', 'b', 'c', 'd')")
        views = [c.execute(f"SELECT count(*) FROM {v}").fetchone() for (v,) in
                 c.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()]
        print(json.dumps([duckdb.__version__, rows, len(views)]))
    """
    out = subprocess.run(
        [os.environ["VERBATIM_OTHER_PYTHON"], "-c", textwrap.dedent(code), str(store.path)],
        capture_output=True,
        text=True,
        check=True,
    )
    version, rows, views = json.loads(out.stdout)
    assert version != duckdb.__version__
    assert rows == [["here", "", "é😀"]]
    assert views >= 5
    with store.session() as db:
        assert [row["actor"] for row in db.rows("SELECT actor FROM journal ORDER BY seq")] == ["here", "there"]


# --- A person's own query


PROBES = [
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM 'https://example.org/x.csv'",
    "COPY (SELECT 1) TO '{target}'",
    "COPY interviews FROM '{file}'",
    "EXPORT DATABASE '{target}'",
    "ATTACH '{target}' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET lock_configuration = false",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "PRAGMA memory_limit='9GB'",
    "PRAGMA enable_profiling",
    "CALL pragma_database_list()",
    "CREATE TABLE x (a INTEGER)",
    "CREATE TEMP TABLE x (a INTEGER)",
    "INSERT INTO journal VALUES (99, now(), 'a', 'b', 'c', 'd')",
    "DELETE FROM journal",
    "DROP TABLE interviews",
    "UPDATE interviews SET state = 'done'",
    "SELECT 1; DELETE FROM journal",
    "SELECT 1; SELECT 2",
    "BEGIN; DELETE FROM journal; COMMIT",
    "VACUUM",
    "CHECKPOINT",
    "USE memory",
    "EXPLAIN ANALYZE DELETE FROM journal",
    "PREPARE x AS DELETE FROM journal",
    "SELECT * FROM query('DELETE FROM journal RETURNING *')",
    "SELECT * FROM query_table('{file}')",
    "SELECT getenv('HOME')",
    "WITH gone AS (DELETE FROM journal RETURNING *) SELECT * FROM gone",
    "",
    ";",
    "SELEC 1",
]


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(tmp_path_factory.mktemp("probed") / "v.duckdb")
    with made.session() as db:
        db.journal("a", "b", "c")
    return made


@pytest.mark.parametrize("probe", PROBES)
def test_a_query_reaches_no_file_no_network_no_setting_and_changes_nothing(probed: Store, tmp_path: Path, probe: str):
    secret, target = tmp_path / "secret.csv", tmp_path / "target"
    secret.write_text("canary\n42\n")
    query = probe.format(file=secret, target=target)
    with probed.locked_down() as db:
        with pytest.raises(StoreError):
            look.select(db, query)
        assert db.value("SELECT count(*) FROM journal") == 1
        assert db.value("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'interviews'") == 1
    assert not target.exists()


def test_a_query_does_not_see_the_programs_own_variables(probed: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(look, "canary", {"a": numpy.array([42])}, raising=False)
    with probed.session() as db:
        assert look.select(db, "SELECT * FROM canary")[1] == [(42,)]  # without the lock it would
    with probed.locked_down() as db, pytest.raises(StoreError, match="canary"):
        look.select(db, "SELECT * FROM canary")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a",
        "FROM (VALUES (1)) t(a)",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
        "SELECT 1 AS a -- a;b",
        "SELECT 1 AS a;",
    ],
)
def test_one_select_of_any_form_is_answered(store: Store, query: str):
    with store.locked_down() as db:
        assert look.select(db, query) == (["a"], [(1,)])


def test_the_public_views_answer_a_query(store: Store):
    with store.locked_down() as db:
        for view in ("evidence_quotes", "coverage_by_pillar", "calls_current", "finding_list", "llm_usage"):
            assert look.select(db, f"SELECT * FROM {view}")[1] == []
