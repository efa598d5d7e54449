"""What the linter reads: files, folders, tables, standard input, and what it cannot read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lintdesk import lint, note, rows

from pipeline.lint import sources

pytestmark = pytest.mark.usefixtures("lint_desk")


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
