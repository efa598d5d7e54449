"""One endpoint behind the port: limits, caps, where words may go, what is remembered, what is replayed."""

from __future__ import annotations

import gc
import json
import logging
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from batchroom import PILLARS, Room, answer, ask, interview_of, pillar_of
from endpoint import MODEL, Endpoint, Reply, chat, fails

from pipeline.adapters.llm import open_llm, recorded_llm
from pipeline.adapters.llm.address import find_address, is_local
from pipeline.adapters.llm.budget import Budget
from pipeline.adapters.llm.dialect import Dialect, choose_profile, load_profiles
from pipeline.adapters.llm.envelope import same_model
from pipeline.errors import AnswerError, EndpointError, RunStopError, SettingsError, StoreError
from pipeline.records import ModelRequest
from pipeline.settings import Llm
from pipeline.workspace import Workspace

ALL = len(PILLARS)
SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^x$"}}, "required": ["a"]}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "ws")


def settings(server: Endpoint, **more: Any) -> Llm:
    return Llm(**{"model": MODEL, "base_url": server.url, "preflight": False, "deadline_s": 5.0, **more})


def requests(llm: Any, count: int) -> list[ModelRequest]:
    return [
        ModelRequest(
            endpoint=llm.endpoint,
            model=llm.model,
            messages=({"role": "system", "content": "s"}, {"role": "user", "content": f"number {i}"}),
            answer_schema=SCHEMA,
            temperature=llm.temperature,
            max_output_tokens=llm.max_output_tokens,
        )
        for i in range(count)
    ]


def live(server: Endpoint, workspace: Workspace, **more: Any) -> Any:
    llm = open_llm(settings(server, **more), workspace, lambda _: None)
    llm.backoff_s = 0.001  # type: ignore[union-attr]
    return llm


# limits and caps


def test_never_more_at_once_than_allowed_and_always_that_many(workspace: Workspace):
    with Endpoint(chat(delay_s=0.1)) as server:
        llm = live(server, workspace, concurrency=5)
        ask(llm, *requests(llm, 20))
        assert server.most_at_once == 5


def test_requests_a_minute_are_spread(workspace: Workspace):
    with Endpoint(chat()) as server:
        llm = live(server, workspace, requests_per_minute=600, concurrency=8)
        started = time.monotonic()
        ask(llm, *requests(llm, 6))
        assert time.monotonic() - started >= 0.5


def test_a_cap_on_tokens_stops_within_one_call(workspace: Workspace):
    usage = {"prompt_tokens": 3, "completion_tokens": 50}
    with Endpoint(chat(usage=usage, delay_s=0.02)) as server:
        llm = live(server, workspace, max_total_tokens=200, concurrency=8, max_output_tokens=50)
        ends = ask(llm, *requests(llm, 12))
        stops = [end for end in ends if isinstance(end, RunStopError)]
        assert stops
        assert "cap of this run" in stops[0].what
        assert 200 <= llm.meter.tokens < 200 + 54
        assert len(server.received) == llm.meter.calls
        again = live(server, workspace, concurrency=8, max_output_tokens=50)
        ask(again, *requests(again, 12))
        assert len(server.received) == 12, "the next run goes on where the cap was"


def test_a_cap_on_cost_needs_prices_and_holds(workspace: Workspace):
    with Endpoint(chat(usage={"prompt_tokens": 1000, "completion_tokens": 100})) as server:
        with pytest.raises(SettingsError, match="needs prices"):
            live(server, workspace, max_cost=1.0)
        llm = live(server, workspace, max_cost=0.01, input_price=2.0, output_price=10.0, concurrency=4)
        ends = ask(llm, *requests(llm, 12))
        assert any(isinstance(end, RunStopError) for end in ends)
        assert 0.01 <= llm.meter.cost < 0.01 + 0.003
        assert "about 0.01" in str(llm.meter)


def test_a_cap_stops_a_batch_cleanly_and_the_next_goes_on(tmp_path: Path):
    with Room(tmp_path, ["one", "two", "three"]) as room:
        room.run(answer, max_total_tokens=5000, concurrency=1)
        assert room.stop is not None
        assert room.stop.exit_code == 4
        spent = room.rows("SELECT coalesce(sum(calls), 0) AS n FROM llm_usage")[0]["n"]
        assert spent == len(room.server.received), "every call is counted, whatever became of its interview"
        states = {row["state"] for row in room.rows("SELECT state FROM interviews")}
        assert states == {"done", "pending"}
        before = len(room.server.received)
        room.run(answer)
        assert len(room.server.received) == 3 * ALL - before
        room.settled()


def test_a_budget_frees_its_place_after_a_fault():
    async def main() -> None:
        budget = Budget(concurrency=1, max_tokens=100)
        for _ in range(3):
            with pytest.raises(ValueError, match="oops"):
                async with budget.slot(60, 30):
                    raise ValueError("oops")
        budget.used(70, 30, 1.0)
        with pytest.raises(RunStopError):
            async with budget.slot(1, 1):
                pass

    anyio.run(main)


# where words may go


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.8.7", "::1"])
def test_this_machine(host: str):
    assert is_local(host)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "192.168.1.5", "0.0.0.0", "localhost.evil.org", "127.0.0.1.evil.org", "api.openai.com", ""]
)
def test_not_this_machine(host: str):
    assert not is_local(host)


def test_no_host_without_permission(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(EndpointError, match=r"api\.openai\.com .* not allowed"):
        find_address(Llm(model="m"))
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example/v1")
    with pytest.raises(EndpointError, match=r"elsewhere\.example \(OPENAI_BASE_URL\)"):
        find_address(Llm(model="m", allow_hosts=("api.openai.com",)))
    found = find_address(Llm(model="m", allow_hosts=("Elsewhere.example",)))
    assert (found.host, found.local, found.encrypted) == ("elsewhere.example", False, True)


@pytest.mark.parametrize(
    "url", ["ftp://localhost/v1", "localhost:8080", "http://", "http://user:pw@localhost/v1", "http://localhost/v1?k=1"]
)
def test_an_address_that_is_none_or_holds_a_secret(url: str):
    with pytest.raises(SettingsError) as caught:
        find_address(Llm(model="m", base_url=url))
    assert "pw" not in str(caught.value)


def test_a_key_of_the_environment_does_not_go_to_a_local_server(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    with Endpoint(chat()) as server:
        llm = live(server, workspace)
        ask(llm, *requests(llm, 1))
        assert server.headers[0]["authorization"] == "Bearer none"
        assert "sk-secret" not in json.dumps(server.headers)


def test_a_host_that_is_not_this_machine_is_named_once_and_names_are_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """0.0.0.0 reaches this machine and is not counted as it: a stand-in for a hosted endpoint."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with Room(tmp_path) as room:
        url = room.server.url.replace("127.0.0.1", "0.0.0.0")
        vtt = tmp_path / "one.vtt"
        vtt.write_text(vtt.read_text().replace("All right.", "Ben here, or ben@work.example, +49 170 1234567, ADA."))
        assert room.run(answer, base_url=url, allow_hosts=["0.0.0.0"])["one"].state == "done"
        assert room.said == [f"Transcripts go to 0.0.0.0, not encrypted on the way (model {MODEL})."]
        sent = json.dumps(room.server.received)
        assert "2 C 00:10 [NAME-1] here, or [EMAIL-1], [PHONE-1], [NAME-2]." in sent
        assert "Ben" not in sent
        assert "170 1234567" not in sent
        quote = room.rows("SELECT quote FROM evidence_quotes")[0]["quote"]
        assert quote.startswith("When it is empty")
        room.run(answer, base_url=url, allow_hosts=["0.0.0.0"], redact="off", force=True)
        assert "Ben here" in json.dumps(room.server.received)


def test_a_host_without_a_key(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EndpointError, match="OPENAI_API_KEY is not set"):
        open_llm(Llm(model="m", base_url="https://h.example/v1", allow_hosts=("h.example",)), workspace)


# dialects and profiles


def test_an_endpoint_that_knows_less_is_spoken_to_in_simpler_ways_and_this_is_remembered(workspace: Workspace):
    def script(body: dict[str, Any], n: int) -> Reply:
        form = body.get("response_format", {})
        if "max_completion_tokens" not in body:
            return fails(400, "unsupported_parameter", "'max_tokens' is unsupported. Use 'max_completion_tokens'.")
        if "temperature" in body:
            return fails(400, "unsupported_value", "'temperature' does not support 0 with this model.")
        if form.get("type") == "json_schema":
            return fails(400, "invalid_request", "Invalid schema for response_format 'answer': 'pattern' not permitted")
        if form.get("type") == "json_object":
            return fails(422, "invalid_request", "response_format is not supported")
        return chat('{"a":"x"}')

    with Endpoint(script) as server:
        llm = live(server, workspace)
        assert ask(llm, *requests(llm, 1))[0].text == '{"a":"x"}'
        assert len(server.received) == 6
        assert "JSON Schema" in server.received[-1]["messages"][0]["content"]
        assert llm.dialect == Dialect(answer_format="prompt", max_tokens="max_completion_tokens", temperature=False)
        later = live(server, workspace)
        ask(later, *requests(later, 3))
        assert len(server.received) == 8, "two new requests, one call each; the first from disk"


def test_a_schema_without_its_optional_keywords_comes_first(workspace: Workspace):
    def script(body: dict[str, Any], n: int) -> Reply:
        if "pattern" in json.dumps(body["response_format"]):
            return fails(400, "invalid_request", "json_schema: pattern is not permitted")
        return chat('{"a":"x"}')

    with Endpoint(script) as server:
        llm = live(server, workspace)
        ask(llm, *requests(llm, 1))
        assert llm.dialect.answer_format == "plain_schema"
        assert server.received[-1]["response_format"]["type"] == "json_schema"


def test_a_request_that_is_simply_wrong_is_no_reason_to_change_the_dialect(workspace: Workspace):
    with Endpoint(fails(400, "invalid", "something else")) as server:
        llm = live(server, workspace)
        end = ask(llm, *requests(llm, 1))[0]
        assert isinstance(end, AnswerError)
        assert end.fault == "bad-request"
        assert len(server.received) == 1


def test_profiles_are_chosen_by_host_and_model():
    assert choose_profile(None, "api.openai.com", "gpt-5-mini").name == "openai-reasoning"
    assert choose_profile(None, "api.openai.com", "gpt-4.1").name == "openai"
    assert choose_profile(None, "house.openai.azure.com", "deployment").key_env == "AZURE_OPENAI_API_KEY"
    assert choose_profile(None, "127.0.0.1", "anything").name == "compatible"
    assert choose_profile("text-only", "127.0.0.1", "m").answer_format == "prompt"
    with pytest.raises(SettingsError, match="no provider profile"):
        choose_profile("nobody", "127.0.0.1", "m")
    assert not any(profile.input_price or profile.output_price for profile in load_profiles().values())


@pytest.mark.parametrize(
    ("asked", "reported", "same"),
    [
        ("gpt-4.1", "gpt-4.1-2026-04-14", True),
        ("gpt-4.1", "gpt-4.1-mini", False),
        ("gpt-4.1", "gpt-4.1-mini-2026-04-14", False),
        ("m", "", True),
        ("m", None, True),
        ("m", 7, False),
        ("Smol.Q4", "/models/smol.q4.gguf", True),
        ("org/model", "model", True),
    ],
)
def test_names_of_one_model(asked: str, reported: Any, same: bool):
    assert same_model(asked, reported) is same


# what is kept


def test_what_is_kept_is_private_whole_and_says_all(workspace: Workspace):
    with Endpoint([fails(503), chat('{"a":"x"}', usage={"prompt_tokens": 7, "completion_tokens": 3})]) as server:
        llm = live(server, workspace)
        found = ask(llm, *requests(llm, 1))[0]
        path = workspace.llm / f"{requests(llm, 1)[0].hash}.json"
        assert path.stat().st_mode & 0o777 == 0o600
        kept = json.loads(path.read_text())
        assert kept["request"]["messages"][1]["content"] == "number 0"
        assert json.loads(kept["raw"])["usage"] == {"prompt_tokens": 7, "completion_tokens": 3}
        assert [a["status"] for a in kept["attempts"]] == [503, 200]
        assert (found.input_tokens, found.output_tokens, found.attempts, found.cached) == (7, 3, 2, False)


@pytest.mark.parametrize("damage", ["cut", "flipped", "other version", "another request", "not JSON"])
def test_a_damaged_answer_is_set_aside_and_asked_for_again(workspace: Workspace, damage: str):
    with Endpoint(chat('{"a":"x"}')) as server:
        llm = live(server, workspace)
        first, second = requests(llm, 2)
        ask(llm, first, second)
        path = workspace.llm / f"{first.hash}.json"
        text = path.read_text()
        damaged = {
            "cut": text[: len(text) // 2],
            "flipped": text.replace('"number 0"', '"number 1"'),
            "other version": text.replace('"format":1', '"format":2'),
            "another request": (workspace.llm / f"{second.hash}.json").read_text(),
            "not JSON": "\x00\xff",
        }[damage]
        path.write_text(damaged)
        again = live(server, workspace)
        assert ask(again, first)[0].text == '{"a":"x"}'
        assert len(server.received) == 3
        assert path.with_suffix(".damaged").exists()


def test_a_recording_replays_and_names_what_it_lacks(workspace: Workspace):
    with Endpoint(chat('{"a":"x"}')) as server:
        llm = live(server, workspace)
        ask(llm, *requests(llm, 2))
        given = settings(server)
    replay = recorded_llm(workspace.llm, given)
    found, missing = ask(replay, requests(llm, 3)[0], requests(llm, 3)[2])
    assert found.text == '{"a":"x"}'
    assert found.cached
    assert isinstance(missing, EndpointError)
    assert requests(llm, 3)[2].hash in missing.what
    assert "number" not in str(missing)


def test_a_finished_batch_replays_without_its_endpoint(tmp_path: Path):
    with Room(tmp_path, ["one", "two"]) as room:
        room.run(answer)
        before = room.rows("SELECT * EXCLUDE (run_id, created_at) FROM evidence ORDER BY ALL")
        room.run(fails(500), replay=True, force=True)
        assert room.server.received == []
        assert room.rows("SELECT * EXCLUDE (run_id, created_at) FROM evidence ORDER BY ALL") == before


def test_no_answer_is_used_that_is_not_on_disk(tmp_path: Path):
    """Row 29 for answers: a full disk is one named error, no torn file, and the next run goes on."""
    with Room(tmp_path) as room:

        def full(llm: Any) -> None:
            def write(*answers: Any) -> None:
                raise StoreError("x.json could not be written: No space left on device.")

            llm.kept.write = write

        ending = room.run(answer, prepare=full)["one"]
        assert ending.state == "failed"
        assert "No space left" in (ending.reason or "")
        assert room.rows("SELECT * FROM drafts") == []
        assert room.kept() == []
        room.heals()


def slow_disk(llm: Any, fails_at: int = -1) -> list[int]:
    """Make each writing of answers take a while, and one of them fail; the list fills with how many came at once."""
    piles: list[int] = []
    write = llm.kept.write

    def slowly(*answers: Any) -> None:
        piles.append(len(answers))
        time.sleep(0.1)
        if len(piles) - 1 == fails_at:
            raise StoreError("x.json could not be written: No space left on device.")
        write(*answers)

    llm.kept.write = slowly
    return piles


def test_answers_that_come_while_others_are_written_are_written_together(workspace: Workspace):
    with Endpoint(chat('{"a":"x"}')) as server:
        llm = live(server, workspace, concurrency=16)
        piles = slow_disk(llm)
        asked = requests(llm, 16)
        assert [end.text for end in ask(llm, *asked)] == ['{"a":"x"}'] * 16
    assert sum(piles) == 16
    assert len(piles) < 8
    assert all(llm.kept.read(request.hash).raw for request in asked)


def test_each_answer_that_could_not_be_written_with_others_fails(workspace: Workspace):
    """The first pile is written and the second is not: of no answer in it anything is used."""
    with Endpoint(chat('{"a":"x"}')) as server:
        llm = live(server, workspace, concurrency=16)
        piles = slow_disk(llm, fails_at=1)
        asked = requests(llm, 16)
        ends = ask(llm, *asked)
        kept = [llm.kept.read(request.hash) for request in asked]
    assert piles[1] > 1
    assert sum(isinstance(end, StoreError) for end in ends) == piles[1]
    assert [isinstance(end, StoreError) for end in ends] == [one is None for one in kept]


# independence, and silence


def test_one_poisoned_interview_leaves_the_others_byte_identical(tmp_path: Path):
    names = ["a", "b", "c"]
    (tmp_path / "clean").mkdir()
    (tmp_path / "dirty").mkdir()

    def poisoned(body: dict[str, Any], n: int) -> Reply:
        return chat("He is brilliant, hire him.") if interview_of(body) == "b" else answer(body)

    with Room(tmp_path / "clean", names) as clean, Room(tmp_path / "dirty", names) as dirty:
        clean.run(answer)
        endings = dirty.run(poisoned)
        assert {name: end.state for name, end in endings.items()} == {"a": "done", "b": "failed", "c": "done"}
        assert "verbatim run" in (endings["b"].retry or "")
        hide = "EXCLUDE (run_id, created_at, request_hash)"
        for name in ("a", "c"):
            for table in ("evidence", "probes", "coverage", "rejections"):
                columns = "*" if table == "coverage" else f"* {hide}" if table == "evidence" else "*"
                columns = "* EXCLUDE (run_id, request_hash)" if table == "rejections" else columns
                columns = "* EXCLUDE (request_hash)" if table == "probes" else columns
                sql = f"SELECT {columns} FROM {table} WHERE interview_id = ? ORDER BY ALL"
                assert clean.rows(sql, [name]) == dirty.rows(sql, [name])
        dirty.heals()


def test_logs_and_messages_hold_no_words(tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any):
    caplog.set_level(logging.DEBUG)

    def script(body: dict[str, Any], n: int) -> Reply:
        said = body["messages"][1]["content"][-400:]
        if pillar_of(body) == "execution_coding":
            return chat(f"I think {said}")
        return fails(400, "invalid", said) if n % 2 else answer(body)

    with Room(tmp_path) as room:
        ending = room.run(script)["one"]
        assert ending.state == "failed"
        seen = (
            caplog.text + "".join(capfd.readouterr()) + json.dumps(room.rows("SELECT * FROM interviews"), default=str)
        )
        for words in ("four hundred", "write a test", "input is empty", "Edge"):
            assert words not in seen


def test_nothing_is_sent_before_the_first_question(workspace: Workspace):
    with Endpoint(chat()) as server:
        live(server, workspace)
        assert server.received == []


def test_the_collector_is_left_as_it_was_found(workspace: Workspace):
    with Endpoint(chat('{"a":"x"}')) as server:
        llm = live(server, workspace)
        llm.connection()
        assert gc.get_freeze_count() > 0
        ask(llm, *requests(llm, 1))
        assert gc.get_freeze_count() == 0


def test_a_rate_limit_without_a_time_is_bounded_too(workspace: Workspace):
    with Endpoint(fails(429, retry_after="0")) as server:
        llm = live(server, workspace, max_pause_s=0.05)
        end = ask(llm, *requests(llm, 1))[0]
        assert isinstance(end, RunStopError)
        assert 2 <= len(server.received) < 20


def test_a_probe_that_fails_is_made_once_for_a_whole_batch(tmp_path: Path):
    with Room(tmp_path, ["one", "two", "three"]) as room:
        room.run(chat("It is blue."), preflight=True)
        assert room.stop is not None
        assert len(room.server.received) == 3
        assert {row["state"] for row in room.rows("SELECT state FROM interviews")} == {"pending"}


def test_what_a_profile_adds_to_a_request_is_part_of_its_name(workspace: Workspace):
    with Endpoint(chat('{"a":"x"}')) as server:
        llm = live(server, workspace)
        (plain,) = requests(llm, 1)
        loud = plain.model_copy(update={"extra": {"reasoning_effort": "low"}})
        assert loud.hash != plain.hash
        ask(llm, loud)
        assert server.received[0]["reasoning_effort"] == "low"
