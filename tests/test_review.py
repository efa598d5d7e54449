"""The rules of calls, of blindness and of pointing, without a server."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import lines_of, said, small_rubric

from eval.dataset import read_document
from pipeline.errors import ReviewError
from pipeline.lines import cut_lines
from pipeline.review.calls import make_call
from pipeline.review.correcting import point, reason_of, relabelled
from pipeline.review.gold import Reviewed, gold_document
from pipeline.review.standing import Seat, Standing, pillars_asked

WHO = {"candidate_id": "c-1", "interview_id": "i-1", "reviewer_id": "r-1"}
FORM = {"pillar": "coding", "level": "ok", "rationale": "Ran the test", "basis": "none_seen"}


def seat(name: str = "i-1", *, there: bool = False, closed: tuple[int, ...] = (), saved: tuple[int, ...] = ()) -> Seat:
    pillars = ("coding", "design")
    return Seat(
        interview_id=name,
        was_there=there,
        pillars=pillars,
        closed=frozenset(closed),
        saved=frozenset(itertools.product(saved, pillars)),
    )


def standing(*seats: Seat, role: str = "interviewer", open_: bool = False) -> Standing:
    return Standing(reviewer_id="r-1", role=role, candidate_id="c-1", seats=seats, debrief_open=open_)  # type: ignore[arg-type]


def test_a_call_is_signed_with_what_was_filled_in() -> None:
    call = make_call(FORM, who=WHO, step=2, was_there=False, cited=(), citable=())
    assert (call.level, call.basis, call.evidence_ids, call.step) == ("ok", "none_seen", (), 2)
    cited = make_call(
        {**FORM, "basis": "cited"}, who=WHO, step=2, was_there=True, cited=["b", "a", "b"], citable={"a", "b"}
    )
    assert cited.evidence_ids == ("a", "b")
    notes = make_call({**FORM, "basis": "notes"}, who=WHO, step=1, was_there=True, cited=["a"], citable={"a"})
    assert notes.evidence_ids == ()


@pytest.mark.parametrize(
    ("change", "step", "there", "cited"),
    [
        ({"level": "great"}, 2, True, ()),
        ({"level": None}, 2, True, ()),
        ({"rationale": " … "}, 2, True, ()),
        ({"rationale": "x" * 4001}, 2, True, ()),
        ({"basis": None}, 2, True, ()),
        ({"basis": "cited"}, 2, True, ()),
        ({"basis": "cited"}, 2, True, ("unknown",)),
        ({"basis": "cited"}, 1, True, ("a",)),
        ({"basis": "notes"}, 2, False, ()),
    ],
)
def test_a_call_that_lacks_something_is_not_taken(
    change: dict[str, str], step: int, there: bool, cited: tuple[str, ...]
) -> None:
    with pytest.raises(ReviewError):
        make_call({**FORM, **change}, who=WHO, step=step, was_there=there, cited=cited, citable={"a"})


SEATS = st.builds(
    seat,
    st.sampled_from(["i-1", "i-2", "i-3"]),
    there=st.booleans(),
    closed=st.sets(st.integers(1, 3)).map(lambda s: tuple(sorted(s))),
)


@given(
    st.lists(SEATS, max_size=3, unique_by=lambda s: s.interview_id),
    st.booleans(),
    st.sampled_from(["interviewer", "hiring_lead"]),
)
def test_nobody_sees_anything_before_their_own_call(seats: list[Seat], open_: bool, role: str) -> None:
    """Over every history: evidence needs the first calls, others' calls of a step the own ones of that step."""
    who = standing(*seats, role=role, open_=open_)
    first_missing = any(s.was_there and 1 not in s.closed for s in seats)
    if first_missing:
        assert not who.sees_evidence
        assert not any(who.sees_calls(step) for step in (1, 2, 3))
    for step in (1, 2, 3):
        if who.sees_calls(step) and seats:
            assert all(max(step, 2) in s.closed for s in seats)
    if who.sees_packet:
        assert who.sees_calls(1)
        assert who.sees_calls(2)
        assert open_
    if not seats and role == "interviewer":
        assert not who.sees_candidate
        assert not who.sees_evidence
    for s in seats:
        if who.sees_evidence and role == "interviewer":
            assert who.sees_interview(s.interview_id)
    assert who.sees_interview("i-9") == (role == "hiring_lead" or (bool(seats) and who.sees_packet))


def test_steps_open_one_after_the_other() -> None:
    there = standing(seat(there=True))
    assert there.open_step("i-1") == 1
    with pytest.raises(ReviewError, match="coding, design"):
        there.check_close("i-1", 1)
    standing(seat(there=True, saved=(1,))).check_close("i-1", 1)
    assert standing(seat()).open_step("i-1") == 2
    assert standing(seat(there=True, closed=(1,))).open_step("i-1") == 2
    done = seat(there=True, closed=(1, 2))
    with pytest.raises(ReviewError, match="debrief"):
        standing(done).open_step("i-1")
    assert standing(done, open_=True).open_step("i-1") == 3
    with pytest.raises(ReviewError, match="closed"):
        standing(seat(closed=(2, 3)), open_=True).open_step("i-1")
    with pytest.raises(ReviewError, match="not asked"):
        standing(seat("i-2")).open_step("i-1")
    with pytest.raises(ReviewError, match="first step"):
        standing(seat("i-1"), seat("i-2", there=True)).open_step("i-1")
    with pytest.raises(ReviewError, match="worked on"):
        standing(seat().model_copy(update={"ready": False})).open_step("i-1")


def test_an_assignment_without_a_pillar_asks_for_all() -> None:
    assert pillars_asked(["design", None], ["coding", "design"]) == ("coding", "design")
    assert pillars_asked(["design", "gone"], ["coding", "design"]) == ("design",)


TALK = (
    ("left", "Why does it fail?"),
    ("right", "I ran the test 🙂 again. It is the lock."),
    ("left", "I see, thank you."),
)
ROLES = {"left": "interviewer", "right": "candidate"}


@given(st.integers(-5, 90), st.integers(-5, 90))
def test_whatever_is_selected_is_whole_words_of_the_candidate_or_refused(start: int, end: int) -> None:
    transcript, rubric = said(*TALK), small_rubric()
    lines = lines_of(*TALK)
    try:
        piece = point(
            transcript.transcript_hash, transcript.words, lines, ROLES, rubric, start=start, end=end, signal="tests"
        )
    except ReviewError:
        touched = [w for w in transcript.words if w.start < end and w.end > start]
        assert not touched or any(w.speaker == "left" for w in touched)
        return
    quote = transcript.text[piece.start : piece.end]
    assert quote == quote.strip() != ""
    assert all(word in TALK[1][1].split() for word in quote.split())
    assert piece.start <= max(start, piece.start)
    own = [w for w in transcript.words if w.start >= piece.start and w.end <= piece.end]
    assert (piece.start_s, piece.end_s) == (own[0].start_s, own[-1].end_s)
    assert lines[piece.first_line - 1].start <= piece.start < piece.end <= lines[piece.last_line - 1].end


def test_a_signal_that_does_not_exist_is_refused_and_another_one_moves_the_pillar() -> None:
    transcript, rubric = said(*TALK), small_rubric()
    start = transcript.text.index("ran")
    given_ = (transcript.transcript_hash, transcript.words, lines_of(*TALK), ROLES, rubric)
    with pytest.raises(ReviewError, match="no such signal"):
        point(*given_, start=start, end=start + 3, signal="nothing")
    piece = point(*given_, start=start, end=start + 3, signal="tests")
    moved = relabelled(piece, transcript.transcript_hash, rubric, "options")
    assert (moved.pillar, moved.polarity, moved.start, moved.end) == ("design", "strong", piece.start, piece.end)
    assert moved.evidence_id != piece.evidence_id
    with pytest.raises(ReviewError, match="already"):
        relabelled(piece, transcript.transcript_hash, rubric, "tests")


def test_a_reason_is_words_on_one_line() -> None:
    assert reason_of(" said\n of   others ") == "said of others"
    for bad in (None, "", " — ", "x" * 1001):
        with pytest.raises(ReviewError):
            reason_of(bad)


def test_a_reviewed_interview_is_gold_that_eval_reads(tmp_path: Path) -> None:
    """What was rejected is gone; what was added or cited must be found; a quote said twice in a turn is left out."""
    transcript = said(*TALK, ("right", "Yes. I ran it. Yes."))
    lines = [n.model_dump() for n in cut_lines(transcript)]
    own = {"pillar": "execution_coding", "signal": "tests-own-code", "polarity": "strong", "prompted_by": 1}
    kept = {**own, "evidence_id": "e-1", "extractor": "offline", "quote": "I ran the test 🙂 again.", "first_line": 2}
    twice = {**own, "evidence_id": "e-2", "extractor": "person", "quote": "Yes.", "first_line": len(lines)}
    head = {"interview_id": "i-1", "role_profile": "senior-backend"}
    probes = [{"pillar": "ownership_debugging", "line": 1}]
    written = gold_document(Reviewed(head, lines, ROLES, [kept, twice], probes, {"e-1"}))
    assert written.left_out == 1
    path = tmp_path / "i-1.jsonl"
    path.write_text(written.text, encoding="utf-8")
    sample = read_document(path)
    assert sample.header.asked == ("ownership_debugging",)
    assert [(sample.transcript.text[s.start : s.end], s.must_find) for s in sample.spans] == [(kept["quote"], True)]
    assert [t.role for t in sample.turns] == ["interviewer", "candidate", "interviewer", "candidate"]
