"""Locate a quote: word for word first, then without what nobody means to quote, then with a few words differing.

Each step is stricter than a similarity score: a quote that stands in two places is not guessed at, and one whose
difference is a negation, a number, an opposite or a joined sentence is refused however alike the rest is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from pipeline.spans.alignment import align, differences, run, seeds
from pipeline.spans.stream import Ints, Stream, spoken
from pipeline.spans.verdict import Passage, Refusal, allowance, cut_short, judge, kindest
from pipeline.spans.words import Words, cut

State = Literal[
    "exact",
    "normalised",
    "fuzzy",
    "ambiguous",
    "rejected-negation",
    "rejected-number",
    "rejected-swap",
    "rejected-joined",
    "not-found",
    "empty",
]
LOCATED = frozenset({"exact", "normalised", "fuzzy"})
"""The states in which a quote may stand as one."""

_ELLIPSIS = re.compile(r"[\[(]?(?:\.\s?\.[\s.]*|…)[\])]?")
_PART = 4  # words that a half needs, to be told where it stands
_PARTS = 8  # parts of a joined quote looked for
_LITERAL = 5  # words from which case and punctuation may decide between two places
_LONGEST = 1000  # words up to which a quote may differ; beyond, it is there word for word or not at all
_LEFT_OUT = 40  # soft words that a long quote may leave out
_FURTHER = 6  # words by which an end may be moved
_PLACES = 16  # places of a repeated quote looked at


class Located(NamedTuple):
    """Where a quote stands: code points of the original text, end exclusive; score 1.0 is word for word."""

    start: int
    end: int
    score: float


class Location(NamedTuple):
    """What became of a quote.

    `start`, `end` and `score` (share of words that agree, 0 to 1) are of the place found, or of the nearest place for a
    refused or ambiguous quote; None where there is none. `parts` are the places of a joined quote's parts, as far as
    they are found.
    """

    state: State
    start: int | None = None
    end: int | None = None
    score: float = 0.0
    parts: tuple[tuple[int, int], ...] = ()

    @property
    def located(self) -> bool:
        """True where the quote may stand as a quote."""
        return self.state in LOCATED


@dataclass(frozen=True)
class Index:
    """A text made ready for many quotes. `full` holds every word, `core` what is left of speech without noise."""

    text: str
    vocabulary: dict[str, int]
    keys: tuple[str, ...]
    names: frozenset[str]
    full: Stream
    core: Stream


class _Quote(NamedTuple):
    text: str
    words: Words
    full: Ints
    core: Ints
    core_keys: list[str]
    allowed: float  # how many words of the core may differ


class _Place(NamedTuple):
    """Words [first, last) of the core, and what stands against the quote there; sorts the likeliest first."""

    cost: float
    refused: bool
    first: int
    last: int
    refusal: Refusal


def index(text: str) -> Index:
    """Read `text` once, in linear time (about 0.15 s for 100,000 words); offsets refer to exactly this string."""
    words = cut(text)
    keep, names = spoken(text, words)
    vocabulary: dict[str, int] = {}
    ids = [vocabulary.setdefault(key, len(vocabulary)) for key in words.keys]
    full = Stream(*(np.asarray(values, dtype=np.int64) for values in (ids, words.starts, words.ends)))
    return Index(text, vocabulary, tuple(vocabulary), names, full.warmed(), full.slice(keep).warmed())


def locate(text: str | Index, quote: str, near: int | None = None) -> Located | None:
    """The place of `quote` in the text, or None where it is not there, not certain, or says something else.

    `near` is an offset in the text: of several equally good places the one that starts nearest to it is taken.
    Without it a quote that stands in more than one place is not located.
    """
    found = explain(text, quote, near)
    if not found.located or found.start is None or found.end is None:
        return None
    return Located(found.start, found.end, found.score)


def explain(text: str | Index, quote: str, near: int | None = None) -> Location:
    """What became of `quote`, with the reason where it is not located. Never raises on any pair of strings."""
    source = text if isinstance(text, Index) else index(text)
    read = _read(source, quote)
    if not len(read.full):
        return Location("empty")
    found = _word_for_word(source, source.full, read, read.full, near)
    if found is None and len(read.core) > 1:
        found = _word_for_word(source, source.core, read, read.core, near)
    if found is None and 2 < len(read.core) <= _LONGEST:
        likely = seeds(source.core, read.core)
        found = _nearly(source, read, likely, near) or _joined(source, read, likely)
    return found or Location("not-found")


def _read(source: Index, quote: str) -> _Quote:
    words = cut(quote)
    keep, _ = spoken(quote, words, source.names)
    unknown: dict[str, int] = {}
    known = source.vocabulary
    ids = [known[key] if key in known else unknown.setdefault(key, len(known) + len(unknown)) for key in words.keys]
    full = np.asarray(ids, dtype=np.int64)
    core_keys = [words.keys[at] for at in np.flatnonzero(keep).tolist()]
    elided = bool(words.keys) and _ELLIPSIS.search(quote, words.ends[0], words.starts[-1]) is not None
    return _Quote(quote, words, full, full[keep], core_keys, allowance(len(core_keys), elided))


def _word_for_word(source: Index, stream: Stream, read: _Quote, wanted: Ints, near: int | None) -> Location | None:
    size = len(wanted)
    found = stream.occurrences(wanted, _PLACES, near)
    whole = [at for at in found if not _cut_short(source, stream, at + size)]
    if not whole:
        return Location("rejected-negation", *_span(stream, found[0], found[0] + size)) if found else None
    places = [_edges(source.text, *_span(stream, at, at + size), read) for at in whole]
    quoted = read.text.strip()
    literal = [place for place in places if source.text[slice(*place)] == quoted]
    if len(places) > 1 and near is None:
        if len(literal) != 1 or size < _LITERAL or len(found) == _PLACES:
            return Location("ambiguous", *places[0], 1.0)
        places = literal
    return Location("exact" if places[0] in literal else "normalised", *places[0], 1.0)


def _nearly(source: Index, read: _Quote, likely: list[tuple[int, int]], near: int | None) -> Location | None:
    size, stream = len(read.core), source.core
    judged: list[_Place] = []
    for seed in likely:
        span = align(stream, read.core.tolist(), seed, most=2 + int(read.allowed) + min(size // 3, _LEFT_OUT))
        if span is not None and all(span[0] != other.first for other in judged):
            judged.append(_settle(source, read, _judged(source, read, *span)))
    judged = sorted(place for place in judged if place.cost <= read.allowed)
    if not judged:
        return None
    best = [place for place in judged if (place.cost, place.refused) == (judged[0].cost, judged[0].refused)]
    if near is not None:
        best.sort(key=lambda place: abs(int(stream.starts[place.first]) - near))
    span = _edges(source.text, *_span(stream, best[0].first, best[0].last), read)
    alike: State = "fuzzy" if best[0].cost else "normalised"
    state: State = best[0].refusal or ("ambiguous" if len(best) > 1 and near is None else alike)
    return Location(state, *span, round(1 - best[0].cost / size, 4))


def _judged(source: Index, read: _Quote, first: int, last: int) -> _Place:
    """The quote against the words [first, last) of the core."""
    ids = source.core.ids[first:last].tolist()
    text = [source.keys[at] for at in ids]
    passages = []
    for a, b, c, d in differences(ids, read.core.tolist()):
        said = text[a:b] if c < d else kindest(text, a, b)
        stuttered = c == d and said in (text[b : 2 * b - a], text[max(0, 2 * a - b) : a])
        if not stuttered:  # said twice and quoted once
            passages.append(Passage(said, read.core_keys[c:d]))
    cost, refusal = judge(passages, text, read.core_keys)
    if _cut_short(source, source.core, last):
        refusal = "rejected-negation"
    return _Place(cost, bool(refusal), first, last, refusal)


def _settle(source: Index, read: _Quote, place: _Place) -> _Place:
    """The place with its ends moved by a few words where that makes the differences smaller.

    The edit distance cannot tell `twenty-five` for `25`, or four fillers left out, from other words at the edge.
    """
    if place.cost > read.allowed + 4:
        return place
    ids = source.core.ids
    if ids[place.first] != read.core[0]:
        firsts = _ends_to_try(ids, place.first, int(read.core[0]))
        tried = [_judged(source, read, first, place.last) for first in firsts if first < place.last]
        place = min([place, *tried], key=lambda one: (one.cost, one.refused))
    if ids[place.last - 1] != read.core[-1]:
        lasts = [at + 1 for at in _ends_to_try(ids, place.last - 1, int(read.core[-1]))]
        tried = [_judged(source, read, place.first, last) for last in lasts if last > place.first]
        place = min([place, *tried], key=lambda one: (one.cost, one.refused))
    return place


def _ends_to_try(ids: Ints, at: int, wanted: int) -> list[int]:
    """Places next to `at`, and those a little further where the wanted word stands."""
    around = range(max(0, at - _FURTHER), min(len(ids), at + _FURTHER + 1))
    return [other for other in around if other != at and (abs(other - at) < 2 or ids[other] == wanted)]


def _cut_short(source: Index, stream: Stream, last: int) -> bool:
    """True where a passage that ends before the word `last` cuts a negation off: `did|n't`, `did | not`."""
    if not 0 < last < len(stream.ids):
        return False
    if stream.starts[last] == stream.starts[last - 1]:
        return True
    between = source.text[int(stream.ends[last - 1]) : int(stream.starts[last])]
    if len(between) > 8 or not between.isspace():
        return False
    onwards = source.text[int(stream.ends[last]) : int(stream.ends[last]) + 8]
    return cut_short(source.keys[int(stream.ids[last - 1])], source.keys[int(stream.ids[last])], onwards)


def _span(stream: Stream, first: int, last: int) -> tuple[int, int]:
    return int(stream.starts[first]), int(stream.ends[last - 1])


def _edges(text: str, start: int, end: int, read: _Quote) -> tuple[int, int]:
    """The span widened over punctuation at its edges that quote and text share."""
    before, after = read.text[: read.words.starts[0]].lstrip(), read.text[read.words.ends[-1] :].rstrip()
    while before and start and text[start - 1] == before[-1]:
        before, start = before[:-1], start - 1
    while after and end < len(text) and text[end] == after[0]:
        after, end = after[1:], end + 1
    while text[start].isspace():
        start += 1
    while text[end - 1].isspace():
        end -= 1
    return start, end


def _joined(source: Index, read: _Quote, likely: list[tuple[int, int]]) -> Location | None:
    """The places of the parts around an ellipsis, or of the two halves of a quote that was put together."""
    parts = [read.text]
    if _ELLIPSIS.search(read.text):
        parts = [part for part in _ELLIPSIS.split(read.text) if cut(part).keys]
    if len(parts) > 1:
        found = [_first(source.full, _read(source, part).full) for part in parts[:_PARTS]]
    else:
        found = _halves(source.core, read.core, likely)
    places = tuple(place for place in found if place)
    if not places:
        return None
    start, end = min(place[0] for place in places), max(place[1] for place in places)
    return Location("rejected-joined", start, end, round(len(places) / len(found), 4), places)


def _first(stream: Stream, wanted: Ints) -> tuple[int, int] | None:
    found = stream.occurrences(wanted, 1)
    return _span(stream, found[0], found[0] + len(wanted)) if found else None


def _halves(stream: Stream, quote: Ints, likely: list[tuple[int, int]]) -> list[tuple[int, int] | None]:
    """The run that the likeliest place shares with the quote's beginning or end, and the rest where it stands."""
    if not likely:
        return []
    first, last = run(stream, quote, likely[0])
    joint = last if first == 0 else first
    if (first > 0 and last < len(quote)) or not _PART <= joint <= len(quote) - _PART:
        return []
    halves = [_first(stream, quote[:joint]), _first(stream, quote[joint:])]
    return halves if all(halves) else []


def slice_text(text: str, start: int, end: int) -> str:
    """`text[start:end]`; ValueError where the offsets do not lie inside the text in that order."""
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"span {start}-{end} does not lie inside a text of {len(text)} characters")
    return text[start:end]


def overlap(a: tuple[int, int], b: tuple[int, int]) -> int:
    """Number of positions that two half-open spans share."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))
