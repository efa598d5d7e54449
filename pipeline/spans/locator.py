"""Locate a quote: word for word first, then without what nobody means to quote, then with a few words differing.

Each step is stricter than a similarity score: a quote that stands in two places is not guessed at, and one whose
difference is a negation, a number, an opposite or a joined sentence is refused however alike the rest is.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pipeline.spans.alignment import run, seeds
from pipeline.spans.nearly import cut_off, near_places
from pipeline.spans.reading import ELLIPSIS, Index, Quote, index, read
from pipeline.spans.stream import Stream
from pipeline.spans.words import Ints, cut

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

_PART = 4  # words that a half needs, to be told where it stands
_PARTS = 8  # parts of a joined quote looked for
_LITERAL = 5  # words from which case and punctuation may decide between two places
_LONGEST = 1000  # words up to which a quote may differ; beyond, it is there word for word or not at all
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
    asked = read(source, quote)
    if not len(asked.full):
        return Location("empty")
    found = _word_for_word(source, source.full, asked, asked.full, near)
    if found is None and len(asked.core) > 1:
        found = _word_for_word(source, source.core, asked, asked.core, near)
    if found is None and len(asked.solid) > 1 and 2 < len(asked.core) <= _LONGEST:
        likely = seeds(source.solid, asked.solid)
        found = _nearly(source, asked, likely, near) or _joined(source, asked, likely)
    return found or Location("not-found")


def _word_for_word(source: Index, stream: Stream, asked: Quote, wanted: Ints, near: int | None) -> Location | None:
    size = len(wanted)
    found = stream.occurrences(wanted, _PLACES, near)
    whole = [at for at in found if not cut_off(source, stream, at + size)]
    if not whole:
        return Location("rejected-negation", *_span(stream, found[0], found[0] + size), 1.0) if found else None
    places = [_edges(source.text, *_span(stream, at, at + size), asked) for at in whole]
    quoted = asked.text.strip()
    literal = [place for place in places if source.text[slice(*place)] == quoted]
    if len(places) > 1 and near is None:
        if len(literal) != 1 or size < _LITERAL or len(found) == _PLACES:
            return Location("ambiguous", *places[0], 1.0)
        places = literal
    return Location("exact" if places[0] in literal else "normalised", *places[0], 1.0)


def _nearly(source: Index, asked: Quote, likely: list[tuple[int, int]], near: int | None) -> Location | None:
    places = near_places(source, asked, likely)
    if not places:
        return None
    best = [place for place in places if (place.cost, place.refused) == (places[0].cost, places[0].refused)]
    if near is not None:
        best.sort(key=lambda place: abs(int(source.core.starts[place.first]) - near))
    span = _edges(source.text, *_span(source.core, best[0].first, best[0].last), asked)
    alike: State = "fuzzy" if best[0].cost else "normalised"
    state: State = best[0].refusal or ("ambiguous" if len(best) > 1 and near is None else alike)
    return Location(state, *span, round(1 - best[0].cost / len(asked.core), 4))


def _span(stream: Stream, first: int, last: int) -> tuple[int, int]:
    return int(stream.starts[first]), int(stream.ends[last - 1])


def _edges(text: str, start: int, end: int, asked: Quote) -> tuple[int, int]:
    """The span widened over punctuation at its edges that quote and text share."""
    before, after = asked.text[: int(asked.words.starts[0])].lstrip(), asked.text[int(asked.words.ends[-1]) :].rstrip()
    while before and start and text[start - 1] == before[-1]:
        before, start = before[:-1], start - 1
    while after and end < len(text) and text[end] == after[0]:
        after, end = after[1:], end + 1
    while text[start].isspace():
        start += 1
    while text[end - 1].isspace():
        end -= 1
    return start, end


def _joined(source: Index, asked: Quote, likely: list[tuple[int, int]]) -> Location | None:
    """The places of the parts around an ellipsis, or of the two halves of a quote that was put together."""
    parts = [asked.text]
    if ELLIPSIS.search(asked.text):
        parts = [part for part in ELLIPSIS.split(asked.text) if cut(part).keys]
    if len(parts) > 1:
        found = [_first(source.full, read(source, part).full) for part in parts[:_PARTS]]
    else:
        found = _halves(source.solid, asked.solid, likely)
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
