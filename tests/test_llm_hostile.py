"""Endpoints that mean harm, or are broken in ways that look like it: bombs, lies, odd codecs, echoes, odd settings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batchroom import PILLARS, Room, answer, ask, interview_of
from endpoint import Endpoint, Reply, chat, fails
from test_llm_faults import by_interview, room_of, shows, slug
from test_llm_live import live, requests, settings

from pipeline.adapters.llm import wire
from pipeline.adapters.llm.address import find_address, find_key
from pipeline.adapters.llm.envelope import usage_of
from pipeline.errors import EndpointError, RunStopError, SettingsError
from pipeline.settings import Llm
from pipeline.workspace import Workspace

ALL = len(PILLARS)
GOOD = '{"evidence":["4 edge-cases by 3"],"probes":[3]}'
DEEP = "[" * 100_000 + "]" * 100_000
BOMB = gzip.compress(b" " * 50_000_000)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "ws")


def typed(reply: Reply, kind: str) -> Reply:
    return Reply(reply.body, headers={"Content-Type": kind})


BAD = {
    "deep": (Reply(DEEP.encode()), "garbled"),
    "deep inside": (Reply(f'{{"choices":{DEEP}}}'.encode()), "garbled"),
    "half a character": (chat("Sure \ud800 thing"), "garbled"),
    "not UTF-8": (Reply(chat("x").body.replace(b'"x"', b'"\xff"')), "garbled"),
    "a stream": (
        Reply(b'data: {"choices":[]}\n\ndata: [DONE]\n', headers={"Content-Type": "text/event-stream"}),
        "gar",
    ),
    "nothing": (Reply(b"", 204), "garbled"),
    "a bomb": (Reply(BOMB, headers={"Content-Encoding": "gzip"}), "too-large"),
    "a number": (Reply(b"12"), "garbled"),
    "choices that are none": (Reply(b'{"choices":{"0":1}}'), "empty"),
    "a message that is none": (Reply(b'{"choices":[{"message":"hi","finish_reason":"stop"}]}'), "empty"),
    "an ending that is none": (chat(GOOD, finish=["stop"]), "no known ending"),  # type: ignore[arg-type]
    "deep error": (Reply(f'{{"error":{DEEP}}}'.encode(), 400), "refused the request"),
    "odd error": (Reply(b"[1]", 418, {"Content-Type": "application/json; charset=zlib_codec"}), "refused the request"),
}
FINE = {
    "counts past all sense": chat(GOOD, usage={"prompt_tokens": 10**30, "completion_tokens": 2**63}),
    "counts below nothing": chat(GOOD, usage={"prompt_tokens": -5, "completion_tokens": True}),
    "counts that are none": chat(GOOD, usage=["x"]),
    "an odd codec": typed(chat(GOOD), "application/json; charset=zlib_codec"),
    "lines past all sense": chat('{"evidence":["4 edge-cases by 3","99999 edge-cases"],"probes":[-1000000000000]}'),
}


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Room, dict[str, Any]]]:
    cases = {**{name: reply for name, (reply, _) in BAD.items()}, **FINE}
    with room_of(tmp_path_factory.mktemp("harm"), cases) as room:
        yield room, room.run(by_interview(cases, lambda row, _n: cases[row]), max_tries=2)


@pytest.mark.parametrize("row", BAD)
def test_what_cannot_be_an_answer_fails_its_interview_by_name(harmed, row: str):
    room, endings = harmed
    assert room.stop is None
    assert endings[slug(row)].state == "failed"
    assert BAD[row][1] in endings[slug(row)].reason
    assert "unexpected" not in endings[slug(row)].reason
    asked = [kept for kept in room.kept() if shows(kept, slug(row))]
    assert max(len(kept["attempts"]) for kept in asked) <= 2
    assert all(len(a["raw"] or "") <= 20_000 for kept in asked for a in kept["attempts"])


@pytest.mark.parametrize("row", FINE)
def test_a_good_answer_stays_one_whatever_stands_around_it(harmed, row: str):
    room, endings = harmed
    assert endings[slug(row)].state == "done"
    assert len(room.rows("SELECT * FROM evidence WHERE interview_id = ?", [slug(row)])) == 1


def test_a_harmed_batch_heals(harmed):
    room, endings = harmed
    assert endings["healthy"].state == "done"
    room.check()
    room.heals()


def test_a_count_is_a_count():
    assert usage_of('{"usage":{"prompt_tokens":7,"completion_tokens":2147483648}}') == (7, 0)


def test_a_body_without_end_is_left(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "LONGEST_ANSWER", 200_000)
    for status in (200, 500):
        with Endpoint([Reply(b" " * 4096, status, way="endless"), chat()]) as server:
            llm = live(server, workspace, deadline_s=20.0)
            end = ask(llm, *requests(llm, 1))[0]
            assert not isinstance(end, RunStopError)
            assert "too-large" in end.what
            told = [body["messages"][1]["content"] for body in server.received]
            assert told == ["number 0", "What colour is the sky at noon?"], "asking again would bring the same"


def test_a_wait_that_is_no_number_is_bounded_like_any_other(workspace: Workspace):
    for asked in ("nan", "inf", "-inf", "9" * 400, "soon"):
        with Endpoint(fails(429, retry_after_ms=asked)) as server:
            llm = live(server, workspace, max_pause_s=0.05)
            assert isinstance(ask(llm, *requests(llm, 1))[0], RunStopError)
            assert len(server.received) < 20


def test_interviews_that_an_endpoint_cannot_take_do_not_end_the_run(tmp_path: Path):
    """Eight requests in a row come to nothing, and the endpoint is not to blame."""
    with Room(tmp_path, ["a", "b", "c", "d"]) as room:

        def script(body: dict[str, Any], n: int) -> Reply:
            return Reply(b'{"choices":[') if interview_of(body) in ("b", "c") else answer(body)

        endings = room.run(script, concurrency=1)
        assert room.stop is None
        assert {name: end.state for name, end in endings.items()} == {
            "a": "done",
            "b": "failed",
            "c": "failed",
            "d": "done",
        }
        assert len(room.server.received) <= 2 * ALL + 2 * 2 * ALL + 2
        room.heals()


def test_a_slow_endpoint_ends_the_run_after_five(tmp_path: Path):
    with Room(tmp_path, ["one", "two", "three"]) as room:
        room.run(
            lambda body, n: Reply(way="hang") if interview_of(body) else answer(body), concurrency=4, deadline_s=0.2
        )
        assert room.stop is not None
        assert "5 requests in a row" in room.stop.what


# keys, and what the client would add by itself


ODD = {
    "OPENAI_API_KEY": "sk-secret-123456",
    "OPENAI_ADMIN_KEY": "sk-admin-123456",
    "OPENAI_ORG_ID": "org-of-ours",
    "OPENAI_PROJECT_ID": "project-of-ours",
    "OPENAI_CUSTOM_HEADERS": "X-Ours: header-of-ours",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "OPENAI_LOG": "debug",
    "ALL_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


def test_a_local_server_learns_nothing_of_the_environment(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    for name, value in ODD.items():
        monkeypatch.setenv(name, value)
    with Endpoint(chat()) as server:
        llm = live(server, workspace)
        ask(llm, *requests(llm, 1))
        (headers,) = server.headers
        assert headers["authorization"] == "Bearer none"
        assert headers["accept-encoding"] == "identity"
        assert not any(word in json.dumps(headers) for word in ("secret", "admin", "of-ours", "stainless", "Linux"))


def test_a_key_that_an_endpoint_repeats_is_kept_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: Any
):
    caplog.set_level("DEBUG")
    key = ODD["OPENAI_API_KEY"]
    monkeypatch.setenv("OPENAI_API_KEY", f"{key}\n")
    said = iter([fails(500, "x", f"Bearer {key}"), fails(400, "x", f"Bearer {key}"), chat(f"{key} is what I was told")])
    with Room(tmp_path) as room:
        room.run(
            lambda body, n: next(said, None) or answer(body),
            base_url=room.server.url.replace("127.0.0.1", "0.0.0.0"),
            allow_hosts=["0.0.0.0"],
        )
        assert room.server.headers[0]["authorization"] == f"Bearer {key}"
        files = [path for path in room.folder.rglob("*") if path.is_file()]
        assert any(b"[key]" in path.read_bytes() for path in files)
        assert not any(key.encode() in path.read_bytes() for path in files)
        assert key not in caplog.text + "".join(capfd.readouterr())


def test_a_key_that_cannot_be_one_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-schl\u00fcssel")
    address = find_address(Llm(model="m", base_url="https://h.example/v1", allow_hosts=("h.example",)))
    with pytest.raises(EndpointError, match="no key has") as caught:
        find_key(address, "OPENAI_API_KEY")
    assert "sk-" not in str(caught.value).replace("OPENAI_API_KEY", "")


@pytest.mark.parametrize(
    "url",
    ["http://[::1/v1", "http://u:sk-pw@\u2100.example/v1", "http://127.0.0.1\\@evil.example/", "file:///etc/passwd",
     "http://localhost:99999/v1", "http://:sk-pw@localhost/v1"],
)  # fmt: skip
def test_addresses_that_are_none_are_named_without_what_they_hold(url: str):
    with pytest.raises(SettingsError) as caught:
        find_address(Llm(model="m", base_url=url))
    assert "sk-pw" not in str(caught.value)


def test_this_machine_by_any_of_its_names_with_and_without_a_slash(workspace: Workspace):
    for url in ("http://[::1]:8080/v1", "http://[::1]:8080/v1/", "HTTP://LOCALHOST:8080/v1"):
        found = find_address(Llm(model="m", base_url=url))
        assert found.local
        assert found.endpoint.endswith(":8080/v1")
    with Endpoint(chat()) as server:
        assert find_address(settings(server).model_copy(update={"base_url": f"{server.url}/"})).endpoint == server.url
