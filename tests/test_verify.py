from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import ROLES, answers, lines_of, small_rubric, talks

from pipeline.chunk import cut_chunks
from pipeline.lines import cut_lines, respeak
from pipeline.records import Chunk, Draft, Extraction, Line, ProbeDraft, Transcript, Verified
from pipeline.verify import MAX_LINES, verify

RUBRIC = small_rubric()


def extraction(drafts: Sequence[Draft] = (), probes: Sequence[ProbeDraft] = ()) -> Extraction:
    return Extraction(extractor="test", model="m", prompt_hash="p", drafts=tuple(drafts), probes=tuple(probes))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Transcript, list[Line], list[Chunk], Extraction]:
    transcript = draw(talks())
    lines = cut_lines(transcript)
    if draw(st.booleans()):
        lines = respeak(lines, [(1, draw(st.integers(0, 20)), "right")])
    chunks = cut_chunks(lines, chunk_lines=20, margin_turns=2)
    drafts, probes = draw(answers(lines, chunks, RUBRIC))
    return transcript, lines, chunks, extraction(drafts, probes)


def check(transcript: Transcript, lines: Sequence[Line], chunks: Sequence[Chunk], found: Extraction) -> Verified:
    return verify(transcript.transcript_hash, lines, ROLES, chunks, RUBRIC, found)


def may_hold(draft: Draft, lines: Sequence[Line], chunks: Sequence[Chunk]) -> bool:
    """The promise in other words: every rule but the one about repeats."""
    shown = {n for c in chunks if c.chunk == draft.chunk for n in range(c.first_line, c.last_line + 1)}
    span = list(range(max(draft.first, 0), min(draft.last, len(lines)) + 1))
    by_number = {line.line: line for line in lines}
    if draft.fault or len(span) != draft.last - draft.first + 1 or not span or not set(span) <= shown:
        return False
    speakers = {by_number[n].speaker for n in span}
    turns = {by_number[n].turn for n in span}
    if len(span) > MAX_LINES or len(speakers) > 1 or len(turns) > 1 or ROLES[speakers.pop()] != "candidate":
        return False
    if RUBRIC.pillar_of.get(draft.signal) != draft.pillar:
        return False
    prompt = draft.prompted_by
    if prompt is None:
        return True
    return prompt in shown and ROLES[by_number[prompt].speaker] == "interviewer" and prompt < draft.first


@given(cases())
def test_drafts_are_evidence_and_rejections_exactly(case):
    transcript, lines, chunks, found = case
    verified = check(transcript, lines, chunks, found)
    kinds = Counter(rejection.kind for rejection in verified.rejections)
    assert len(found.drafts) == len(verified.evidence) + kinds["evidence"]
    assert len(found.probes) == len(verified.probes) + kinds["probe"]
    pointed = Counter((d.first, d.last, d.signal or None) for d in found.drafts)
    ended = Counter((e.first_line, e.last_line, e.signal) for e in verified.evidence)
    ended += Counter((r.first, r.last, r.signal) for r in verified.rejections if r.kind == "evidence")
    assert pointed == ended


@given(cases())
def test_evidence_is_the_candidates_slice_inside_the_recording(case):
    transcript, lines, chunks, found = case
    verified = check(transcript, lines, chunks, found)
    for evidence in verified.evidence:
        span = lines[evidence.first_line - 1 : evidence.last_line]
        quote = transcript.text[evidence.start : evidence.end]
        assert "".join(quote.split()) == "".join("".join(line.text.split()) for line in span)
        assert 1 <= len(span) <= MAX_LINES
        assert {ROLES[line.speaker] for line in span} == {"candidate"}
        assert {line.speaker for line in span} == {evidence.speaker}
        assert 0 <= evidence.start_s <= evidence.end_s
        assert not transcript.duration_s or evidence.end_s <= transcript.duration_s
        assert RUBRIC.pillar_of[evidence.signal] == evidence.pillar
        pillar = next(p for p in RUBRIC.pillars if p.id == evidence.pillar)
        assert (evidence.polarity, evidence.rubric_hash) == (pillar.by_id[evidence.signal].polarity, pillar.hash)
    for probe in verified.probes:
        assert ROLES[lines[probe.line - 1].speaker] == "interviewer"


@given(cases())
def test_what_may_hold_holds_unless_it_repeats_and_nothing_else_does(case):
    transcript, lines, chunks, found = case
    verified = check(transcript, lines, chunks, found)
    good = [d for d in found.drafts if may_hold(d, lines, chunks)]
    held = {(e.signal, e.first_line, e.last_line) for e in verified.evidence}
    assert held <= {(d.signal, d.first, d.last) for d in good}
    for signal, first, last in held:
        assert not any(s == signal and (f, t) != (first, last) and f <= last and first <= t for s, f, t in held)
    for draft in good:
        assert any(s == draft.signal and f <= draft.last and draft.first <= t for s, f, t in held)
    repeats = [r for r in verified.rejections if r.kind == "evidence" and r.reason in ("duplicate", "overlap")]
    assert len(repeats) == len(good) - len(held)


@given(cases(), st.randoms(use_true_random=False))
def test_no_order_of_arrival_changes_anything(case, random):
    transcript, lines, chunks, found = case
    before = check(transcript, lines, chunks, found)
    drafts, probes, shuffled = list(found.drafts), list(found.probes), list(chunks)
    for things in (drafts, probes, shuffled):
        random.shuffle(things)
    assert check(transcript, lines, shuffled, extraction(drafts, probes)) == before


@given(cases())
def test_evidence_ids_are_unique_and_stay_when_proved_again(case):
    transcript, lines, chunks, found = case
    once, again = (check(transcript, lines, chunks, found) for _ in range(2))
    ids = [evidence.evidence_id for evidence in once.evidence]
    assert len(set(ids)) == len(ids)
    assert once == again


LINES = lines_of(
    ("left", "Did you write a test? What else could go wrong?"),
    ("right", "I wrote one. I ran it. It failed. Then I fixed the lock."),
    ("left", "Try the empty list."),
    ("right", "It returns early then."),
    ("", "Somebody coughs here."),
)
CHUNKS = [Chunk(chunk=1, first_line=1, last_line=7), Chunk(chunk=2, first_line=6, last_line=9)]
GOOD = Draft(chunk=1, pillar="coding", signal="tests", first=3, last=4, prompted_by=1)


def one(**change: object) -> Verified:
    draft = GOOD.model_copy(update=change)
    return verify("t", LINES, ROLES, CHUNKS, RUBRIC, extraction([draft]))


def test_a_good_draft_becomes_evidence():
    verified = one()
    (evidence,) = verified.evidence
    assert (evidence.first_line, evidence.last_line, evidence.prompted_by, evidence.polarity) == (3, 4, 1, "strong")
    assert not verified.rejections


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"first": 4, "last": 3}, "reversed"),
        ({"first": 0, "last": 1}, "out_of_range"),
        ({"first": 8, "last": 8}, "out_of_range"),
        ({"first": 3, "last": 2**31 - 1}, "out_of_range"),
        ({"chunk": 99}, "out_of_range"),
        ({"first": 3, "last": 6}, "too_long"),
        ({"first": 1, "last": 1, "prompted_by": None}, "not_candidate"),
        ({"first": 2, "last": 3, "prompted_by": None}, "not_candidate"),
        ({"chunk": 2, "first": 9, "last": 9, "prompted_by": None}, "not_candidate"),
        ({"signal": "charisma"}, "unknown_signal"),
        ({"signal": "Tests"}, "unknown_signal"),
        ({"signal": "options"}, "wrong_pillar"),
        ({"pillar": "design"}, "wrong_pillar"),
        ({"prompted_by": 3}, "prompt_not_interviewer"),
        ({"prompted_by": 0}, "prompt_not_interviewer"),
        ({"prompted_by": 2**31 - 1}, "prompt_not_interviewer"),
        ({"prompted_by": 7}, "prompt_not_before"),
        ({"fault": "unsupported"}, "unsupported"),
    ],
)
def test_each_fault_has_its_reason(change: dict[str, object], reason: str):
    verified = one(**change)
    assert not verified.evidence
    (rejection,) = verified.rejections
    assert rejection.reason == reason
    assert rejection.detail


def test_two_of_the_candidates_voices_are_not_one_quote():
    lines = lines_of(("right", "I wrote one."), ("Zoë 🙂", "I ran it."))
    draft = Draft(chunk=1, pillar="coding", signal="tests", first=1, last=2)
    verified = verify("t", lines, ROLES, [Chunk(chunk=1, first_line=1, last_line=2)], RUBRIC, extraction([draft]))
    assert [r.reason for r in verified.rejections] == ["not_candidate"]


def test_the_same_find_in_two_chunks_is_one_row_and_one_span_may_serve_two_signals():
    margin = [Chunk(chunk=1, first_line=1, last_line=6), Chunk(chunk=2, first_line=3, last_line=9)]
    drafts = [
        Draft(chunk=1, pillar="coding", signal="tests", first=3, last=3),
        Draft(chunk=2, pillar="coding", signal="tests", first=3, last=3),
        Draft(chunk=1, pillar="design", signal="options", first=3, last=3),
        Draft(chunk=1, pillar="coding", signal="tests", first=3, last=4),
    ]
    verified = verify("t", LINES, ROLES, margin, RUBRIC, extraction(drafts))
    assert [(e.signal, e.first_line, e.last_line) for e in verified.evidence] == [("options", 3, 3), ("tests", 3, 3)]
    assert [r.reason for r in verified.rejections] == ["duplicate", "overlap"]


def test_of_two_equal_finds_the_one_that_names_its_prompt_stands():
    drafts = [GOOD.model_copy(update={"prompted_by": None}), GOOD]
    verified = verify("t", LINES, ROLES, CHUNKS, RUBRIC, extraction(drafts))
    assert [e.prompted_by for e in verified.evidence] == [1]


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (ProbeDraft(chunk=1, pillar="coding", line=3), "probe_not_interviewer"),
        (ProbeDraft(chunk=2, pillar="coding", line=9), "probe_not_interviewer"),
        (ProbeDraft(chunk=1, pillar="coding", line=0), "out_of_range"),
        (ProbeDraft(chunk=1, pillar="coding", line=-(2**31)), "out_of_range"),
        (ProbeDraft(chunk=1, pillar="seniority", line=1), "wrong_pillar"),
    ],
)
def test_a_probe_is_an_interviewers_line_of_its_chunk(probe: ProbeDraft, reason: str):
    verified = verify("t", LINES, ROLES, CHUNKS, RUBRIC, extraction(probes=[probe]))
    assert not verified.probes
    assert [(r.kind, r.reason) for r in verified.rejections] == [("probe", reason)]
