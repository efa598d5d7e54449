"""Every way in which an endpoint can fail, each through a whole batch and to the end it must have.

After each: everything ended with a name, each quote is the candidate's, a healthy endpoint heals the batch, and a
rerun of the healed batch asks nothing and changes nothing. The rows of media, manifests and migrations stand in
test_media.py, test_ingest.py and test_store.py.
"""

from __future__ import annotations

import gc
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batchroom import PILLARS, Room, answer, interview_of, pillar_of
from endpoint import MODEL, Endpoint, Reply, chat, fails

GOOD = '{"evidence":["4 edge-cases by 3"],"probes":[3]}'
ALL = len(PILLARS)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with Room(tmp_path) as room:
        yield room


def first(*replies: Reply):
    """A script whose first answers are these; good ones follow."""
    left = list(replies)

    def script(body: dict[str, Any], n: int) -> Reply:
        return left.pop(0) if left else answer(body)

    return script


def on_coding(*replies: Reply):
    """A script that answers so about one pillar, again and again the last of `replies`, and well about the others."""
    left = list(replies)

    def script(body: dict[str, Any], n: int) -> Reply:
        if pillar_of(body) != "execution_coding":
            return answer(body)
        return left.pop(0) if len(left) > 1 else left[0]

    return script


def test_a_good_batch_ends_and_is_not_asked_twice(room: Room):
    endings = room.run()
    assert endings["one"].state == "done"
    assert len(room.server.received) == ALL
    assert [row["quote"] for row in room.rows("SELECT quote FROM evidence_quotes")] == [
        "When it is empty I answer with four hundred and write a test for that."
    ]
    usage = room.rows("SELECT calls, cached, input_tokens, output_tokens FROM llm_usage")
    assert usage == [{"calls": ALL, "cached": 0, "input_tokens": 1000 * ALL, "output_tokens": 20 * ALL}]
    room.check()
    room.settled()


# 1, 2: rate limits


def test_row_1_two_waits_that_the_endpoint_asks_for(room: Room):
    started = time.monotonic()
    room.run(first(fails(429, retry_after="1"), fails(429, retry_after="1")), concurrency=1)
    assert time.monotonic() - started >= 2
    assert [a for a in room.attempts() if a[0] == 429] == [(429, "rate"), (429, "rate")]
    room.check()
    room.settled()


def test_row_2_a_long_wait_is_waited_for_within_the_bound_and_is_no_failure(room: Room):
    slept: list[float] = []
    clock = [0.0]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    def no_time_passes(llm: Any) -> None:
        llm.sleep, llm.clock = sleep, lambda: clock[0]

    endings = room.run(first(fails(429, retry_after="300")), prepare=no_time_passes, concurrency=1)
    assert endings["one"].state == "done"
    assert sum(slept) == pytest.approx(300)
    room.settled()


def test_row_2_a_wait_beyond_the_bound_stops_the_run_and_the_next_one_goes_on(room: Room):
    started = time.monotonic()
    room.run(first(fails(429, retry_after="300")), max_pause_s=100, concurrency=1)
    assert room.stop is not None
    assert "max_pause_s" in room.stop.what
    assert time.monotonic() - started < 5
    assert [row["state"] for row in room.rows("SELECT state FROM interviews")] == ["pending"]
    room.check()
    room.heals()


# 3: no quota; 9: a page; 23: a redirect; and what else ends a run


ENDS = {
    "row 3": (fails(429, "insufficient_quota"), "no quota"),
    "row 9": (Reply(b"<html>sign in</html>", headers={"Content-Type": "text/html"}), "web page"),
    "row 9, called JSON": (Reply(b"<!doctype html><p>hi"), "web page"),
    "key": (fails(401), "refused the key"),
    "model": (fails(404, "model_not_found"), "no such model"),
}


def test_rows_3_9_a_run_ends_at_once_where_asking_again_is_useless(room: Room):
    for row, (reply, told) in ENDS.items():
        room.run(reply, concurrency=1)
        assert room.stop is not None, row
        assert told in room.stop.what, row
        assert room.stop.exit_code == 4
        assert len(room.server.received) == 1, row
        assert room.rows("SELECT state, reason FROM interviews") == [{"state": "pending", "reason": None}]
        room.check()
    room.heals()


def test_row_23_a_redirect_is_not_followed_and_nothing_arrives_elsewhere(room: Room):
    with Endpoint(chat(GOOD)) as elsewhere:
        target = elsewhere.url.replace("127.0.0.1", "localhost") + "/chat/completions"
        for status in (301, 302, 307, 308):
            room.run(Reply(status=status, headers={"Location": target}), concurrency=1)
            assert room.stop is not None
            assert "redirect" in room.stop.what
        assert elsewhere.received == []
    room.heals()


# 4 to 8, 10, 25: servers and networks that drop requests


def slug(row: str) -> str:
    return row.replace(" ", "-").replace(",", "")


def by_interview(cases: dict[str, Any], script: Any):
    """One interview a case: the script is told the case's name when that interview is asked about coding."""
    names = {slug(row): row for row in cases}
    asked: dict[str, int] = {}

    def answer_case(body: dict[str, Any], n: int) -> Reply:
        name = interview_of(body)
        if pillar_of(body) != "execution_coding" or name not in names:
            return answer(body)
        asked[name] = asked.get(name, 0) + 1
        return script(names[name], asked[name])

    return answer_case


def room_of(folder: Path, cases: dict[str, Any]) -> Room:
    return Room(folder, [*map(slug, cases), "healthy"])


DROPPED = {
    "row 4, 500": (fails(500), "server"),
    "row 4, 502": (fails(502), "server"),
    "row 4, 503": (fails(503), "server"),
    "row 7, cut": (Reply(chat(GOOD).body, way="cut"), "connection"),
    "row 7, length": (Reply(chat(GOOD).body, way="short"), "connection"),
    "row 8, half": (Reply(b'{"choices":[{"mess'), "garbled"),
    "row 8, not an object": (Reply(b'["not","an","object"]'), "garbled"),
    "row 10": (Reply(b'{"error":{"message":"overloaded"}}'), "server"),
    "row 25": (Reply(chat(GOOD).body, way="no-final-chunk"), "connection"),
}


@pytest.fixture(scope="module")
def dropped_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Room, dict[str, Any], int]]:
    with room_of(tmp_path_factory.mktemp("once"), DROPPED) as room:
        script = by_interview(DROPPED, lambda row, n: DROPPED[row][0] if n == 1 else chat(GOOD))
        yield room, room.run(script), len(room.server.received)


@pytest.mark.parametrize("row", DROPPED)
def test_a_dropped_request_is_tried_again_and_both_tries_are_on_disk(dropped_once, row: str):
    room, endings, _ = dropped_once
    assert endings[slug(row)].state == "done"
    tries = [[a["fault"] for a in kept["attempts"]] for kept in room.kept() if shows(kept, slug(row))]
    assert sorted(tries, key=str) == sorted([[DROPPED[row][1], None], *[[None]] * (ALL - 1)], key=str)
    assert all(json.loads(kept["raw"])["choices"] for kept in room.kept())


def test_dropped_requests_cost_one_call_each_and_leave_a_batch_that_is_settled(dropped_once):
    room, _, calls = dropped_once
    assert calls == ALL * (len(DROPPED) + 1) + len(DROPPED)
    room.check()
    room.settled()


def shows(kept: dict[str, Any], interview: str) -> bool:
    return f"This is talk {interview}." in kept["request"]["messages"][1]["content"]


TRIES = {"row 4, 503": 3, "row 7, cut": 3, "row 8, half": 2, "row 10": 3}


def test_a_request_that_is_always_dropped_fails_its_interview_only(tmp_path: Path):
    with room_of(tmp_path, TRIES) as room:
        endings = room.run(by_interview(TRIES, lambda row, n: DROPPED[row][0]), concurrency=2, max_tries=3)
        for row, tries in TRIES.items():
            assert endings[slug(row)].state == "failed"
            assert "chunk 1, execution_coding" in (endings[slug(row)].reason or "")
            dropped = [kept for kept in room.kept() if shows(kept, slug(row)) and kept["raw"] is None]
            assert [len(kept["attempts"]) for kept in dropped] == [tries]
            bodies = {attempt["raw"] for kept in dropped for attempt in kept["attempts"]}
            assert bodies == {None if "cut" in row else DROPPED[row][0].body.decode()}, "what came is kept"
        assert endings["healthy"].state == "done"
        assert room.rows("SELECT DISTINCT interview_id FROM drafts") == [{"interview_id": "healthy"}]
        room.check()
        room.run(answer)
        assert len(room.server.received) == len(TRIES), "only what came to nothing is asked again"
        room.heals()


def test_row_4_an_endpoint_that_is_down_from_the_start_ends_the_run_at_its_first_request(room: Room):
    room.run(fails(503), concurrency=1, max_tries=2)
    assert room.stop is not None
    assert "does not answer (server, status 503)" in room.stop.what
    assert room.stop.exit_code == 4
    assert len(room.server.received) == 2 * 2
    room.check()
    room.heals()


def test_row_4_an_endpoint_that_goes_down_opens_the_circuit(tmp_path: Path):
    with Room(tmp_path, ["one", "two", "three"]) as room:
        room.run(lambda body, n: answer(body) if n == 0 else fails(503), concurrency=1, max_tries=2)
        assert room.stop is not None
        assert "5 requests in a row" in room.stop.what
        assert len(room.server.received) == 1 + 6 * 2, "five, and a question that no interview is to blame for"
        assert not any("This is talk" in json.dumps(body) for body in room.server.received[-2:])
        room.check()
        room.heals()


def test_row_5_a_refused_connection_and_a_host_without_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with Room(tmp_path) as room:
        real = room.server
        for url, allowed in ((f"http://127.0.0.1:{port}/v1", ()), ("http://nowhere.invalid/v1", ("nowhere.invalid",))):
            room.run(base_url=url, allow_hosts=allowed, max_tries=2)
            assert room.stop is not None
            assert "does not answer (connection)" in room.stop.what
            assert room.rows("SELECT state, reason FROM interviews") == [{"state": "pending", "reason": None}]
            assert room.rows("SELECT * FROM drafts") == []
            assert {f for _, f in room.attempts()} == {"connection"}
            room.check()
        with Endpoint(answer, port=port) as back:
            room.server = back
            room.heals()
        room.server = real


@pytest.mark.parametrize(
    "reply", [pytest.param(Reply(way="hang"), id="silence"), pytest.param(Reply(b" " * 4000, way="drip"), id="drip")]
)
def test_row_6_a_request_takes_no_longer_than_its_total_deadline(room: Room, reply: Reply):
    started = time.monotonic()
    endings = room.run(on_coding(reply), deadline_s=0.5)
    assert time.monotonic() - started < 3
    assert endings["one"].state == "failed"
    assert "timeout" in (endings["one"].reason or "")
    room.check()
    room.heals()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_row_6_a_connection_that_is_never_taken(tmp_path: Path):
    """The event loop leaves the socket of a connect that was given up to the garbage collector, which warns."""
    with socket.socket() as deaf, Room(tmp_path) as room:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        others = [socket.create_connection(deaf.getsockname()) for _ in range(1)]
        started = time.monotonic()
        room.run(base_url=f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", deadline_s=0.5, max_tries=2)
        assert time.monotonic() - started < 4
        assert room.stop is not None
        assert "does not answer (timeout)" in room.stop.what
        for other in others:
            other.close()
    gc.collect()


# 11, 12, 15, 16, 22: answers that are no answers


NONE = {
    "row 11, no choices": (Reply(json.dumps({"model": MODEL, "choices": []}).encode()), "empty"),
    "row 11, null": (chat(None), "empty"),
    "row 11, nothing": (chat(""), "empty"),
    "row 11, white space": (chat("  \n\t "), "empty"),
    "row 12": (chat(message={"role": "assistant", "content": None, "refusal": "No."}), "refused"),
    "row 15": (chat(None, finish="content_filter"), "filter held"),
    "row 16, null": (chat(GOOD, finish=None), "no known ending"),
    "row 16, unknown": (chat(GOOD, finish="made_up"), "no known ending"),
    "row 22": (chat(GOOD, model="other-7b"), "another model"),
    "row 22, nearly": (chat(GOOD, model=f"{MODEL}-mini"), "another model"),
    "parts": (chat(message={"role": "assistant", "content": [{"type": "text"}]}), "not text"),
}


@pytest.fixture(scope="module")
def no_answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Room, dict[str, Any], int]]:
    with room_of(tmp_path_factory.mktemp("none"), NONE) as room:
        yield room, room.run(by_interview(NONE, lambda row, n: NONE[row][0])), len(room.server.received)


@pytest.mark.parametrize("row", NONE)
def test_an_answer_that_is_none_fails_by_its_name_and_is_never_no_evidence(no_answers, row: str):
    room, endings, _ = no_answers
    reply, fault = NONE[row]
    assert endings[slug(row)].state == "failed"
    assert fault in (endings[slug(row)].reason or "")
    assert room.rows("SELECT * FROM coverage WHERE interview_id = ?", [slug(row)]) == []
    raws = [raw for kept in room.kept() if shows(kept, slug(row)) for raw in kept["turned_down"]]
    assert raws == [reply.body.decode()], "the raw answer is kept"


def test_answers_that_are_none_leave_the_others_alone_and_heal(no_answers):
    room, endings, calls = no_answers
    assert endings["healthy"].state == "done"
    assert calls == ALL * (len(NONE) + 1), "each was asked for once"
    room.check()
    room.run(answer)
    assert len(room.server.received) == len(NONE)
    room.heals()


def test_row_22_names_that_mean_the_same_model(room: Room):
    names = iter([MODEL, f"{MODEL}-2026-03-01", f"/srv/models/{MODEL}.gguf", "deployment-a"])

    def script(body: dict[str, Any], n: int) -> Reply:
        return chat(model=next(names))

    assert room.run(script, answers_as=("deployment-a",))["one"].state == "done"


def test_row_12_a_refusal_in_prose_is_asked_again_once_and_then_called_one(room: Room):
    endings = room.run(on_coding(chat("I'm sorry, but I can't help with that.")))
    assert endings["one"].state == "failed"
    assert "refused" in (endings["one"].reason or "")
    assert len(room.server.received) == ALL + 1
    room.check()
    room.heals()


# 13, 14, 21: answers that do not end


@pytest.fixture
def long_room(tmp_path: Path) -> Iterator[Room]:
    with Room(tmp_path, turns=16) as room:
        yield room


def lines_of(body: dict[str, Any]) -> list[int]:
    shown = body["messages"][1]["content"].split("Transcript:\n", 1)[1].split("\n\n", 1)[0]
    return [int(row.split(" ", 1)[0]) for row in shown.splitlines() if row[0].isdigit()]


CUT = {
    "row-13": '{"evidence":["4 edge-cases","6 edge-ca',
    "row-21-white-space": " \n" * 500,
    "row-21-repeats": '{"evidence":[' + '"4 edge-cases",' * 99,
}


def test_rows_13_21_a_cut_answer_is_asked_for_in_halves_and_never_salvaged(tmp_path: Path):
    asked: dict[str, list[list[int]]] = {name: [] for name in CUT}

    def script(body: dict[str, Any], n: int) -> Reply:
        if pillar_of(body) != "execution_coding":
            return answer(body)
        lines, shown = lines_of(body), body["messages"][1]["content"]
        name = next((name for name in CUT if f"talk {name}." in shown), None)
        if name is None:  # the second half of one of the three: which one does not matter
            return chat(
                json.dumps({"evidence": [f"{n} edge-cases by {n - 1}" for n in lines if n % 2 == 0], "probes": []})
            )
        asked[name].append(lines)
        if len(lines) > 8:
            return chat(CUT[name], finish="length")
        return chat(json.dumps({"evidence": [f"{n} edge-cases by {n - 1}" for n in lines if n % 2 == 0], "probes": []}))

    with Room(tmp_path, list(CUT), turns=16) as room:
        assert {end.state for end in room.run(script).values()} == {"done"}
        for name in CUT:
            assert [len(lines) for lines in asked[name]] == [16, 8]
            rows = room.rows("SELECT first_line FROM evidence WHERE interview_id = ? ORDER BY 1", [name])
            assert [row["first_line"] for row in rows] == [*range(2, 17, 2)]
        room.check()
        room.settled()


def test_row_13_an_answer_that_never_ends_fails_after_a_bounded_number_of_calls(long_room: Room):
    endings = long_room.run(on_coding(chat('{"evidence":["4', finish="length")))
    assert endings["one"].state == "failed"
    assert "does not end" in (endings["one"].reason or "")
    assert len(long_room.server.received) <= ALL - 1 + 31
    long_room.check()
    long_room.heals()


def test_row_14_a_whole_answer_that_was_cut_is_kept_and_the_rest_is_asked_for(long_room: Room):
    asked: list[list[int]] = []

    def script(body: dict[str, Any], n: int) -> Reply:
        if pillar_of(body) != "execution_coding":
            return answer(body)
        lines = lines_of(body)
        asked.append(lines)
        if len(asked) == 1:
            return chat('{"evidence":["2 edge-cases by 1","6 edge-cases by 5"],"probes":[1,5]}', finish="length")
        return chat('{"evidence":["12 edge-cases by 11"],"probes":[11]}')

    assert long_room.run(script)["one"].state == "done"
    assert asked == [list(range(1, 17)), list(range(7, 17))]
    rows = long_room.rows("SELECT first_line FROM evidence ORDER BY 1")
    assert [row["first_line"] for row in rows] == [2, 6, 12]
    long_room.check()
    long_room.settled()


def test_a_prompt_that_is_too_long_is_halved_and_never_sent_whole_again(long_room: Room):
    def script(body: dict[str, Any], n: int) -> Reply:
        if len(lines_of(body)) > 8:
            return fails(400, "exceed_context_size_error", "request (9000 tokens) exceeds the available context size")
        return answer(body)

    assert long_room.run(script)["one"].state == "done"
    assert len(long_room.server.received) == 3 * ALL
    long_room.run(script, force=True)
    assert long_room.server.received == []
    long_room.settled()


# 17, 18: text that is not the JSON that was asked for


BROKEN = {
    "row 17, prose around": f"Here it is: {GOOD} I hope it helps.",
    "row 17, a fence": f"```json\n{GOOD}\n```",
    "row 18, a field more": '{"evidence":[],"probes":[],"level":"strong"}',
    "row 18, a field less": '{"evidence":[]}',
    "row 18, another type": '{"evidence":{},"probes":[]}',
    "row 18, objects": '{"evidence":[{"first":4,"last":4,"signal":"edge-cases","quote":"x"}],"probes":[]}',
    "row 18, a sentence": '{"evidence":["4 edge-cases because he is brilliant"],"probes":[]}',
    "row 18, a key twice": '{"evidence":[],"evidence":["4 edge-cases"],"probes":[]}',
    "row 18, not a number": '{"evidence":[],"probes":[NaN]}',
    "row 18, a fraction": '{"evidence":[],"probes":[3.0]}',
    "row 18, a text number": '{"evidence":[],"probes":["3"]}',
    "row 18, deep": "[" * 5000 + "]" * 5000,
    "row 18, huge": '{"evidence":[],"probes":[' + "9" * 5000 + "]}",
}


@pytest.fixture(scope="module")
def broken_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Room, dict[str, Any], list[Any]]]:
    with room_of(tmp_path_factory.mktemp("broken"), BROKEN) as room:
        script = by_interview(BROKEN, lambda row, n: chat(BROKEN[row]) if n == 1 else chat(GOOD))
        yield room, room.run(script), list(room.server.received)


@pytest.mark.parametrize("row", BROKEN)
def test_rows_17_18_what_is_not_exactly_asked_for_is_asked_for_once_more_with_the_fault(broken_once, row: str):
    room, endings, received = broken_once
    assert endings[slug(row)].state == "done"
    again = [body for body in received if len(body["messages"]) == 4 and interview_of(body) == slug(row)]
    assert len(again) == 1
    assert again[0]["messages"][2] == {"role": "assistant", "content": BROKEN[row][:4000]}
    kept = [kept for kept in room.kept() if shows(kept, slug(row))]
    texts = [json.loads(k["raw"])["choices"][0]["message"]["content"] for k in kept]
    assert len(texts) == ALL + 1
    assert {BROKEN[row], GOOD} <= set(texts), "both answers are kept"
    assert len(room.rows("SELECT * FROM evidence WHERE interview_id = ?", [slug(row)])) == 1


def test_rows_17_18_a_second_answer_costs_one_call_and_is_not_asked_for_again(broken_once):
    room, _, received = broken_once
    assert len(received) == ALL * (len(BROKEN) + 1) + len(BROKEN)
    room.check()
    room.settled()


def test_rows_17_18_twice_broken_fails_by_name_without_the_models_words(room: Room):
    secret = '{"evidence":["4 edge-cases"],"probes":[3],"Ben Marlow lied":"a candidate\'s words"}'
    endings = room.run(on_coding(chat(secret)))
    reason = endings["one"].reason or ""
    assert "a field that was not asked for" in reason
    assert "Marlow" not in reason
    assert "words" not in reason
    assert len(room.server.received) == ALL + 1
    assert not any("Marlow" in json.dumps(row, default=str) for row in room.rows("SELECT * FROM interviews"))
    room.check()
    room.heals()


# 19, 20: endpoints that do not do what they say


def test_row_19_an_endpoint_that_ignores_the_schema_gets_no_transcript(room: Room):
    room.run(chat("The sky is blue at noon."), preflight=True)
    assert room.stop is not None
    assert "not enforced" in room.stop.what
    assert 'profile = "text-only"' in room.stop.next_step
    assert not any("This is talk" in json.dumps(body) for body in room.server.received)
    room.check()
    room.heals()


def probe_answers(body: dict[str, Any], *, reads: int = 10**9, obeys: bool = True) -> Reply | None:
    """An endpoint under probe: it reads the last `reads` characters of a prompt and counts a token for three."""
    text = "\n".join(message["content"] for message in body["messages"])[-reads:]
    usage = {"prompt_tokens": len(text) // 3, "completion_tokens": 5}
    if "colour" in text:
        return chat('{"colour":"blue"}', usage=usage)
    if "What is the code?" in text:
        code = text.split("The code is ", 1)[1].split(".", 1)[0] if obeys and "The code is " in text else "?"
        return chat(json.dumps({"code": code}), usage=usage)
    return None


def test_an_endpoint_that_does_not_answer_its_probe_gets_no_transcript(room: Room):
    room.run(fails(503), preflight=True, max_tries=2)
    assert room.stop is not None
    assert "does not answer" in room.stop.what
    assert len(room.server.received) == 2
    room.heals()


@pytest.mark.parametrize("obeys", [True, False], ids=["capable", "too small to repeat a code"])
def test_row_20_an_endpoint_that_cuts_prompts_gets_no_transcript(room: Room, obeys: bool):
    room.run(lambda body, n: probe_answers(body, reads=4000, obeys=obeys) or answer(body), preflight=True)
    assert room.stop is not None
    assert "cuts a prompt" in room.stop.what
    assert not any("This is talk" in json.dumps(body) for body in room.server.received)
    room.heals()


def test_row_20_a_prompt_that_is_cut_later_fails_its_chunk(room: Room):
    def script(body: dict[str, Any], n: int) -> Reply:
        probed = probe_answers(body)
        if probed is not None:
            return probed
        size = sum(len(message["content"]) for message in body["messages"]) // 3
        cut = pillar_of(body) == "execution_coding"
        return chat(usage={"prompt_tokens": size // 2 if cut else size, "completion_tokens": 5})

    endings = room.run(script, preflight=True)
    assert "it cuts long prompts" in (endings["one"].reason or "")
    room.check()


def test_a_probed_endpoint_is_not_probed_again(room: Room):
    script = lambda body, n: probe_answers(body) or answer(body)  # noqa: E731
    room.run(script, preflight=True)
    assert len(room.server.received) == ALL + 3
    room.run(script, preflight=True, force=True)
    assert room.server.received == []


# 24: pointing that does not hold


POINTERS = {
    "3 edge-cases": "not_candidate",
    "3-4 edge-cases": "not_candidate",
    "4 edge-cases by 2": "prompt_not_interviewer",
    "2 edge-cases by 3": "prompt_not_before",
    "99 edge-cases": "out_of_range",
    "0 edge-cases": "out_of_range",
    "4-2 edge-cases": "reversed",
    "4 strong-hire-him-now": "unknown_signal",
    "4 weighs-options": "wrong_pillar",
}


def test_row_24_pointing_that_does_not_hold_is_a_counted_rejection(room: Room):
    text = json.dumps({"evidence": [*POINTERS, "4 edge-cases by 3"], "probes": [4, 3]})
    assert room.run(on_coding(chat(text)))["one"].state == "done"
    rejected = room.rows("SELECT kind, reason, signal FROM rejections")
    assert sorted(row["reason"] for row in rejected) == sorted([*POINTERS.values(), "probe_not_interviewer"])
    assert "hire" not in json.dumps(rejected)
    assert len(room.rows("SELECT * FROM evidence")) == 1
    room.check()
    room.settled()


QUOTED = {
    "When it is empty I answer with four hundred and write a test for that.": None,
    "hen it is empty I answer with four hundred and write a test for tha": "duplicate",
    "With an empty input he returns a 400 and covers it with tests": "not_located",
    "When it is empty I answer with four hundred ... before the lock is free": "not_located",
    "I would retry the write before the lock is free": "not_located",
    "we decided that": "not_located",
    "What do you do when the input is empty?": "not_candidate",
    "": "not_located",
}


def test_row_24_words_that_were_not_said_so_are_counted_rejections(room: Room):
    """Quote mode: off by a letter (found), paraphrased, joined, its negation dropped, said twice, said by the other."""
    said = ["This is talk one.", "All right.", "What do you do when the input is empty?", next(iter(QUOTED))]
    said += ["And then?", "I would not retry the write before the lock is free, we decided that."]
    said += ["Anything else?", "No, we decided that."]
    cues = [f"00:00:{i:02d}.000 --> 00:00:{i + 1:02d}.000\n<v {'AB'[i % 2]}>{text}\n" for i, text in enumerate(said)]
    (room.folder / "one.vtt").write_text(
        "WEBVTT\n\n" + "\n".join(cues).replace("<v A>", "<v Ada>").replace("<v B>", "<v Ben>")
    )
    pieces = [{"quote": quote, "signal": "edge-cases", "prompted_by": None} for quote in QUOTED]

    def script(body: dict[str, Any], n: int) -> Reply:
        found = pieces if pillar_of(body) == "execution_coding" else []
        return chat(json.dumps({"evidence": found, "probes": []}))

    assert room.run(script, extract={"template": "quote"})["one"].state == "done"
    reasons = [row["reason"] for row in room.rows("SELECT reason FROM rejections")]
    assert sorted(reasons) == sorted(reason for reason in QUOTED.values() if reason)
    assert [row["quote"] for row in room.rows("SELECT quote FROM evidence_quotes")] == [said[3]]
    room.check()


def test_row_26_the_same_chunk_answered_twice_gives_one_set_of_rows(tmp_path: Path):
    """Two interviews with the same words: one call for both, and each has its own rows."""
    with Room(tmp_path, ["one", "two"]) as room:
        (tmp_path / "two.vtt").write_text((tmp_path / "one.vtt").read_text())

        def script(body: dict[str, Any], n: int) -> Reply:
            reply = answer(body)
            reply.delay_s = 0.1
            return reply

        room.run(script)
        assert len(room.server.received) == ALL
        found = room.rows("SELECT interview_id, count(*) AS n FROM evidence GROUP BY ALL ORDER BY 1")
        assert found == [{"interview_id": "one", "n": 1}, {"interview_id": "two", "n": 1}]
        room.check()
        room.settled()
