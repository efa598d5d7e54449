from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import lines_of, said, transcripts, utterances

from pipeline.lines import MAX_WORDS, assemble, cut_lines, respeak, weave
from pipeline.lines import utterances as cut_stream
from pipeline.records import Heard, HeardWord, Transcript, Utterance


def heard(speaker: str, *words: tuple[str, float, float]) -> Heard:
    return Heard(speaker=speaker, words=tuple(HeardWord(text=t, start_s=a, end_s=b) for t, a, b in words))


@given(transcripts())
def test_every_word_lies_in_exactly_one_line(transcript: Transcript):
    lines = cut_lines(transcript)
    words = iter(transcript.words)
    for line in lines:
        inside = [
            next(words) for _ in range(sum(line.start <= w.start and w.end <= line.end for w in transcript.words))
        ]
        assert 1 <= len(inside) <= MAX_WORDS
        assert {word.speaker for word in inside} == {line.speaker}
        assert (inside[0].start, inside[-1].end) == (line.start, line.end)
        assert line.start_s == min(word.start_s for word in inside)
        assert line.end_s == max(word.end_s for word in inside)
    assert next(words, None) is None


@given(transcripts())
def test_lines_are_slices_in_order_that_leave_out_white_space_only(transcript: Transcript):
    lines = cut_lines(transcript)
    assert [line.line for line in lines] == list(range(1, len(lines) + 1))
    end = 0
    for line in lines:
        assert line.text == transcript.text[line.start : line.end]
        assert not transcript.text[end : line.start].strip()
        end = line.end
    assert not transcript.text[end:].strip()


@given(transcripts())
def test_a_turn_is_one_speaker_and_the_next_turn_another(transcript: Transcript):
    lines = cut_lines(transcript)
    for before, line in pairwise(lines):
        assert line.turn - before.turn == (line.speaker != before.speaker)
        assert before.start_s <= before.end_s


@given(transcripts())
def test_times_lie_inside_the_recording(transcript: Transcript):
    for word in transcript.words:
        assert 0 <= word.start_s <= word.end_s
        if transcript.duration_s:
            assert word.end_s <= transcript.duration_s


@given(st.lists(utterances(), max_size=6))
def test_the_text_of_what_was_said_stands_unchanged(spoken: list[Utterance]):
    transcript = assemble("i-1", spoken, source="test")
    at = 0
    for utterance in spoken:
        at = transcript.text.index(utterance.text, at) + len(utterance.text)
    joined = sum(len(u.text) for u in spoken) + max(len(spoken) - 1, 0)
    assert len(transcript.text) == joined


def test_lines_end_with_sentences_but_not_with_abbreviations():
    lines = lines_of(("right", "I log e.g. the id. Then I run it. Dr. No said so. it went on"))
    assert [line.text for line in lines] == ["I log e.g. the id.", "Then I run it.", "Dr. No said so. it went on"]


def test_a_long_line_is_cut_at_a_comma_near_its_middle():
    long = " ".join([*["word"] * 14, "comma,", *["word"] * 20])
    lines = lines_of(("right", long))
    assert [len(line.text.split()) for line in lines] == [15, 20]


def test_a_pause_ends_a_line():
    stream = heard("right", (" I", 0.0, 0.2), (" think", 0.2, 0.4), (" so", 3.0, 3.2))
    transcript = assemble("i-1", weave([stream]), source="test", duration_s=4)
    assert [line.text for line in cut_lines(transcript)] == ["I think", "so"]


def test_two_streams_are_woven_by_time_and_never_mixed_within_a_sentence():
    asks = heard("left", (" Does", 0.0, 0.2), (" it", 0.2, 0.3), (" fail?", 0.3, 0.6), (" Good.", 2.0, 2.2))
    says = heard("right", (" Yes", 0.5, 0.7), (" it", 0.7, 0.8), (" does.", 0.8, 1.2))
    transcript = assemble("i-1", weave([says, asks]), source="test", duration_s=3)
    assert transcript.text == "Does it fail?\nYes it does.\nGood."
    assert [line.speaker for line in cut_lines(transcript)] == ["left", "right", "left"]


def test_a_stream_is_cut_at_sentence_ends_and_pauses():
    stream = heard("x", (" One", 0, 0.1), (" two.", 0.1, 0.2), (" Three", 0.2, 0.3), (" four", 5.0, 5.1))
    assert [u.text for u in cut_stream(stream)] == ["One two.", "Three", "four"]


def test_words_without_a_leading_space_are_set_apart():
    stream = heard("x", ("One", 0, 0.1), ("two", 0.1, 0.2))
    assert [u.text for u in cut_stream(stream)] == ["One two"]


def test_nothing_heard_is_an_empty_transcript_without_lines():
    transcript = assemble("i-1", [], source="test", duration_s=60)
    assert (transcript.text, transcript.words, cut_lines(transcript)) == ("", (), [])


def test_the_hash_names_the_words_their_times_and_the_interview():
    first = said(("right", "I run it"))
    assert first.transcript_hash == said(("right", "I run it")).transcript_hash
    others = [said(("right", "I ran it")), said(("left", "I run it")), said(("right", "I run it"), pace_s=0.5)]
    elsewhere = assemble("i-2", [], source="test")
    assert len({t.transcript_hash for t in [first, *others, elsewhere, assemble("i-1", [], source="test")]}) == 6


def test_a_word_that_its_utterance_does_not_hold_is_an_error():
    wrong = Utterance(speaker="x", text="one", words=(HeardWord(text="two", start_s=0, end_s=1),))
    with pytest.raises(ValueError, match="not in its utterance"):
        assemble("i-1", [wrong], source="test")


@given(transcripts(), st.lists(st.tuples(st.integers(-2, 40), st.integers(-2, 40), st.sampled_from("ab")), max_size=4))
def test_giving_lines_to_another_speaker_moves_no_text(transcript: Transcript, moved: list[tuple[int, int, str]]):
    lines = cut_lines(transcript)
    after = respeak(lines, moved)
    keep = {"line", "start", "end", "start_s", "end_s", "text"}
    assert [n.model_dump(include=keep) for n in after] == [n.model_dump(include=keep) for n in lines]
    for before, line in pairwise(after):
        assert line.turn - before.turn == (line.speaker != before.speaker)
    for line in after:
        named = [who for first, last, who in moved if first <= line.line <= last]
        assert line.speaker == (named[-1] if named else lines[line.line - 1].speaker)
