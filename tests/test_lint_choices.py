"""Which findings count: selection, configuration, exit codes, silencing comments, the baseline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lintdesk import BAD, lint, note, rows

pytestmark = pytest.mark.usefixtures("lint_desk")


def test_rules_are_chosen_by_prefix_and_the_longer_prefix_wins() -> None:
    text = note("x.md", "Great culture match. Bad vibes. Strong accent.")

    def of(*arguments: str) -> list[str]:
        return [row["code"] for row in rows(text, *arguments)]

    assert of("--select", "GF2,gf5") == ["GF201", "GF502"]
    assert of("--ignore", "GF5") == ["GF201", "GF102"]
    assert of("--ignore", "GF5", "--extend-select", "GF502") == ["GF201", "GF102", "GF502"]
    assert lint(text, "--select", "XX1").exit_code == 2


@pytest.mark.parametrize(("least", "expected"), [("info", 1), ("warning", 1), ("error", 0)])
def test_fail_on_sets_what_fails(least: str, expected: int) -> None:
    assert lint(note(), "--fail-on", least).exit_code == expected


def test_exit_codes_are_0_1_or_2_whatever_the_count() -> None:
    many = note("many.md", "Bad vibes.\n\n" * 300)
    assert lint(many).exit_code == 1
    assert lint(many, "--exit-zero").exit_code == 0
    assert lint(note("fine.md", "Wrote a test.")).exit_code == 0
    assert lint(many, "--output-format", "nope").exit_code == 2


def test_the_nearest_configuration_wins_and_flags_win_over_it() -> None:
    Path("pyproject.toml").write_text('[tool.verbatim.lint]\nignore = ["GF1"]\n')
    Path("sub").mkdir()
    Path("sub/verbatim.toml").write_text('[lint]\nignore = ["GF2"]\nfail-on = "error"\n')
    note("a.md"), note("sub/b.md")
    assert [(r["file"], r["code"]) for r in rows("a.md", "sub/b.md")] == [("a.md", "GF201"), ("sub/b.md", "GF102")]
    assert lint("sub/b.md").exit_code == 0
    assert [r["code"] for r in rows("sub/b.md", "--select", "GF2")] == ["GF201"]
    Path("other.toml").write_text('[lint]\nselect = ["GF2"]\n')
    assert [r["code"] for r in rows("sub/b.md", "--config", "other.toml")] == ["GF201"]


WRONG = [
    "colour = true",
    "select = 'GF1'",
    "fail-on = 'never'",
    "fail_on = 'info'",
    "select = ['GF9']",
    "document-words = -1",
]


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_key_or_value_is_exit_2_and_named(line: str) -> None:
    Path("verbatim.toml").write_text(f"[lint]\n{line}\n")
    result = lint(note())
    assert result.exit_code == 2
    assert line.split(" ")[0] in result.stderr or "GF9" in result.stderr


@pytest.mark.parametrize("content", ["tool = 3", "[tool]\nverbatim = 3", "[tool.other]\nx = 1"])
def test_a_pyproject_of_others_is_none_of_ours(content: str) -> None:
    Path("pyproject.toml").write_text(content)
    assert len(rows(note())) == 2


def test_a_rule_ignored_per_file_is_out_however_it_was_selected() -> None:
    Path("verbatim.toml").write_text("[lint]\nselect = ['GF201']\n[lint.per-file-ignores]\n'drafts/*' = ['GF2']\n")
    assert lint(note("drafts/a.md")).exit_code == 0
    assert lint(note("drafts/a.md"), "--select", "GF201,GF102", "--fail-on", "info").exit_code == 1
    assert [row["code"] for row in rows("drafts/a.md", "--select", "GF201,GF102")] == ["GF102"]


def test_files_can_have_rules_of_their_own() -> None:
    Path("verbatim.toml").write_text('[lint]\n[lint.per-file-ignores]\n"drafts/*" = ["GF2"]\n')
    note("drafts/a.md"), note("b.md")
    assert [(r["file"], r["code"]) for r in rows("drafts", "b.md")] == [
        *[("b.md", "GF201"), ("b.md", "GF102")],
        ("drafts/a.md", "GF102"),
    ]


def test_a_comment_silences_its_line_with_a_reason_and_an_idle_one_is_reported() -> None:
    text = (
        "Great culture match. <!-- gf: ignore GF201 quoted from the form -->\n"
        "<!-- gf: ignore GF102 he said it himself -->\nBad vibes.\n"
        "Wrote a test. <!-- gf: ignore GF3 -->\n"
        "A real ninja. [gf: ignore GF401]\n"
    )
    content = json.loads(lint(note("x.md", text), "--output-format", "json").stdout)
    assert [(f["code"], f["line"]) for f in content["findings"]] == [("GF001", 4), ("GF002", 5)]
    assert content["summary"]["ignored_inline"] == 3


def test_a_whole_note_can_be_silenced_for_a_rule() -> None:
    assert rows(note("x.md", "<!-- gf: ignore-file GF2 a form about values -->\n\n" + BAD))[0]["code"] == "GF102"


@pytest.mark.parametrize("mark", ["", ":", " -", ","])
def test_a_reason_may_follow_a_colon_a_dash_or_a_comma(mark: str) -> None:
    assert rows(note("x.md", f"Great culture match. <!-- gf: ignore GF201{mark} a form about values -->")) == []


def test_a_comment_works_in_a_field_too() -> None:
    note("s.jsonl", json.dumps({"text": "A real ninja. [gf: ignore GF401 product name]"}))
    assert rows("s.jsonl") == []


def test_a_baseline_knows_findings_by_sentence_and_is_pruned() -> None:
    name = note()
    assert lint(name, "--baseline", "known.json", "--write-baseline").exit_code == 0
    assert "culture" not in Path("known.json").read_text()
    note(name, "A new line.\n\n" + BAD)
    assert lint(name, "--baseline", "known.json").exit_code == 0
    note(name, "Bad vibes all over.\n\n" + BAD.replace("Great culture match 😀", "Fine"))
    result = lint(name, "--baseline", "known.json", "--output-format", "concise")
    assert result.exit_code == 1
    assert "mended" in result.stderr
    lint(name, "--baseline", "known.json", "--prune-baseline")
    assert json.loads(Path("known.json").read_text())["findings"] == []
    Path("known.json").write_text("{}")
    assert lint(name, "--baseline", "known.json").exit_code == 2


def test_a_baseline_can_be_configured() -> None:
    Path("verbatim.toml").write_text('[lint]\nbaseline = "known.json"\n')
    name = note()
    lint(name, "--write-baseline")
    assert Path("known.json").exists()
    assert lint(name).exit_code == 0


def test_a_baseline_holds_wherever_the_linter_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("verbatim.toml").write_text('[lint]\nbaseline = "known.json"\n')
    name = note("sub/note.md")
    lint(".", "--write-baseline")
    assert {row["file"] for row in json.loads(Path("known.json").read_text())["findings"]} == {name}
    assert lint(str(Path(name).absolute())).exit_code == 0
    monkeypatch.chdir("sub")
    assert lint("note.md").exit_code == 0
    assert lint("../sub").exit_code == 0


def test_findings_of_a_file_that_is_gone_are_pruned() -> None:
    lint(note("a.md"), note("b.md", "Big ego.\n"), "--baseline", "known.json", "--write-baseline")
    Path("a.md").unlink()
    assert "holds 2 mended findings" in lint("b.md", "--baseline", "known.json").stderr
    lint("b.md", "--baseline", "known.json", "--prune-baseline")
    assert {row["file"] for row in json.loads(Path("known.json").read_text())["findings"]} == {"b.md"}


@pytest.mark.parametrize("content", ["[[[", "[" * 200_000, "[]", '{"version": 1, "findings": [{}]}', '{"version": 2}'])
def test_what_is_no_baseline_is_a_message(content: str) -> None:
    Path("known.json").write_text(content)
    result = lint(note(), "--baseline", "known.json")
    assert result.exit_code == 2
    assert "write it again with --write-baseline" in result.stderr


def test_a_baseline_is_not_written_from_half_a_run() -> None:
    name = note()
    lint(name, "--baseline", "known.json", "--write-baseline")
    before = Path("known.json").read_text()
    result = lint("typo.md", "--baseline", "known.json", "--write-baseline")
    assert result.exit_code == 2
    assert "known.json is not written" in result.stderr
    assert Path("known.json").read_text() == before
