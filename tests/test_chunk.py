from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import lines_of, turns_of

from pipeline.chunk import cut_chunks
from pipeline.records import Line

TURNS = st.lists(st.one_of(st.integers(1, 6), st.integers(1, 90)), min_size=1, max_size=40)
SIZES = st.integers(20, 200)
MARGINS = st.integers(0, 5)


def core_of(size: int) -> int:
    return size - 2 * (size // 8)


@given(TURNS, SIZES, MARGINS)
def test_chunks_cover_every_line_and_are_never_too_long(turns: list[int], size: int, margin: int):
    lines = turns_of(*turns)
    chunks = cut_chunks(lines, chunk_lines=size, margin_turns=margin)
    assert [chunk.chunk for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert all(1 <= c.first_line <= c.last_line and c.last_line - c.first_line < size for c in chunks)
    assert (chunks[0].first_line, chunks[-1].last_line) == (1, len(lines))
    for before, chunk in pairwise(chunks):
        assert before.first_line < chunk.first_line <= before.last_line + 1
        assert before.last_line < chunk.last_line


@given(TURNS, SIZES, MARGINS)
def test_only_a_turn_longer_than_a_chunk_is_cut(turns: list[int], size: int, margin: int):
    lines = turns_of(*turns)
    for chunk in cut_chunks(lines, chunk_lines=size, margin_turns=margin):
        for edge, beyond in ((chunk.first_line, chunk.first_line - 1), (chunk.last_line, chunk.last_line + 1)):
            if 1 <= beyond <= len(lines) and lines[edge - 1].turn == lines[beyond - 1].turn:
                assert turns[lines[edge - 1].turn - 1] > core_of(size)


@given(TURNS, SIZES)
def test_every_turn_that_fits_stands_whole_in_some_chunk(turns: list[int], size: int):
    lines = turns_of(*turns)
    chunks = cut_chunks(lines, chunk_lines=size, margin_turns=2)
    at = 1
    for length in turns:
        if length <= core_of(size):
            assert any(c.first_line <= at and at + length - 1 <= c.last_line for c in chunks)
        at += length


@given(st.integers(2, 400), SIZES, MARGINS)
def test_neighbours_share_a_margin_of_turns_on_both_sides(count: int, size: int, margin: int):
    chunks = cut_chunks(turns_of(*[1] * count), chunk_lines=size, margin_turns=margin)
    for before, chunk in pairwise(chunks):
        shared = before.last_line - chunk.first_line + 1
        left = len([c for c in chunks if c.chunk > before.chunk])
        assert shared == 2 * min(margin, size // 8) or left == 1  # the last chunk may have fewer turns to give


@given(TURNS, SIZES)
def test_what_fits_into_one_chunk_is_one_chunk(turns: list[int], size: int):
    chunks = cut_chunks(turns_of(*turns), chunk_lines=size, margin_turns=2)
    assert (len(chunks) == 1) == (sum(turns) <= size)


def test_margins_are_capped_at_an_eighth_of_a_chunk():
    lines = turns_of(*[5] * 40)  # a turn of 5 lines does not fit into a margin of 20 // 8 = 2
    assert all(a.last_line + 1 == b.first_line for a, b in pairwise(cut_chunks(lines, chunk_lines=20)))


def test_the_splitter_keeps_count_of_lines_whatever_is_in_them():
    odd = ["a\nb", "", "\n", "c d", " e ", "\u2028", "\r\n", "f" * 500]
    lines = [line.model_copy(update={"text": odd[line.line % len(odd)]}) for line in turns_of(300)]
    chunks = cut_chunks(lines, chunk_lines=40, margin_turns=0)
    assert [(c.first_line, c.last_line) for c in chunks][:3] == [(1, 30), (31, 60), (61, 90)]
    assert chunks[-1].last_line == 300


@given(st.integers(31, 500), st.lists(st.text(max_size=5), min_size=1, max_size=9))
def test_an_over_long_turn_is_cut_without_losing_a_line(length: int, texts: list[str]):
    lines = [line.model_copy(update={"text": texts[line.line % len(texts)]}) for line in turns_of(2, length, 3)]
    chunks = cut_chunks(lines, chunk_lines=40, margin_turns=0)
    covered = [n for c in chunks for n in range(c.first_line, c.last_line + 1)]
    assert covered == list(range(1, length + 6))


def test_a_splitter_that_loses_text_stops_the_run(monkeypatch: pytest.MonkeyPatch):
    import langchain_text_splitters

    class Lossy:
        def __init__(self, **_: object) -> None: ...

        def split_text(self, text: str) -> list[str]:
            return [text[:-5]]

    monkeypatch.setattr(langchain_text_splitters, "RecursiveCharacterTextSplitter", Lossy)
    with pytest.raises(AssertionError, match="lost text"):
        cut_chunks(turns_of(50), chunk_lines=20)


def test_no_lines_make_no_chunks():
    no_lines: list[Line] = []
    assert cut_chunks(no_lines) == []


def test_a_short_interview_is_one_chunk():
    lines = lines_of(("left", "Does it fail?"), ("right", "Yes, every time."))
    assert [(c.first_line, c.last_line) for c in cut_chunks(lines)] == [(1, 2)]
