from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quality import flags
from pipeline.records import Heard, HeardWord

TALK_TEXT = (
    "I started with the slow query log because the complaint came in waves every hour and that smelled like a job "
    "rather than traffic then I compared two plans one from a good minute and one from a bad one and the planner had "
    "switched to a nested loop after the statistics ran so I pinned the plan for the night and told the team why"
)
TALK = TALK_TEXT.split()


def heard(texts: list[str], *, step: float = 0.4, p: float | None = 0.9, language: str = "en", sure: float = 0.99):
    words = tuple(
        HeardWord(text=f" {text}", start_s=index * step, end_s=index * step + 0.3, probability=p)
        for index, text in enumerate(texts)
    )
    return Heard(
        speaker="a", words=words, language=language, language_probability=sure, duration_s=len(texts) * step + 1
    )


def kinds(*args, **kwargs) -> list[str]:
    return [doubt.kind for doubt in flags(*args, **kwargs)]


def test_plain_talk_is_not_doubted():
    assert kinds(heard(TALK), "en") == []


@pytest.mark.parametrize(
    ("phrase", "times"), [("you", 12), ("thank you", 7), ("we will see that in the next one", 5), ("so then we", 4)]
)
def test_a_loop_is_flagged_where_it_stands(phrase: str, times: int):
    texts = TALK[:20] + phrase.split() * times + TALK[20:40]
    (doubt,) = flags(heard(texts))
    assert doubt.kind == "loop"
    assert (doubt.first_word, doubt.last_word) == (20, 20 + len(phrase.split()) * times - 1)
    assert (doubt.start_s, doubt.end_s) == (pytest.approx(20 * 0.4), pytest.approx(doubt.last_word * 0.4 + 0.3))
    assert phrase not in doubt.detail


@pytest.mark.parametrize(
    "texts",
    [
        ["yes.", "yes.", "right."],
        ["no"] * 5 + TALK[:10],
        [*["step", "by"] * 3, "step", "we", "moved", "it"],
        ["yeah,", "yeah,", "yeah,", "yeah,", "okay"],
        [*["the", "cache", "of"] * 3, "time"],
    ],
)
def test_short_valid_replies_are_not_flagged(texts: list[str]):
    assert kinds(heard(texts)) == []


def test_an_interviewer_who_says_yes_for_an_hour_is_no_loop():
    replies = list(itertools.islice(itertools.cycle(["yes.", "right.", "yes.", "okay."]), 200))
    assert kinds(heard(replies, step=15.0)) == []
    assert kinds(heard(["yes."] * 100, step=15.0)) == []


def test_a_near_loop_is_caught_by_compression():
    texts = []
    for number in range(14):
        texts += ["and", "then", "we", "go", "to", "the", "next", "step", "number", str(number)]
    assert "loop" in kinds(heard(texts))


def test_unsure_words_are_one_stretch_and_short_doubt_is_none():
    sure, unsure = heard(TALK[:30]).words, heard(TALK[:30], p=0.2).words
    words = tuple(
        replace(word, start_s=index * 0.4, end_s=index * 0.4 + 0.3)
        for index, word in enumerate((*sure, *unsure, *sure))
    )
    found = flags(heard(TALK).model_copy(update={"words": words}))
    assert [doubt.kind for doubt in found if doubt.kind != "loop"] == ["low_probability"]
    (doubt,) = (doubt for doubt in found if doubt.kind == "low_probability")
    assert 20 <= doubt.first_word <= 30
    assert 59 <= doubt.last_word <= 69
    assert kinds(heard(["yes.", "right."], p=0.1)) == []


def test_words_without_probability_are_not_doubted():
    assert kinds(heard(TALK, p=None)) == []


def test_languages():
    assert kinds(heard(TALK, language="de"), "en") == ["language"]
    assert kinds(heard(TALK, language="de")) == []
    assert kinds(heard(TALK, sure=0.3)) == ["language"]
    assert kinds(heard([], language="de"), "en") == []


@given(st.lists(st.sampled_from(["yes", "no", "we", "test", ""]), max_size=80), st.floats(0.05, 5))
def test_any_words_give_doubts_inside_the_stream(texts: list[str], step: float):
    source = heard(texts, step=step)
    for doubt in flags(source, "en"):
        assert 0 <= doubt.start_s <= doubt.end_s <= source.duration_s
        if doubt.first_word is not None:
            assert 0 <= doubt.first_word <= doubt.last_word < len(source.words)
