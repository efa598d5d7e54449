"""What a model is shown, and what becomes of what it says: pointing, quotes, second passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import said

from pipeline.errors import AnswerError, EndpointError, RubricError
from pipeline.extract import ModelExtractor, answer_schema, pointer_text, read_example, render_examples
from pipeline.extract.reading import Asked, read_lines
from pipeline.prompting import load_examples, load_rubric, load_template, rubric_ids
from pipeline.records import Chunk, Draft, Extraction, Line, ModelAnswer, ModelRequest, Role
from pipeline.rubric import Anchors
from pipeline.talk import Talk
from pipeline.verify import verify

RUBRIC = load_rubric("senior-backend")
ROLES: dict[str, Role] = {"left": "interviewer", "right": "candidate"}
TURNS = (
    ("left", "How would you store the bookings?"),
    ("right", "I would keep them in one table. An index on the day makes the page quick."),
    ("left", "And if two people book the same room?"),
    ("right", "Then the second insert must fail. I put a unique key there, and I tell the user."),
)


def lines_of(*turns: tuple[str, str]) -> list[Line]:
    from pipeline.lines import cut_lines

    return cut_lines(said(*(turns or TURNS)))


class Scripted:
    """An LLM that answers by a function of the request."""

    endpoint, model, temperature, max_output_tokens, local = "test", "m", 0.0, 500, True

    def __init__(self, script: Callable[[ModelRequest], str | ModelAnswer | Exception]) -> None:
        self.script = script
        self.asked: list[ModelRequest] = []
        self.turned_down: list[str] = []

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        self.asked.append(request)
        found = self.script(request)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, ModelAnswer):
            return found
        return ModelAnswer(text=found, model="m", finish_reason="stop", input_tokens=10, output_tokens=2)


def extract(llm: Scripted, lines: list[Line], template: str = "extract", **more: Any) -> Extraction:
    chunks = [Chunk(chunk=1, first_line=1, last_line=len(lines))]
    extractor = ModelExtractor(llm, load_template(template), turn_down=llm.turned_down.append, **more)
    return anyio.run(extractor.extract, "i", lines, ROLES, chunks, RUBRIC)


def about(request: ModelRequest, pillar: str) -> bool:
    title = next(p.title for p in RUBRIC.pillars if p.id == pillar)
    return request.messages[1]["content"].rsplit("Pillar and its signals:\n", 1)[1].startswith(title)


NOTHING = '{"evidence":[],"probes":[]}'


def test_lines_are_shown_with_number_role_time_and_pauses():
    lines = lines_of()
    late = lines[-1].model_copy(update={"start_s": 100.0, "end_s": 110.0})
    shown = Talk([*lines[:-1], late], ROLES).show(1, len(lines)).splitlines()
    assert shown[0] == "1 I 00:00 How would you store the bookings?"
    assert shown[-2].startswith("[")
    assert shown[-2].endswith("s pause]")
    assert shown[-1].startswith(f"{len(lines)} C 01:40 ")


def test_the_transcript_comes_first_and_the_pillar_last():
    llm = Scripted(lambda request: NOTHING)
    extract(llm, lines_of())
    prompts = [request.messages[0]["content"] + request.messages[1]["content"] for request in llm.asked]
    common = len(prompts[0].rsplit("Pillar and its signals:\n", 1)[0])
    assert len({prompt[:common] for prompt in prompts}) == 1
    assert len(set(prompts)) == len(RUBRIC.pillars)


def test_no_anchor_and_no_criterion_of_success_reaches_a_model():
    for name in rubric_ids():
        rubric = load_rubric(name)
        sent = "\n".join(pillar.for_model() for pillar in rubric.pillars)
        empty = Anchors(weak=(), ok=(), strong=())
        bare = [pillar.model_copy(update={"anchors": empty, "asks": ()}) for pillar in rubric.pillars]
        assert "\n".join(pillar.for_model() for pillar in bare) == sent
        assert not any(criterion in sent for criterion in rubric.success)


@given(
    st.integers(1, 99_999),
    st.integers(0, 3),
    st.sampled_from(sorted(RUBRIC.pillar_of)),
    st.none() | st.integers(1, 99_999),
)
def test_a_pointer_is_read_as_it_is_written(first: int, more: int, signal: str, by: int | None):
    text = json.dumps({"evidence": [pointer_text(first, first + more, signal, by)], "probes": []})
    asked = Asked(chunk=1, first=1, last=200_000, pillar="p")
    (draft,) = read_lines(text, asked, RUBRIC.pillar_of, "h").drafts
    assert (draft.first, draft.last, draft.signal, draft.prompted_by) == (first, first + more, signal, by)


@given(st.text(max_size=40))
def test_any_text_is_a_named_fault_or_line_numbers(text: str):
    asked = Asked(chunk=1, first=1, last=9, pillar="p")
    for given_text in (text, json.dumps({"evidence": [text], "probes": []})):
        fault = None
        try:
            found = read_lines(given_text, asked, RUBRIC.pillar_of, "h")
        except AnswerError as error:
            fault = error
        if fault is None:
            assert {draft.signal for draft in found.drafts} <= {*RUBRIC.pillar_of, "unknown"}
        else:
            assert fault.fault == "format"
            assert len(text) < 8 or text not in fault.what


def test_the_schema_admits_what_we_read_and_nothing_else():
    import re

    schema = answer_schema(RUBRIC.pillars[0])
    pattern = schema["properties"]["evidence"]["items"]["pattern"]
    signal = RUBRIC.pillars[0].signals[0].id
    for good in (f"3 {signal}", f"3-4 {signal} by 1"):
        assert re.search(pattern, good)
    for bad in (f"3 {signal} by", f"3 {signal} and more", "3 level-strong", signal, f"x3 {signal}", f"3  {signal}"):
        assert not re.search(pattern, bad)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["evidence", "probes"]


def test_what_is_pointed_at_outside_the_lines_shown_is_turned_down():
    asked = Asked(chunk=1, first=5, last=9, pillar="execution_coding")
    found = read_lines(
        '{"evidence":["4 edge-cases","9-10 edge-cases","6 edge-cases"],"probes":[4,7]}', asked, RUBRIC.pillar_of, "h"
    )
    assert [draft.fault for draft in found.drafts] == ["out_of_range", "out_of_range", None]
    assert [probe.chunk for probe in found.probes] == [0, 1]
    assert found.furthest == 7


def test_a_fault_names_the_interviews_chunk_and_keeps_the_calls():
    llm = Scripted(lambda request: "no" if about(request, "execution_coding") else NOTHING)
    extractor = ModelExtractor(llm, load_template("extract"), turn_down=llm.turned_down.append)
    chunks = [Chunk(chunk=1, first_line=1, last_line=4)]
    with pytest.raises(AnswerError, match=r"1 of 4 .* chunk 1, execution_coding"):
        anyio.run(extractor.extract, "i", lines_of(), ROLES, chunks, RUBRIC)
    assert len(extractor.unsaved["i"]) == 5
    assert len(llm.turned_down) == 2


def test_an_endpoint_without_an_answer_fails_the_pair_and_the_rest_is_still_asked():
    llm = Scripted(lambda request: EndpointError("down") if about(request, "execution_coding") else NOTHING)
    with pytest.raises(AnswerError, match="execution_coding: down"):
        extract(llm, lines_of())
    assert len(llm.asked) == 4
    assert llm.turned_down == []


# quotes


def quoted(*pieces: tuple[str, str]) -> str:
    rows = [{"quote": quote, "signal": signal, "prompted_by": 4} for quote, signal in pieces]
    return json.dumps({"evidence": rows, "probes": [4]})


def test_quotes_are_located_and_words_that_were_not_said_leave_no_trace():
    lines = lines_of()
    pieces = (
        ("then the second insert must fail", "edge-cases"),
        ("Then the second insert must not fail", "edge-cases"),
        ("I invented this sentence out of nothing", "edge-cases"),
        ("And if two people book the same room?", "edge-cases"),
    )
    llm = Scripted(lambda request: quoted(*pieces) if about(request, "execution_coding") else NOTHING)
    extraction = extract(llm, lines, "quote")
    assert [d.fault for d in extraction.drafts] == [None, "not_located", "not_located", None]
    assert "invented" not in extraction.model_dump_json()
    chunks = [Chunk(chunk=1, first_line=1, last_line=len(lines))]
    verified = verify("t", lines, ROLES, chunks, RUBRIC, extraction)
    assert len(verified.evidence) == 1
    assert sorted(r.reason for r in verified.rejections) == ["not_candidate", "not_located", "not_located"]
    first = next(line for line in lines if line.text.startswith("Then the second insert"))
    assert verified.evidence[0].first_line == first.line


def test_a_quote_of_hidden_names_is_located():
    lines = lines_of(
        ("left", "Who wrote it?"), ("right", "Tom and I wrote it, and Tom added the test for empty input.")
    )
    llm = Scripted(
        lambda request: (
            quoted(("[NAME-1] added the test for empty input", "edge-cases"))
            if about(request, "execution_coding")
            else NOTHING
        )
    )
    extraction = extract(llm, lines, "quote", names_of=lambda _: ["Tom"])
    assert "Tom" not in json.dumps([request.model_dump() for request in llm.asked])
    assert [(d.fault, d.first) for d in extraction.drafts] == [(None, 2)]


# second passes


def test_the_support_check_marks_what_a_quote_alone_does_not_show():
    def script(request: ModelRequest) -> str:
        if "shown" in json.dumps(request.answer_schema):
            assert request.messages[1]["content"].count("\n") == 1
            return '{"shown":[2]}'
        return (
            '{"evidence":["2 edge-cases","5 edge-cases by 4","1 edge-cases"],"probes":[]}'
            if about(request, "execution_coding")
            else NOTHING
        )

    lines = lines_of()
    llm = Scripted(script)
    assert [line.speaker for line in lines] == ["left", "right", "right", "left", "right", "right"]
    extraction = extract(llm, lines, support_check=True)
    assert len(llm.asked) == len(RUBRIC.pillars) + 1
    faults = {draft.first: draft.fault for draft in extraction.drafts}
    assert faults[2] == "unsupported"
    assert faults[5] is None


def test_the_against_pass_asks_for_the_other_polarity_only():
    coding = next(p for p in RUBRIC.pillars if p.id == "execution_coding")
    weak = [s.id for s in coding.signals if s.polarity == "weak"]

    def script(request: ModelRequest) -> str:
        if not about(request, "execution_coding"):
            return NOTHING
        offered = request.messages[1]["content"].rsplit("signals:\n", 1)[1]
        if "(strong)" in offered:
            return '{"evidence":["2 edge-cases"],"probes":[1]}'
        assert f"({weak[0]}" in json.dumps(request.answer_schema)
        return json.dumps({"evidence": [f"5 {weak[0]}"], "probes": [4]})

    llm = Scripted(script)
    extraction = extract(llm, lines_of(), against_pass=True)
    assert len(llm.asked) == len(RUBRIC.pillars) + 1
    assert [draft.signal for draft in extraction.drafts] == ["edge-cases", weak[0]]
    assert [probe.line for probe in extraction.probes] == [1]


def test_passes_and_prompts_change_the_fingerprint():
    llm = Scripted(lambda request: NOTHING)
    template = load_template("extract")
    prints = {
        ModelExtractor(llm, template).fingerprint(RUBRIC),
        ModelExtractor(llm, template, "examples").fingerprint(RUBRIC),
        ModelExtractor(llm, template, support_check=True).fingerprint(RUBRIC),
        ModelExtractor(llm, template, against_pass=True).fingerprint(RUBRIC),
        ModelExtractor(llm, template, names_of=lambda _: []).fingerprint(RUBRIC),
        ModelExtractor(llm, load_template("quote")).fingerprint(RUBRIC),
        ModelExtractor(llm, template).fingerprint(load_rubric("staff-engineer")),
    }
    assert len(prints) == 7


# examples


@pytest.mark.parametrize("form", ["lines", "quotes"])
def test_the_examples_hold_for_every_rubric(form: str):
    examples = [read_example(table) for table in load_examples("extract")]
    for name in rubric_ids():
        rubric = load_rubric(name)
        shown = render_examples(examples, rubric, form)
        for part in shown.split("\n\n"):
            answer = json.loads(part.rsplit("Answer: ", 1)[1])
            assert set(answer) == {"evidence", "probes"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"signal": "no-such"}, "no signal"),
        ({"first": 1, "last": 1}, "not one to three of the candidate's"),
        ({"first": 2, "last": 9}, "not one to three"),
        ({"prompted_by": 2}, "not an interviewer's line before"),
    ],
)
def test_an_example_that_the_verifier_would_not_take_is_refused(change: dict[str, Any], told: str):
    table = load_examples("extract")[0]
    wrong = {**table, "evidence": [{**table["evidence"][0], **change}]}
    with pytest.raises(RubricError, match=told):
        render_examples([read_example(wrong)], RUBRIC)


def test_the_examples_do_not_occur_in_the_gold_interviews():
    from pathlib import Path

    gold = "\n".join(p.read_text() for p in (Path(__file__).parent.parent / "eval/gold/extract").rglob("*.jsonl"))
    for table in load_examples("extract"):
        for line in table["lines"]:
            assert line.split(" ", 1)[1] not in gold


def test_a_draft_with_a_fault_is_a_rejection_with_that_reason():
    lines = lines_of()
    chunks = [Chunk(chunk=1, first_line=1, last_line=len(lines))]
    draft = Draft(chunk=1, pillar="execution_coding", signal="edge-cases", first=2, last=2, fault="unsupported")
    extraction = Extraction(extractor="t", model="m", prompt_hash="p", drafts=(draft,))
    verified = verify("t", lines, ROLES, chunks, RUBRIC, extraction)
    assert verified.evidence == ()
    assert [r.reason for r in verified.rejections] == ["unsupported"]
