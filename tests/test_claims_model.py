"""A scripted model points at the lines of claims; code holds its lines against the interview."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from endpoint import MODEL, Endpoint, Reply, chat, fails
from typer.testing import CliRunner, Result
from workshop import ROLES, TALK, Bench, entry, transcript

import cli
from pipeline.claims.model import EXAMPLE, PLANTED, Pointing, answer_schema
from pipeline.errors import VerbatimError
from pipeline.prompting import load_template
from pipeline.records import Chunk, Line, ModelAnswer, ModelRequest, Role
from pipeline.redact import Redactor

NOTE = """\
Guessed that the lock is held for too long.
Wrote several unit tests for the export job.
Would put the change behind a flag for one region.
Asked five questions about the export.
Strong hire from me.
"""
Say = Callable[[dict[int, str]], list[str]]


def reply_with(say: Say) -> Callable[[dict[str, Any], int], Reply]:
    def reply(body: dict[str, Any], _n: int) -> Reply:
        rows = re.findall(r"^(\d+) (.*)$", body["messages"][1]["content"].split("Sentences:")[1], re.MULTILINE)
        return chat(json.dumps({"held": say({int(n): text for n, text in rows})}))

    return reply


def sensible(rows: dict[int, str]) -> list[str]:
    """Points as a good reader would."""
    held = []
    for n, text in rows.items():
        lines = {"lock": "supports 3", "unit tests": "contradicts 7", "flag": "supports 5"}
        held.append(f"{n} {next((said for word, said in lines.items() if word in text), 'none')}")
    return [f"{piece.split()[0]} no-claim" if "Strong hire" in rows[int(piece.split()[0])] else piece for piece in held]


def elsewhere(rows: dict[int, str]) -> list[str]:
    """Counts on with numbers that no sentence has: what a small model does."""
    return [f"{n}1 no-claim" for n in range(len(rows) + 1, 40)]


def obeying(rows: dict[int, str]) -> list[str]:
    """Bears everything out, the planted sentence included."""
    return [f"{n} supports 3" for n in rows]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in (("MODEL", MODEL), ("PREFLIGHT", "false"), ("MAX_TRIES", "1"), ("REDACT", "on")):
        monkeypatch.setenv(f"VERBATIM_LLM__{name}", value)
    bench = Bench(tmp_path)
    transcript(bench.inbox / "a.vtt")
    manifest = bench.manifest(entry("a", transcript='"a.vtt"', names='["Olu Adeyemi"]') + ROLES)
    assert bench.run(manifest)["a"].state == "done"
    (tmp_path / "note.md").write_text(NOTE, encoding="utf-8")
    return bench.workspace.folder


def claims(workspace: Path, url: str, *words: str) -> Result:
    note = str(workspace.parent / "note.md")
    arguments = ["claims", note, "--interview", "a", "-w", str(workspace), *words]
    return CliRunner().invoke(cli.app, arguments, env={"VERBATIM_LLM__BASE_URL": url})


def rows(result: Result, source: str) -> dict[str, tuple[str, int | None]]:
    found = json.loads(result.stdout)
    found = found["claims"] if isinstance(found, dict) else found
    return {
        NOTE[c["start"] : c["end"]].split()[0]: (c["state"], c["first_line"]) for c in found if c["source"] == source
    }


def test_both_views_stand_side_by_side(workspace: Path) -> None:
    with Endpoint(reply_with(sensible)) as endpoint:
        result = claims(workspace, endpoint.url, "--llm", "--json")
        shown = claims(workspace, endpoint.url, "--llm")
        assert len(endpoint.received) == 1, "the second run answers from llm/"
        sent = json.dumps(endpoint.received)
    assert rows(result, "model") == {
        "Guessed": ("supported", 3),
        "Wrote": ("contradicted", 7),
        "Would": ("supported", 5),
    }
    offline = rows(result, "offline")
    assert offline["Asked"][0] == "contradicted", "a count stays counted by code"
    assert offline["Guessed"] == ("supported", 3)
    assert "Asked five" not in sent
    assert "Olu" not in sent
    assert result.exit_code == 1
    assert "[model]" in shown.stdout
    assert "model: 2 supported, 1 contradicted, 0 none found, 1 taken for no claim" in shown.stdout
    bench_rows = kept(workspace)
    assert {row["source"] for row in bench_rows} == {"offline", "model"}
    assert all(row["model"] == MODEL and row["request_hash"] for row in bench_rows if row["source"] == "model")


def test_a_doubt_names_the_view_that_differs(workspace: Path) -> None:
    with Endpoint(reply_with(lambda rows: [f"{n} none" for n in rows])) as endpoint:
        shown = claims(workspace, endpoint.url, "--llm")
    (guessed,) = [row for row in doubts(workspace) if row["text"].startswith("Guessed")]
    assert (guessed["state"], guessed["source"]) == ("none_found", "model")
    assert (guessed["other"], guessed["other_line"]) == ("offline", 3)
    assert "The two views differ on" in shown.stdout


def doubts(workspace: Path) -> list[dict[str, Any]]:
    from pipeline.adapters.store.reviews import feedback_doubts
    from pipeline.workspace import Workspace

    with Workspace.open(workspace).store().session() as db:
        return feedback_doubts(db, ["a"])[1]


def kept(workspace: Path) -> list[dict[str, Any]]:
    from pipeline.workspace import Workspace

    with Workspace.open(workspace).store().session() as db:
        assert db.value("SELECT count(*) FROM llm_calls WHERE run_id LIKE 'claims-%'")
        return db.rows("SELECT * FROM claims")


@pytest.mark.parametrize("reply", [fails(500), chat("no idea"), reply_with(obeying), reply_with(elsewhere)])
def test_a_model_that_cannot_be_used_is_told_and_the_offline_view_stands(workspace: Path, reply: Any) -> None:
    with Endpoint(reply) as endpoint:
        result = claims(workspace, endpoint.url, "--llm", "--json")
        required = claims(workspace, endpoint.url, "--llm", "required")
    assert rows(result, "model") == {}
    assert rows(result, "offline")["Guessed"] == ("supported", 3)
    assert re.search(r"no usable answer for 1 of 1 parts: .+[.!?] The offline view stands\.", result.stderr)
    assert "said nothing about" not in result.stderr, "it was not asked to the end"
    assert json.loads(result.stdout)["model"]["state"] == "failed"
    assert isinstance(required.exception, VerbatimError)
    assert required.exception.exit_code == 2


def test_a_prompt_is_shown_and_nothing_is_sent(workspace: Path) -> None:
    with Endpoint(reply_with(sensible)) as endpoint:
        result = claims(workspace, endpoint.url, "--show-prompt")
        assert endpoint.received == []
    assert result.exit_code == 0
    assert "Wrote several unit tests" in result.stdout
    assert "Olu" not in result.stdout


class Oracle:
    """An LLM that says what it was made with."""

    endpoint = "http://127.0.0.1/v1"
    model = "oracle"
    temperature: float | None = 0.0
    max_output_tokens = 500
    local = True

    def __init__(self, say: Say) -> None:
        self.say = say

    def turn_down(self, request_hash: str) -> None:
        pass

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        asked = request.messages[1]["content"].split("Sentences:")[1]
        shown = {int(n): text for n, text in re.findall(r"^(\d+) (.*)$", asked, re.MULTILINE)}
        return ModelAnswer(text=json.dumps({"held": self.say(shown)}), model="oracle")


def pointing(chunks: list[Chunk]) -> Pointing:
    lines, at = [], 0
    for n, (who, text) in enumerate(TALK, 1):
        place = {"start": at, "end": at + len(text), "start_s": n, "end_s": n + 1}
        lines.append(Line(line=n, turn=n, speaker=who, text=text, **place))
        at += len(text) + 1
    roles: dict[str, Role] = {"Ines": "interviewer", "Olu": "candidate"}
    sentence = "Put it behind a flag in one region."
    return Pointing(
        load_template("claims"), sentence, [(0, len(sentence))], lines, roles, chunks, Redactor(active=False)
    )


def point(say: str, *chunks: Chunk) -> tuple[list[tuple[str, int | None]], dict[str, int]]:
    def answer(shown: dict[int, str]) -> list[str]:
        return [f"{n} {'none' if text in PLANTED else say}" for n, text in shown.items()]

    whole = [Chunk(chunk=1, first_line=1, last_line=6)]
    found = anyio.run(pointing(list(chunks) or whole).ask, Oracle(answer))
    return [(claim.state, claim.first_line) for claim in found.claims], found.summary["dropped"]


@pytest.mark.parametrize(
    ("say", "claims_found", "dropped"),
    [
        ("supports 4", [("supported", 4)], {}),
        ("contradicts 4", [("contradicted", 4)], {}),
        ("none", [("none_found", None)], {}),
        ("no-claim", [], {}),
        ("supports 3", [], {"not_the_candidates_lines": 1}),
        ("supports 4-6", [], {"not_the_candidates_lines": 1}),
        ("supports 6-4", [], {"not_the_candidates_lines": 1}),
        ("supports 99", [], {"not_the_candidates_lines": 1}),
        ("supports 1-6", [], {"not_the_candidates_lines": 1}),
    ],
)
def test_only_the_candidates_lines_hold(
    say: str, claims_found: list[tuple[str, int | None]], dropped: dict[str, int]
) -> None:
    assert point(say) == (claims_found, dropped)


def test_lines_of_another_part_of_the_interview_do_not_hold() -> None:
    parts = (Chunk(chunk=1, first_line=1, last_line=4), Chunk(chunk=2, first_line=3, last_line=6))
    assert point("supports 4", *parts) == ([("supported", 4)], {})
    assert point("supports 2", *parts) == ([("supported", 2)], {"not_the_candidates_lines": 1})


def test_an_answer_in_any_other_form_is_no_answer() -> None:
    for say in ("supports", "supports 4 because", "maybe 4", "supports 4, 6"):
        assert point(say) == ([], {})


def test_the_prompts_own_example_is_no_answer() -> None:
    assert json.dumps(EXAMPLE, separators=(",", ":")) in load_template("claims").system
    parts = [Chunk(chunk=1, first_line=1, last_line=6)]
    assert anyio.run(pointing(parts).ask, Oracle(lambda _: ["1 none", "2 none"])).fault is None
    repeated = anyio.run(pointing(parts).ask, Oracle(lambda _: list(EXAMPLE)))
    assert (repeated.claims, repeated.summary["state"]) == ([], "failed")
    assert "that is the example" in str(repeated.fault)


def test_the_form_has_no_room_for_words_of_a_model() -> None:
    schema = answer_schema()
    assert list(schema["properties"]) == ["held"]
    assert re.fullmatch(schema["properties"]["held"]["items"]["pattern"], "3 supports a strong candidate") is None
