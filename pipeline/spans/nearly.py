"""The places in a text that a quote may come from with a few words differing, the likeliest first."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.spans.alignment import align, differences
from pipeline.spans.reading import Index, Quote
from pipeline.spans.stream import Stream
from pipeline.spans.verdict import Passage, Refusal, cut_short, judge, kindest, meaning
from pipeline.spans.words import Ints

_LEFT_OUT = 40  # soft words that a long quote may leave out
_HOPELESS = 2  # times the words that may differ, and three, unheard: not worth weighing
_FURTHER = 6  # words by which an end may be moved


class Place(NamedTuple):
    """Words [first, last) of the core, and what stands against the quote there; sorts the likeliest first."""

    cost: float
    refused: bool
    first: int
    last: int
    refusal: Refusal


def near_places(source: Index, quote: Quote, likely: list[tuple[int, int]]) -> list[Place]:
    """Places around the likely seeds whose differences are few enough, in order, none told twice."""
    most = 2 + int(quote.allowed) + min(len(quote.core) // 3, _LEFT_OUT)
    found: list[Place] = []
    for seed in likely:
        span = align(source.solid, quote.solid.tolist(), seed, most)
        if span is None:
            continue
        first, last = int(source.solid_at[span[0]]), int(source.solid_at[span[1] - 1]) + 1
        if all(first != other.first for other in found):
            found.append(_settled(source, quote, _judged(source, quote, first, last)))
    kept: list[Place] = []
    for place in sorted(found):
        again = any(place.first < other.last and other.first < place.last for other in kept)
        if place.cost <= quote.allowed and not again:
            kept.append(place)
    return kept


def cut_off(source: Index, stream: Stream, last: int) -> bool:
    """True where a passage that ends before the word `last` cuts a negation off: `did|n't`, `we did | not.`"""
    if not 0 < last < len(stream.ids):
        return False
    if stream.starts[last] == stream.starts[last - 1]:
        return True
    between = source.text[int(stream.ends[last - 1]) : int(stream.starts[last])]
    if len(between) > 8 or not between.isspace():
        return False
    onwards = source.text[int(stream.ends[last]) : int(stream.ends[last]) + 8]
    return cut_short(source.keys[int(stream.ids[last - 1])], source.keys[int(stream.ids[last])], onwards)


def _judged(source: Index, quote: Quote, first: int, last: int) -> Place:
    """The quote against the words [first, last) of the core."""
    ids = source.core.ids[first:last].tolist()
    text = [source.keys[at] for at in ids]
    passages = []
    differing = differences(ids, quote.core.tolist())
    unheard = sum(d - c for _, _, c, d in differing)
    if unheard > _HOPELESS * (quote.allowed + 3):
        return Place(float(unheard), False, first, last, "")
    for a, b, c, d in differing:
        said = text[a:b] if c < d else kindest(text, a, b)
        if c < d or not _stuttered(text, a, b, meaning(said)):
            passages.append(Passage(said, quote.core_keys[c:d]))
    cost, refusal = judge(passages, text, quote.core_keys)
    if cut_off(source, source.core, last):
        refusal = "rejected-negation"
    return Place(cost, bool(refusal), first, last, refusal)


def _stuttered(text: list[str], first: int, last: int, said: list[str]) -> bool:
    """True where the words [first, last) of the text, in substance `said`, are said twice and quoted once."""
    size = len(said)
    return size > 0 and said in (text[last : last + size], text[max(0, first - size) : first])


def _settled(source: Index, quote: Quote, place: Place) -> Place:
    """The place with its ends moved by a few words where that makes the differences smaller.

    The edit distance cannot tell `twenty-five` for `25`, or four fillers left out, from other words at the edge.
    """
    if place.cost > quote.allowed + 4:
        return place
    ids = source.core.ids
    firsts = _ends_to_try(ids, place.first, int(quote.core[0]))
    tried = [_judged(source, quote, first, place.last) for first in firsts if first < place.last]
    place = min([place, *tried], key=lambda one: (one.cost, one.refused))
    lasts = [at + 1 for at in _ends_to_try(ids, place.last - 1, int(quote.core[-1]))]
    tried = [_judged(source, quote, place.first, last) for last in lasts if last > place.first]
    return min([place, *tried], key=lambda one: (one.cost, one.refused))


def _ends_to_try(ids: Ints, at: int, wanted: int) -> list[int]:
    """Places around `at` where the wanted word stands; the next ones anyway where it does not stand at `at`."""
    around = range(max(0, at - _FURTHER), min(len(ids), at + _FURTHER + 1))
    next_to = 0 if ids[at] == wanted else 2
    return [other for other in around if other != at and (abs(other - at) <= next_to or ids[other] == wanted)]
