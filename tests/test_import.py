"""`verbatim import`: kinds by header, all or nothing per file, every bad row named, idempotent, hostile files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from cli import app
from pipeline.adapters.store.connection import Session, Store
from pipeline.errors import VerbatimError
from pipeline.retro.importing import Imported, import_files
from pipeline.retro.kinds import KINDS, kind_of

HEADERS = {
    "candidates": "candidate_id,role,group,applied_on",
    "interviews": "interview_id,candidate_id,interviewer_id,role,format,date",
    "question_bank": "question_id,format,pillar",
    "questions": "interview_id,question_id,pillar,level",
    "calls": "interview_id,pillar,reviewer_id,level",
    "votes": "interview_id,interviewer_id,vote",
    "decisions": "candidate_id,decision,votes,date",
    "outcomes": "candidate_id,months,rating,left_reason",
}
ROWS = {
    "candidates": ["c1,backend,a,2025-01-02", "c2,backend,b,"],
    "interviews": ["i1,c1,iv1,backend,live-coding,2025-01-10", "i1,c1,iv2,backend,live-coding,2025-01-10"],
    "question_bank": ["q1,live-coding,execution_coding"],
    "questions": ["i1,q1,execution_coding,ok"],
    "calls": ["i1,execution_coding,iv1,strong", "i1,execution_coding,iv2,OK"],
    "votes": ["i1,iv1,yes", "i1,iv2,No"],
    "decisions": ["c1,hired,2-0,2025-01-20", "c2,reject,,2025-01-21"],
    "outcomes": ["c1,9,exceeding,"],
}


def write(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "x.duckdb"
    with Store(path).session():
        return path


@pytest.fixture
def db(tmp_path: Path, empty: Path) -> Iterator[Session]:
    shutil.copy(empty, tmp_path / "x.duckdb")
    with Store(tmp_path / "x.duckdb").session() as session:
        yield session


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / f"{kind}.csv", header, *ROWS[kind]) for kind, header in HEADERS.items()]


def snapshot(db: Session) -> dict[str, list[dict[str, object]]]:
    return {kind.table: db.rows(f"SELECT * FROM {kind.table} ORDER BY ALL") for kind in KINDS}


@pytest.mark.parametrize("kind", HEADERS)
def test_every_header_is_its_kind(kind: str) -> None:
    found = kind_of(HEADERS[kind].split(","))
    assert found is not None
    assert found.name == kind
    more = {"outcomes": ["rated_by", "saw_scores"], "question_bank": ["text"]}.get(kind, [])
    assert kind_of([*HEADERS[kind].split(","), *more]) is found


def test_all_kinds_in_any_order_and_twice(db: Session, files: list[Path]) -> None:
    done = import_files(db, files[::-1])
    assert [(one.kind, one.added, one.bad) for one in done] == [(kind, len(ROWS[kind]), ()) for kind in HEADERS]
    before = snapshot(db)
    again = import_files(db, files)
    assert all((one.added, one.changed, one.unchanged) == (0, 0, one.rows) for one in again)
    assert snapshot(db) == before
    assert db.value("SELECT count(*) FROM journal") == 1


def test_spellings_are_stored_in_one_way(db: Session, files: list[Path]) -> None:
    import_files(db, files)
    assert db.rows("SELECT DISTINCT level FROM calls ORDER BY 1") == [{"level": "ok"}, {"level": "strong"}]
    assert db.rows("SELECT vote FROM votes ORDER BY 1") == [{"vote": "no"}, {"vote": "yes"}]
    assert db.value("SELECT decision FROM decisions WHERE candidate_id = 'c1'") == "hire"
    assert db.value("SELECT step FROM calls LIMIT 1") == 1


def test_a_dry_run_keeps_nothing_but_checks_across_files(db: Session, files: list[Path]) -> None:
    done = import_files(db, files, dry_run=True)
    assert all(one.added for one in done)
    assert all(not rows for rows in snapshot(db).values())
    assert db.value("SELECT count(*) FROM journal") == 0


def test_every_bad_row_is_listed_and_none_is_kept(db: Session, files: list[Path], tmp_path: Path) -> None:
    import_files(db, files)
    bad = write(
        tmp_path / "more.csv", HEADERS["calls"],
        "i1,ownership_debugging,iv1,ok", "i1,execution_coding,iv9,great", "", 'i1,"two\nlines",iv1,ok', "i9,p,iv1,ok",
        "i1,p,,ok", "i1,p,iv1", "i1,z,iv1,ok", "i1,z,iv1,weak",
    )  # fmt: skip
    (done,) = import_files(db, [bad])
    assert [(one.line, one.field) for one in done.bad] == [
        (3, "level"), (5, "pillar"), (7, "interview_id"), (8, "reviewer_id"), (9, "line"), (11, "interview_id"),
    ]  # fmt: skip
    assert "'great' is none of: not_assessable, ok, strong, weak" in done.bad[0].why
    assert db.value("SELECT count(*) FROM calls") == 2


def test_a_bad_file_does_not_hold_back_the_good_ones(db: Session, files: list[Path]) -> None:
    write(files[-1], HEADERS["outcomes"], "c1,-1,exceeding,", "c2,six,meeting,", "c1,9.5,good,bored")
    done = import_files(db, files)
    assert [one.kind for one in done if one.bad] == ["outcomes"]
    assert [(one.line, one.field) for one in done[-1].bad] == [
        (2, "months"), (3, "months"), (4, "left_reason"), (4, "months"), (4, "rating"),
    ]  # fmt: skip
    assert db.value("SELECT count(*) FROM calls") == 2
    assert db.value("SELECT count(*) FROM outcomes") == 0


def test_a_changed_row_replaces_and_a_missing_column_does_not(db: Session, files: list[Path], tmp_path: Path) -> None:
    import_files(db, files)
    (done,) = import_files(db, [write(tmp_path / "c.csv", "candidate_id,role", "c1,platform")])
    assert (done.added, done.changed) == (0, 1)
    assert db.rows("SELECT * EXCLUDE applied_on FROM candidates WHERE candidate_id = 'c1'") == [
        {"candidate_id": "c1", "role": "platform", "group": "a"}
    ]


def test_a_changed_call_is_a_later_version(db: Session, files: list[Path], tmp_path: Path) -> None:
    import_files(db, files)
    import_files(db, [write(tmp_path / "later.csv", HEADERS["calls"], "i1,execution_coding,iv1,weak")])
    assert db.value("SELECT count(*) FROM calls") == 3
    assert db.value("SELECT level FROM first_calls WHERE reviewer_id = 'iv1'") == "strong"
    assert db.value("SELECT level FROM calls_current WHERE reviewer_id = 'iv1'") == "weak"


def test_imported_calls_meet_those_of_the_review_page(db: Session, files: list[Path]) -> None:
    import_files(db, files)
    made = {
        "call_id": "r1",
        "candidate_id": "c1",
        "interview_id": "i1",
        "reviewer_id": "iv3",
        "level": "weak",
        "step": 1,
    }
    db.insert("calls", [made | {"pillar": "execution_coding", "evidence_ids": [], "source": "review",
                                "created_at": "2026-03-02"}])  # fmt: skip
    rows = db.rows("SELECT reviewer_id, level FROM first_calls ORDER BY 1")
    assert [(row["reviewer_id"], row["level"]) for row in rows] == [("iv1", "strong"), ("iv2", "ok"), ("iv3", "weak")]


@pytest.mark.parametrize("dress", ["bom", "crlf", "semicolon", "tab", "upper", "reordered", "parquet", "strange name"])
def test_the_same_rows_in_other_clothes(db: Session, files: list[Path], tmp_path: Path, dress: str) -> None:
    import_files(db, files)
    text = files[4].read_text()
    names = ["interview_id", "pillar", "reviewer_id", "level"]
    path = tmp_path / "other.csv"
    if dress == "parquet":
        path = tmp_path / "calls.parquet"
        with duckdb.connect() as other:
            other.execute(f"COPY (SELECT * FROM read_csv('{files[4]}')) TO '{path}' (FORMAT parquet)")
    elif dress == "strange name":
        path = tmp_path / "what [1]*?'.csv"
        path.write_text(text)
    elif dress == "reordered":
        lines = [line.split(",") for line in text.split()]
        path.write_text("\n".join(",".join(line[::-1]) for line in lines) + "\n")
    else:
        changed = {
            "bom": "\ufeff" + text, "crlf": text.replace("\n", "\r\n"), "semicolon": text.replace(",", ";"),
            "tab": text.replace(",", "\t"), "upper": text.replace(",".join(names), " , ".join(names).upper()),
        }[dress]  # fmt: skip
        path.write_bytes(changed.encode())
    (done,) = import_files(db, [path])
    assert (done.kind, done.rows, done.unchanged, done.bad) == ("calls", 2, 2, ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"), (b"a,b\n1,2\n", "no kind of file"), (b"candidate_id\nc1\n", "no kind of file"),
        (b"candidate_id,candidate_id\n", "twice"), (b"\xff\xfea,b\n", "not UTF-8"), (b"PAR1 but not really", "Parquet"),
        (b"\x00\x01\x02", "no kind of file"),
    ],
)  # fmt: skip
def test_what_is_no_history_is_refused_with_a_next_step(
    db: Session, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(VerbatimError, match=message) as caught:
        import_files(db, [path])
    assert caught.value.next_step


def test_broken_text_in_a_row_is_that_rows_fault(db: Session, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_bytes(b"candidate_id,months,rating\nc1,6,meeting\nc2,7,\xff\nc3,8,nice\n")
    (done,) = import_files(db, [path])
    assert [(one.line, one.field) for one in done.bad] == [(3, "line"), (4, "rating")]


def test_an_interview_has_one_candidate(db: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "i.csv", HEADERS["interviews"], "i1,c1,iv1,r,f,", "i1,c2,iv2,r,f,")
    (done,) = import_files(db, [path])
    assert {one.field for one in done.bad} == {"candidate_id"}


def test_the_verb_lists_faults_and_exits_one(tmp_path: Path, files: list[Path]) -> None:
    run = CliRunner()
    place = str(tmp_path / "w")
    assert run.invoke(app, ["import", *map(str, files), "-w", place]).exit_code == 0
    bad = write(tmp_path / "bad.csv", HEADERS["votes"], "i1,iv1,maybe")
    done = run.invoke(app, ["import", str(bad), "-w", place])
    assert done.exit_code == 1
    assert "line 2, vote: 'maybe' is none of: no, yes" in done.stdout
    found = run.invoke(app, ["import", str(bad), "-w", place, "--json", "--dry-run"])
    assert json.loads(found.stdout)["files"][0]["bad"] == [
        {"line": 2, "field": "vote", "why": "'maybe' is none of: no, yes"}
    ]


def test_unused_columns_are_named(db: Session, tmp_path: Path) -> None:
    (done,) = import_files(db, [write(tmp_path / "c.csv", "candidate_id,role,salary", "c1,r,1")])
    assert isinstance(done, Imported)
    assert done.ignored == ("salary",)
