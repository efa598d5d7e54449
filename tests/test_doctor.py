"""doctor says what is in force and what is wrong, and sends no recording anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from endpoint import MODEL, Endpoint, Reply, chat, fails
from test_llm_faults import probe_answers
from typer.testing import CliRunner

import cli
from pipeline.workspace import Workspace


def doctor(folder: Path, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    Workspace.create(folder)
    shown = CliRunner().invoke(cli.app, ["doctor", "-w", str(folder), "--json", *more])
    return shown.exit_code, {check["name"]: check for check in json.loads(shown.stdout)}


def at(server: Endpoint) -> list[str]:
    return ["--model", MODEL, "--base-url", server.url]


def test_without_a_model_nothing_is_asked(tmp_path: Path):
    code, checks = doctor(tmp_path)
    assert code == 0
    assert "nothing is sent anywhere" in checks["extractor"]["detail"]


def test_a_good_endpoint(tmp_path: Path):
    with Endpoint(lambda body, n: probe_answers(body) or Reply(status=500)) as server:
        code, checks = doctor(tmp_path, *at(server), "--longest", "9000")
        assert code == 0, checks
        assert checks["model"]["ok"] is True
        assert checks["answers under json_schema"]["detail"] == "enforced"
        assert "is read whole" in checks["front of the prompt"]["detail"]
        assert "on this machine" in checks["endpoint"]["detail"]
        longest = max(len(body["messages"][1]["content"]) for body in server.received)
        assert 8000 < longest < 10_000


def test_a_schema_that_is_not_enforced(tmp_path: Path):
    with Endpoint(chat("It is blue.")) as server:
        code, checks = doctor(tmp_path, *at(server))
        assert code == 1
        assert checks["answers under json_schema"]["ok"] is False
        assert "text-only" in checks["answers under json_schema"]["next_step"]


def test_an_endpoint_that_refuses_schemas_is_taken_at_its_word(tmp_path: Path):
    def script(body: dict[str, Any], n: int) -> Reply:
        if body.get("response_format", {}).get("type") == "json_schema":
            return fails(400, "invalid", "response_format json_schema is not supported")
        return probe_answers(body) or Reply(status=500)

    with Endpoint(script) as server:
        code, checks = doctor(tmp_path, *at(server))
        assert code == 0
        assert checks["answers under json_object"]["detail"] == "as asked"


@pytest.mark.parametrize("counts", [True, False], ids=["counting tokens", "not counting"])
def test_a_prompt_that_loses_its_front(tmp_path: Path, counts: bool):
    def script(body: dict[str, Any], n: int) -> Reply:
        reply = probe_answers(body, reads=4000)
        assert reply is not None
        content = json.loads(reply.body)
        if not counts:
            del content["usage"]
        return Reply(json.dumps(content).encode())

    with Endpoint(script) as server:
        code, checks = doctor(tmp_path, *at(server))
        assert code == 1
        assert "without saying so" in checks["front of the prompt"]["detail"]
        assert "OLLAMA_CONTEXT_LENGTH" in checks["front of the prompt"]["next_step"]


def test_a_context_that_is_too_small_and_says_so(tmp_path: Path):
    def script(body: dict[str, Any], n: int) -> Reply:
        if len(json.dumps(body)) > 6000:
            return fails(400, "exceed_context_size_error", "the request exceeds the available context size")
        return probe_answers(body) or Reply(status=500)

    with Endpoint(script) as server:
        code, checks = doctor(tmp_path, *at(server))
        assert code == 0
        assert "refused openly" in checks["context"]["detail"]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (fails(401), "refused the key"),
        (fails(404), "no such model"),
        (Reply(b"<html>", headers={"Content-Type": "text/html"}), "web page"),
        (chat('{"colour":"blue"}', model="other"), "another model"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, reply: Reply, told: str):
    with Endpoint(reply) as server:
        code, checks = doctor(tmp_path, *at(server))
        assert code == 1
        assert any(told in check["detail"] and check["ok"] is False for check in checks.values())


def test_an_endpoint_that_is_not_there_or_not_allowed(tmp_path: Path):
    with Endpoint(chat()) as server:
        url = server.url
    code, checks = doctor(tmp_path, "--model", "m", "--base-url", url)
    assert code == 1
    assert checks["reachable"]["ok"] is False
    code, checks = doctor(tmp_path, "--model", "m", "--base-url", "https://api.example.com/v1")
    assert code == 1
    assert "not allowed to receive" in checks["endpoint"]["detail"]
