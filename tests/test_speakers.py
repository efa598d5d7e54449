from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import lines_of, talks

from pipeline.lines import cut_lines
from pipeline.records import Heard, HeardWord, Interview, Line, Role, Transcript, Utterance
from pipeline.speakers import NEAR_S, assign_roles, attribute, swap_alarm, tally
from pipeline.transcribe import known_roles, main_language, plan_streams

ASKS = "Why is it slow? What did you try? Where does it run?"
TELLS = "I looked at the log. It was the lock. I fixed it and wrote a test. Then it held."


def roles_of(lines: list[Line], known: dict[str, Role] | None = None) -> dict[str, Role]:
    return {s.speaker: s.role for s in assign_roles(lines, known or {}, "manifest")}


def test_who_asks_least_is_proposed_as_the_candidate_with_the_reason():
    speakers = assign_roles(lines_of(("A", ASKS), ("B", TELLS), ("A", ASKS)), {}, "manifest")
    assert [(s.speaker, s.role, s.source) for s in speakers] == [
        ("A", "interviewer", "proposed"),
        ("B", "candidate", "proposed"),
    ]
    assert "6 of 6 lines" in speakers[0].reason


def test_two_interviewers_and_a_candidate():
    lines = lines_of(("A", ASKS), ("B", TELLS), ("C", ASKS), ("B", TELLS))
    assert roles_of(lines) == {"A": "interviewer", "B": "candidate", "C": "interviewer"}


@pytest.mark.parametrize(
    "turns",
    [
        [("A", TELLS * 3)],  # one voice
        [("A", "Why?"), ("B", "Because.")],  # too little
        [("A", TELLS), ("B", TELLS)],  # nobody asks more than the other
        [("A", ASKS), ("B", ASKS)],
    ],
)
def test_without_a_clear_sign_nobody_is_anything(turns: list[tuple[str, str]]):
    assert set(roles_of(lines_of(*turns)).values()) == {"unknown"}


def test_words_without_a_speaker_never_get_a_role():
    lines = lines_of(("", ASKS), ("B", TELLS), ("A", ASKS))
    assert roles_of(lines)[""] == "unknown"


def test_given_roles_stand_and_the_others_follow_from_them():
    speakers = assign_roles(lines_of(("A", TELLS), ("B", ASKS)), {"A": "interviewer", "B": "candidate"}, "manifest")
    assert [(s.speaker, s.role, s.source) for s in speakers] == [
        ("A", "interviewer", "manifest"),
        ("B", "candidate", "manifest"),
    ]
    assert roles_of(lines_of(("A", TELLS), ("B", TELLS)), {"A": "candidate"}) == {"A": "candidate", "B": "interviewer"}


def test_a_role_for_somebody_who_is_not_heard_makes_nobody_an_interviewer():
    lines = lines_of(("A", ASKS), ("B", TELLS))
    assert roles_of(lines, {"b ": "candidate"}) == {"A": "interviewer", "B": "candidate"}
    assert roles_of(lines_of(("B", TELLS)), {"b ": "candidate"}) == {"B": "unknown"}


@given(talks(), st.dictionaries(st.sampled_from(["left", "right"]), st.sampled_from(get_args(Role))))
def test_every_speaker_has_one_role_and_a_reason(transcript: Transcript, known: dict[str, Role]):
    lines = cut_lines(transcript)
    speakers = assign_roles(lines, known, "manifest")
    assert [s.speaker for s in speakers] == sorted({line.speaker for line in lines})
    assert all(s.reason for s in speakers)
    assert all(s.role == known[s.speaker] and s.source == "manifest" for s in speakers if s.speaker in known)
    assert all(s.source == "proposed" for s in speakers if s.speaker not in known)


def test_swapped_roles_raise_the_alarm_and_right_ones_do_not():
    lines = lines_of(*[("A", ASKS), ("B", TELLS)] * 2)
    alarm = swap_alarm(lines, {"A": "candidate", "B": "interviewer"})
    assert alarm is not None
    assert alarm.kind == "roles_may_be_swapped"
    assert "6 of 6" in alarm.detail
    assert swap_alarm(lines, {"A": "interviewer", "B": "candidate"}) is None


@pytest.mark.parametrize("roles", [{}, {"A": "candidate"}, {"A": "candidate", "B": "candidate"}])
def test_the_alarm_needs_both_sides(roles: dict[str, Role]):
    assert swap_alarm(lines_of(*[("A", ASKS), ("B", TELLS)] * 2), roles) is None


def test_the_alarm_needs_enough_lines():
    assert swap_alarm(lines_of(("A", ASKS), ("B", TELLS)), {"A": "candidate", "B": "interviewer"}) is None


def test_a_tally_counts_lines_questions_and_words():
    (row,) = tally(lines_of(("A", 'Is it "slow?" I think so.')))
    assert (row.lines, row.questions, row.words, row.question_share) == (2, 1, 6, 0.5)


# --- Words of a mixed recording take the speakers of a labelled transcript


def mixed(*words: tuple[float, float]) -> Heard:
    heard = tuple(HeardWord(text=f" w{i}", start_s=a, end_s=b) for i, (a, b) in enumerate(words))
    return Heard(speaker="mixed", words=heard, duration_s=60)


def cue(speaker: str, start_s: float, end_s: float) -> Utterance:
    return Utterance(speaker=speaker, text="x", words=(HeardWord(text="x", start_s=start_s, end_s=end_s),))


def test_each_word_takes_the_speaker_of_its_cue():
    streams = attribute(mixed((0, 0.5), (0.6, 1), (4.2, 5), (20, 21)), [cue("A", 0, 0.55), cue("B", 0.55, 4)])
    assert {s.speaker: [w.text for w in s.words] for s in streams} == {"A": [" w0"], "B": [" w1", " w2"], "": [" w3"]}


def test_a_long_cue_behind_short_ones_is_not_forgotten():
    short = [cue("B", at, at + 0.5) for at in (10, 12, 14, 16)]
    (stream,) = attribute(mixed((30, 30.4)), [cue("A", 0, 50), *short])
    assert stream.speaker == "A"


@given(
    st.lists(st.floats(0, 50), max_size=20),
    st.lists(st.tuples(st.sampled_from("AB"), st.floats(0, 50), st.floats(0, 5)), max_size=8),
)
def test_no_word_is_lost_or_given_to_somebody_far_away(times: list[float], cues: list[tuple[str, float, float]]):
    words = mixed(*[(t, t + 0.2) for t in sorted(times)])
    labelled = [cue(name, start, start + length) for name, start, length in cues]
    streams = attribute(words, labelled)
    assert sorted(w.start_s for s in streams for w in s.words) == sorted(times)
    for stream in streams:
        for word in stream.words:
            middle = (word.start_s + word.end_s) / 2
            inside = {name for name, a, b in cues if a <= middle <= a + b}
            near = {name for name, a, b in cues if a - NEAR_S <= middle <= a + b + NEAR_S}
            assert stream.speaker in (inside or near or {""})


# --- Streams


def interview(**fields: object) -> Interview:
    return Interview.model_validate({"interview_id": "i", "candidate_id": "c", "role_profile": "r", **fields})


STEREO = ("a.wav", "r-1", 2)


@pytest.mark.parametrize(
    ("roles", "recordings", "streams"),
    [
        ({"left": "interviewer"}, [(*STEREO, False)], [(0, "left"), (1, "right")]),
        ({}, [(*STEREO, True)], [(0, "left"), (1, "right")]),
        ({}, [(*STEREO, False)], [(None, "mixed")]),
        ({}, [("a.wav", "r-1", 1, False)], [(None, "mixed")]),
        ({}, [("a.wav", "r-1", 8, True)], [(None, "mixed")]),
        ({}, [("a.wav", "r-1", 1, False), ("b.wav", "r-2", 2, True)], [(None, "a.wav"), (None, "b.wav")]),
        ({}, [], []),
    ],
)
def test_streams_are_tracks_else_channels_else_one_mix(roles, recordings, streams):
    planned = plan_streams(interview(roles=roles), recordings)
    assert [(s.channel, s.speaker) for s in planned] == streams


def test_the_same_bytes_twice_are_one_recording():
    planned = plan_streams(interview(), [("a.wav", "r-1", 1, False), ("b.wav", "r-1", 1, False)])
    assert len(planned) == 1


def test_a_track_may_be_named_by_its_file_name_and_a_person_overrules_the_manifest():
    entry = interview(recordings=["t/a.wav", "t/b.wav"], roles={"a.wav": "interviewer", "t/b.wav": "candidate"})
    assert known_roles(entry, {}) == {"t/a.wav": "interviewer", "t/b.wav": "candidate"}
    assert known_roles(entry, {"t/a.wav": "candidate"})["t/a.wav"] == "candidate"


def test_the_language_is_that_of_most_words():
    def stream(language: str | None, n: int) -> Heard:
        return mixed(*[(i, i + 1) for i in range(n)]).model_copy(update={"language": language})

    assert main_language([stream("en", 3), stream("de", 5), stream("en", 3)]) == "en"
    assert main_language([stream(None, 3)]) is None
    assert main_language([]) is None
