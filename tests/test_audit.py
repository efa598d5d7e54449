"""The loop audit: every rule fires on a loop that breaks it, none on the example; the database joins in."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from eval.retro_history import Truth, draw
from pipeline.adapters.store.connection import Store
from pipeline.audit.check import audit
from pipeline.audit.loop import load_loop
from pipeline.audit.rules import rules
from pipeline.audit.shown import shown
from pipeline.errors import SettingsError
from pipeline.retro.facts import loop_facts
from pipeline.retro.importing import import_files

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / "examples" / "loop.toml").read_text(encoding="utf-8")


def codes(folder: Path, text: str) -> set[str]:
    path = folder / "loop.toml"
    path.write_text(text, encoding="utf-8")
    return {one.code for one in audit(*load_loop(path))}


def test_the_example_passes(tmp_path: Path) -> None:
    assert codes(tmp_path, EXAMPLE) == set()


def entry(table: str, name: str) -> str:
    """One [[table]] entry of the example, as text."""
    found = re.search(rf'\[\[{table}\]\]\nid = "{name}"\n(?:.+\n)*', EXAMPLE)
    assert found is not None
    return found[0]


NEW_ROUND = '\n[[rounds]]\nid = "new"\nformat = "{}"\nminutes = {}\npillars = ["execution_coding"]\nowner = "iv-1"\n' \
    'questions = ["q-preferences"]\nguide = true\n{}\n'  # fmt: skip
BROKEN = {
    "AL101": re.sub(r"\[\[success\]\]\n(?:.+\n)*", "", EXAMPLE),
    "AL102": EXAMPLE.replace('maintain"\npillars = ["execution_coding"]', 'maintain"'),
    "AL103": EXAMPLE.replace('success = ["owns"]', 'success = ["ships"]'),
    "AL104": EXAMPLE.replace('\nsuccess = ["owns"]', ""),
    "AL105": EXAMPLE.replace('questions = ["q-timeout", "q-unclear"]', 'questions = ["q-timeout"]'),
    "AL106": EXAMPLE.replace('questions = ["q-limiter"]', 'questions = ["q-limiter", "q-lost"]'),
    "AL203": EXAMPLE.replace('"live-coding"', '"panel"').replace('"system-design"', '"talk"').replace('"pair-', '"x-'),
    "AL204": EXAMPLE.replace("real_work = true", ""),
    "AL301": EXAMPLE.replace('owner = "iv-2"\n', ""),
    "AL302": EXAMPLE.replace('id = "iv-2"\npillars = ["architecture_tradeoffs"]', 'id = "iv-2"'),
    "AL303": EXAMPLE.replace("guide = true", "", 1),
    "AL304": EXAMPLE.replace('signal_matrix = "senior-backend"', ""),
    "AL305": EXAMPLE.replace("calls_before_debrief = true", ""),
    "AL306": EXAMPLE.replace("debrief_on_evidence = true", ""),
    "AL401": EXAMPLE.replace("retrospective_months = 6", "retrospective_months = 18"),
    "AL402": EXAMPLE.replace("calibrated = true", "", 1),
    "AL503": EXAMPLE.replace("tracks_acceptance_rates = true", ""),
    "AL601": EXAMPLE + NEW_ROUND.format("take-home", 240, 'alternative = "live-coding"'),
    "AL602": EXAMPLE + NEW_ROUND.format("take-home", 120, ""),
    "AL603": EXAMPLE + NEW_ROUND.format("panel", 180, ""),
    "AL604": EXAMPLE.replace("answer_within_days = 5", "answer_within_days = 21"),
    "AL605": EXAMPLE.replace("tells_candidates_what_is_looked_at = true", ""),
    "AL606": EXAMPLE.replace("minutes = 75", "minutes = 20"),
}


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_loop_gets_the_finding(tmp_path: Path, code: str) -> None:
    assert BROKEN[code] != EXAMPLE
    assert code in codes(tmp_path, BROKEN[code])


@pytest.mark.parametrize("code", [code for code, rule in rules().items() if rule.patterns])
def test_words_that_are_looked_for(tmp_path: Path, code: str) -> None:
    rule = rules()[code]
    assert rule.bad
    assert rule.good
    for text in rule.bad:
        assert code in codes(tmp_path, EXAMPLE + f'\n[[questions]]\nid = "x"\ntext = "{text}"\nsuccess = ["owns"]\n'), (
            text
        )
    for text in rule.good:
        path = tmp_path / "loop.toml"
        path.write_text(EXAMPLE + f'\n[[questions]]\nid = "x"\ntext = "{text}"\nsuccess = ["owns"]\n', encoding="utf-8")
        assert not audit(*load_loop(path)), text


def test_every_rule_is_tested_and_documented() -> None:
    page = (ROOT / "docs" / "loop-audit.md").read_text(encoding="utf-8")
    for code, rule in rules().items():
        assert code in BROKEN or rule.patterns or code.startswith("AL7"), code
        assert f"`{code}`" in page, code
        assert rule.name in page, code


def test_a_finding_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "loop.toml"
    path.write_text(BROKEN["AL606"], encoding="utf-8")
    (found,) = [one for one in audit(*load_loop(path)) if one.code == "AL606"]
    assert path.read_text().splitlines()[(found.line or 0) - 1] == 'id = "coding"'


@pytest.mark.parametrize(
    ("text", "message"),
    [("role = 1", "role"), ("nonsense", "not valid TOML"), (EXAMPLE.replace("guide", "gide"), "gide"),
     (EXAMPLE + entry("rounds", "coding"), "appears twice"), ("", "role")],
)  # fmt: skip
def test_a_file_that_is_no_loop_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "loop.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message) as caught:
        load_loop(path)
    assert caught.value.next_step


def test_the_database_joins_in(tmp_path: Path) -> None:
    history = draw(Truth(harsh=1, pillars_each=1), 1)
    text = EXAMPLE.replace("iv-1", "iv-000000").replace("q-limiter", "q-000001")
    history.tables["questions"]["level"][:] = "ok"
    path = tmp_path / "loop.toml"
    path.write_text(text, encoding="utf-8")
    loop, lines = load_loop(path)
    with Store(tmp_path / "x.duckdb").session() as db:
        assert shown(loop_facts(db, date(2026, 6, 1)), loop, lines) == []
        import_files(db, history.write(tmp_path / "csv"))
        silent = {"pillar": "ownership_debugging", "state": "not_asked", "strong": 0, "weak": 0, "probes": 0}
        rows = [{"interview_id": f"i-{at}"} | silent for at in range(4)]
        db.insert("coverage", rows)
        db.execute("INSERT INTO interviews (interview_id, candidate_id, interviewers, questions, state) "
                   "SELECT 'i-' || range, 'c', [], [], 'done' FROM range(4)")  # fmt: skip
        db.execute("DELETE FROM calls WHERE reviewer_id = 'iv-000000' AND pillar = 'execution_coding'")
        found = shown(loop_facts(db, date(2026, 6, 1)), loop, lines)
        assert {one.code for one in found} == {"AL701", "AL702", "AL703", "AL704", "AL705"}
        assert all(one.source == "database" and one.suggestion for one in found)
        db.journal("retro", "retro", "50 hires")
        later = {one.code for one in shown(loop_facts(db, date.today()), loop, lines)}
        assert "AL704" not in later


def test_the_verb_ends_with_zero_one_or_two(tmp_path: Path) -> None:
    run = CliRunner()
    path = tmp_path / "loop.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    assert run.invoke(app, ["audit", str(path)]).exit_code == 0
    path.write_text(BROKEN["AL601"], encoding="utf-8")
    done = run.invoke(app, ["audit", str(path), "--json"])
    assert done.exit_code == 1
    (found,) = [one for one in json.loads(done.stdout)["findings"] if one["code"] == "AL601"]
    assert found["file"] == str(path)
    assert found["where"] == "rounds.new"
    path.write_text(BROKEN["AL606"], encoding="utf-8")
    assert run.invoke(app, ["audit", str(path)]).exit_code == 0  # info only
    assert run.invoke(app, ["audit", str(path), "--fail-on", "info"]).exit_code == 1
    assert isinstance(run.invoke(app, ["audit", str(tmp_path / "none.toml")]).exception, SettingsError)


def test_ten_thousand_near_matches_are_quick(tmp_path: Path) -> None:
    text = "design a reverse the longest common increasing " * 10_000
    for rule in rules().values():
        rule.match(text)
