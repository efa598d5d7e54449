"""Doubts about what was heard: loops, stretches of unsure words, the wrong language. It flags and never deletes.

A speech model that loses the thread repeats itself, guesses, or answers in another language. A person who should look
at such a stretch is told where it is; the words stay, because a short reply said many times is a true reply. Details
hold counts and times, never words.
"""

from __future__ import annotations

import zlib
from typing import Literal

from pipeline.records import Heard, HeardWord, Record

MAX_PHRASE = 12  # words of the longest phrase whose repetition is looked for
PAUSE_S = 2.0  # replies further apart than this are separate replies, not a loop
# Whisper's own limit for a text that compresses too well (its `compression_ratio_threshold`); plain talk is near 1.7.
COMPRESSION = 2.4
COMPRESSION_WORDS = 60
UNSURE = 0.4
UNSURE_WORDS = 12
LANGUAGE_UNSURE = 0.5


class Doubt(Record):
    """One stretch of a stream that a person should listen to. Word indexes are inclusive; None means the stream."""

    kind: Literal["loop", "low_probability", "language"]
    detail: str
    start_s: float
    end_s: float
    first_word: int | None = None
    last_word: int | None = None


def flags(heard: Heard, expected_language: str | None = None) -> tuple[Doubt, ...]:
    """All doubts about one stream, in order of time."""
    found = [*_language(heard, expected_language), *_loops(heard.words), *_unsure(heard.words)]
    return tuple(sorted(found, key=lambda doubt: (doubt.start_s, doubt.kind)))


def _language(heard: Heard, expected: str | None) -> list[Doubt]:
    if not heard.words or heard.language is None:
        return []
    sure = heard.language_probability
    if expected and heard.language != expected:
        detail = f"heard as '{heard.language}', expected '{expected}'"
    elif sure is not None and sure < LANGUAGE_UNSURE:
        detail = f"heard as '{heard.language}' with probability {sure:.2f} only"
    else:
        return []
    return [Doubt(kind="language", detail=detail, start_s=0.0, end_s=heard.duration_s)]


def _loops(words: tuple[HeardWord, ...]) -> list[Doubt]:
    """Phrases said over and over without a pause, then passages that compress as no talk does."""
    plain = ["".join(filter(str.isalnum, word.text.casefold())) for word in words]
    found = []
    runs = _breathless(words)
    for first, last in runs:
        index = first
        while index <= last:
            size, times = _repetition(plain, index, last)
            if times:
                end = index + size * times - 1
                found.append(_doubt("loop", f"the same {size} words {times} times in a row", words, index, end))
                index = end + 1
            else:
                index += 1
    covered = {index for doubt in found for index in range(doubt.first_word or 0, (doubt.last_word or 0) + 1)}
    for first, last in (window for run in runs for window in _windows(*run)):
        text = " ".join(plain[first : last + 1]).encode()
        ratio = len(text) / len(zlib.compress(text))
        if ratio > COMPRESSION and covered.isdisjoint(range(first, last + 1)):
            found.append(_doubt("loop", f"text repeats itself (compression {ratio:.1f})", words, first, last))
            covered.update(range(first, last + 1))
    return found


def _repetition(plain: list[str], index: int, last: int) -> tuple[int, int]:
    """Size of the phrase at `index` and how often it follows itself, or (0, 0) where that is ordinary speech.

    People do say "no no no no" and "step by step by step": ten single words, six pairs, or four longer phrases are
    beyond that.
    """
    for size in range(1, MAX_PHRASE + 1):
        phrase, times = plain[index : index + size], 1
        while plain[index + size * times : index + size * (times + 1)] == phrase and index + size * times <= last:
            times += 1
        while index + size * times - 1 > last:
            times -= 1
        if times >= (10 if size == 1 else 6 if size == 2 else 4):
            return size, times
    return 0, 0


def _unsure(words: tuple[HeardWord, ...]) -> list[Doubt]:
    """Stretches of at least a dozen words whose mean probability is low; touching ones are one."""
    found: list[Doubt] = []
    stretch: tuple[int, int] | None = None
    given = [1.0 if word.probability is None else word.probability for word in words]
    total = sum(given[:UNSURE_WORDS])
    for first in range(len(words) - UNSURE_WORDS + 1):
        last = first + UNSURE_WORDS - 1
        if total < UNSURE * UNSURE_WORDS:
            if stretch and first <= stretch[1] + 1:
                stretch = stretch[0], last
            else:
                found += _unsure_doubt(words, given, stretch)
                stretch = first, last
        total += (given[last + 1] if last + 1 < len(given) else 0.0) - given[first]
    return found + _unsure_doubt(words, given, stretch)


def _unsure_doubt(words: tuple[HeardWord, ...], given: list[float], stretch: tuple[int, int] | None) -> list[Doubt]:
    if stretch is None:
        return []
    first, last = stretch
    mean = sum(given[first : last + 1]) / (last - first + 1)
    return [_doubt("low_probability", f"{last - first + 1} words, mean probability {mean:.2f}", words, first, last)]


def _breathless(words: tuple[HeardWord, ...]) -> list[tuple[int, int]]:
    """Runs of words without a pause, as inclusive index pairs."""
    runs: list[tuple[int, int]] = []
    for index, word in enumerate(words):
        if runs and word.start_s - words[index - 1].end_s <= PAUSE_S:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs


def _windows(first: int, last: int) -> list[tuple[int, int]]:
    """Half-overlapping windows of a run; none when the run is shorter than a window."""
    size = COMPRESSION_WORDS
    return [(start, start + size - 1) for start in range(first, last - size + 2, size // 2)]


def _doubt(
    kind: Literal["loop", "low_probability"], detail: str, words: tuple[HeardWord, ...], first: int, last: int
) -> Doubt:
    return Doubt(
        kind=kind,
        detail=detail,
        start_s=words[first].start_s,
        end_s=words[last].end_s,
        first_word=first,
        last_word=last,
    )
