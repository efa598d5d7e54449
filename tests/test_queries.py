"""Every documented query runs on the locked connection and shows rows where there are some; so does the export."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from eval.retro_bench import documented_queries, fill_evidence
from eval.retro_history import Truth, draw
from pipeline.adapters.store import look
from pipeline.adapters.store.connection import Store
from pipeline.adapters.store.export import export_views
from pipeline.retro.importing import import_files

QUERIES = documented_queries()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("queries")
    found = Store(folder / "x.duckdb")
    with found.session() as db:
        import_files(db, draw(Truth(candidates=80, left_share=0.4), 1).write(folder / "csv"))
    fill_evidence(found.path, 2000)
    with found.session() as db:
        db.execute("UPDATE coverage SET state = 'not_asked' WHERE pillar = 'ownership_debugging'")
        db.execute(
            "INSERT INTO calls SELECT call_id || '2', candidate_id, interview_id, reviewer_id, pillar, 2, 'ok', NULL, "
            "[], 'review', created_at FROM calls"
        )
        note = {"feedback_id": "f1", "interviewer_id": "iv-000001", "path": "f.md", "sha256": "x", "text": "gut feel"}
        db.insert("feedback", [note | {"created_at": "2026-03-02"}])
        finding = {"feedback_id": "f1", "code": "GF102", "name": "feeling", "severity": "warning", "start": 0, "end": 8}
        db.insert("findings", [finding | {"text": "gut feel", "question": "What did you see?", "source": "rules"}])
    return found


def test_there_are_examples_of_every_kind() -> None:
    assert len(QUERIES) >= 12
    used = " ".join(query for _, query in QUERIES)
    for view in ("evidence_quotes", "coverage_by_pillar", "calls_current", "finding_list", "interview_list",
                 "question_list", "first_calls", "vote_list", "outcome_list"):  # fmt: skip
        assert view in used


@pytest.mark.parametrize(("name", "query"), QUERIES, ids=[name[:40] for name, _ in QUERIES])
def test_a_documented_query_runs_and_shows_rows(store: Store, name: str, query: str) -> None:
    with store.locked_down() as db:
        columns, rows = look.select(db, query)
    assert rows, name
    assert len(columns) == len(set(columns))


def test_the_wilson_query_agrees_with_the_report(store: Store) -> None:
    from pipeline.retro.rates import wilson

    query = next(query for name, query in QUERIES if "Wilson" in name)
    with store.locked_down() as db:
        for row in db.rows(query):
            assert wilson(row["rejected"], row["n"]) == pytest.approx((row["low"], row["high"]), abs=0.0051)


def test_public_views_are_exported_as_parquet(store: Store, tmp_path: Path) -> None:
    with store.session() as db:
        written = export_views(db, tmp_path / "out's")
        again = export_views(db, tmp_path / "out's")
    assert written == again
    assert written["first_calls"] > 1000
    for name, rows in written.items():
        path = tmp_path / "out's" / f"{name}.parquet"
        with duckdb.connect() as other:
            assert other.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchall() == [(rows,)]
        assert path.stat().st_mode & 0o077 == 0
    assert "candidates" not in written  # groups are no public view
