from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from workshop import Bench, entry, transcript

from pipeline import show
from pipeline.adapters.store import look
from pipeline.plain import plain, plain_json, plain_line
from pipeline.progress import watching
from pipeline.worklist import Ending

STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31mred\u202egnp.\u200b\ufeff\U000e0041[bold]not markup[/] :smile: \\[x]"


@given(st.text(st.characters()))
def test_plain_text_steers_nothing_and_keeps_its_length(text: str):
    assert not STEERS.search(plain(text))
    assert len(plain(text)) == len(text)
    assert not re.search("[\n\r\t\v\f]", plain_line(text))
    plain(text).encode("utf-8")


def test_ordinary_text_in_any_script_stays():
    for text in ("naïve café", "你好，世界", "שלום", "👩 +1 👍", "ß–—“”…", "a\nb"):
        assert plain(text) == text


@given(
    st.recursive(
        st.text(st.characters()) | st.integers() | st.none(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_json_loses_nothing_and_steers_nothing(value: object):
    written = plain_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(written) == json.loads(json.dumps(value))
    assert not STEERS.search(written)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One hostile interview done, one failed."""
    made = Bench(tmp_path_factory.mktemp("show"))
    turns = [("Ines", "Did you test it?"), ("Olu", f"I wrote a test {HOSTILE}."), ("Olu", "Testing is a waste.")]
    transcript(made.inbox / "x.vtt", turns)
    (made.inbox / "bad.vtt").write_text("WEBVTT\n\nnonsense --> here\nx\n")
    roles = 'roles = { "Ines" = "interviewer", "Olu" = "candidate" }\n'
    hostile = entry("i-1", transcript='"x.vtt"', format='"\\u001b[31mlive\\u0007"') + roles
    made.run(made.manifest(hostile, entry("i-2", transcript='"bad.vtt"')))
    return made


def drawn(monkeypatch: pytest.MonkeyPatch, draw) -> str:
    out = io.StringIO()
    terminal = Console(file=out, width=100, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(show, "console", lambda: terminal)
    draw()
    return out.getvalue()


def test_interviews_show_both_sides_the_gaps_and_the_faults(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    with bench.workspace.store().session() as db:
        text = drawn(monkeypatch, lambda: show.show_interviews(db))
    flat = " ".join(text.split())
    assert "1 strong, 0 weak" in flat
    assert "tests-own-code" in flat
    assert "Ines = interviewer, Olu = candidate" in flat
    assert "no question found" in flat
    assert "asked 1×" in flat
    assert "not assessable" not in flat
    assert "failed (listen)" in flat
    assert "again: verbatim run" in flat
    assert all(part in flat for part in ("[bold]not", "[/]", ":smile:", "\\[x]"))
    assert flat.count("Pointed at") == 1


def test_a_hostile_transcript_cannot_steer_the_terminal(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    with bench.workspace.store().session() as db:
        found = look.status(db)
        head = look.summary(db, "i-1")
        names, rows = look.select(db, "SELECT text FROM transcripts")
        screens = [
            drawn(monkeypatch, lambda: show.show_interviews(db)),
            drawn(monkeypatch, lambda: show.show_status(found)),
            drawn(monkeypatch, lambda: show.show_roles(head)),
            drawn(monkeypatch, lambda: show.show_rows(names, rows)),
        ]
    for text in screens:
        assert not STEERS.search(text.replace("\n", ""))
    assert "owned" in screens[0]


def test_the_offline_extractor_is_named_even_when_it_finds_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    with bench.workspace.store().session() as db:
        head = look.summary(db, "i-1")
        assert head["extractor"] == "cues"
        offline = {**head, "extractor": "offline", "drafts": 0, "rejections": []}
        monkeypatch.setattr(look, "summary", lambda *_: offline)
        monkeypatch.setattr(look, "evidence", lambda *_, **__: [])
        text = drawn(monkeypatch, lambda: show.show_interviews(db, interview="i-1"))
    assert "Pointed at 0 times by the offline extractor (no language model)" in " ".join(text.split())


def test_one_interview_or_pillar_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    with bench.workspace.store().session() as db:
        text = drawn(monkeypatch, lambda: show.show_interviews(db, interview="i-1", pillar="execution_coding"))
        nobody = drawn(monkeypatch, lambda: show.show_interviews(db, candidate="c-9"))
    assert "Execution" in text
    assert "Architecture" not in text
    assert "i-2" not in text
    assert "No interview" in nobody


def test_status_names_state_reason_and_retry(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    with bench.workspace.store().session() as db:
        found = look.status(db)
    assert found["counts"] == {"done": 1, "failed": 1}
    assert {row["interview_id"]: row["state"] for row in found["interviews"]} == {"i-1": "done", "i-2": "failed"}
    assert set(found["interviews"][0]) == {"interview_id", "state", "stage", "reason", "retry"}
    flat = " ".join(drawn(monkeypatch, lambda: show.show_status(found)).split())
    assert "1 done, 1 failed" in flat
    assert "--interview i-2" in flat.replace(" - ", " ")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "00:00"), (59.9, "00:59"), (61, "01:01"), (3600, "1:00:00"), (7325, "2:02:05")]
)
def test_a_clock(seconds: float, shown: str):
    assert show.clock(seconds) == shown


ENDINGS = [
    Ending(interview_id="i-1", state="done", seconds=3.2),
    Ending(interview_id="i-2", state="unchanged"),
    Ending(interview_id="i-3", state="unchanged", reason="\x1b[2Jgone"),
    Ending(interview_id="i-4", state="failed", stage="listen", reason="[red]x[/]\nforged", retry="verbatim run"),
]


def test_progress_without_a_terminal_is_a_line_a_step_on_stderr(capsys: pytest.CaptureFixture[str]):
    with watching() as watcher:
        for done in range(3):
            watcher.stage("i-1", "transcribe", done, 3)
        watcher.stage("i-1", "point", 0, 1)
        for ending in ENDINGS:
            watcher.ended(ending)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "i-1  listening",
        "i-1  pointing at evidence",
        "i-1  done in 3 s",
        "i-2  nothing to do: finished and unchanged",
        "i-3  nothing to do: finished; not looked at again: \ufffd[2Jgone",
        "i-4  failed (listen): [red]x[/] forged",
        "    again: verbatim run",
    ]


def test_progress_on_a_terminal_draws_and_says_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with watching() as watcher:
        watcher.stage("i-1", "decode", 0, 1)
        watcher.stage("i-1", "transcribe", 1, 3)
        for ending in ENDINGS:
            watcher.ended(ending)
    told = capsys.readouterr()
    assert told.out == ""
    assert "done in 3 s" in told.err
    assert "\x1b[2J" not in told.err


def test_the_next_commands_name_the_workspace(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    text = drawn(monkeypatch, lambda: show.say_next(bench.workspace, Path("notes")))
    commands = [
        line.strip() for line in text.replace("\n    ", "").splitlines() if line.strip().startswith("verbatim ")
    ]
    assert len(commands) == 3
    assert str(bench.workspace.database) in text.replace("\n", "")
