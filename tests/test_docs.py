"""Generated pages are up to date, links lead somewhere, and every public column says what it means."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from pipeline.adapters.store.connection import Store

ROOT = Path(__file__).parent.parent
generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))


@pytest.mark.parametrize("page", sorted(generate["pages"]().items()), ids=lambda page: page[0].name)
def test_a_generated_page_is_up_to_date(page: tuple[Path, str]) -> None:
    path, text = page
    assert path.read_text(encoding="utf-8") == text, "run: python docs/generate.py"


def test_every_public_column_has_a_meaning(tmp_path: Path) -> None:
    with Store(tmp_path / "x.duckdb").session() as db:
        rows = db.rows("SELECT table_name, column_name, comment FROM duckdb_columns() WHERE comment IS NULL")
    silent = [f"{row['table_name']}.{row['column_name']}" for row in rows if row["table_name"] in generate["VIEWS"]]
    assert silent == []


PUBLIC = {
    "evidence_quotes": "evidence_id candidate_id interview_id recording_id role_profile pillar signal polarity quote "
    "speaker start_s end_s first_line last_line prompted question_id extractor model prompt_hash rubric_hash "
    "transcript_hash request_hash run_id created_at",
    "coverage_by_pillar": "interview_id candidate_id pillar state strong weak probes",
    "calls_current": "candidate_id interview_id reviewer_id pillar step level rationale evidence_ids created_at",
    "finding_list": "feedback_id candidate_id interviewer_id code start end text severity source",
    "llm_usage": "run_id model calls cached input_tokens output_tokens seconds",
}


@pytest.mark.parametrize("view", PUBLIC)
def test_a_public_view_has_exactly_its_columns(tmp_path: Path, view: str) -> None:
    with Store(tmp_path / "x.duckdb").session() as db:
        rows = db.rows(f"SELECT * FROM (DESCRIBE {view})")
    assert [row["column_name"] for row in rows] == PUBLIC[view].split()


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_quick_start_is_two_commands() -> None:
    section = re.split(r"^## ", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.M)[1]
    assert section.startswith("Quick start")
    block = re.search(r"```\n(.*?)```", section, re.S)
    assert block is not None
    assert block[1].strip().splitlines() == ["pip install uv && uv run verbatim demo", "uv run pytest"]
