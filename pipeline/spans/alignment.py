"""Where a quote that is not there word for word most likely came from, and in which words the two differ.

Words and pairs of words that are rare in the text vote for the place (seed), the best places are aligned word by word
with a bounded edit distance (extend). A quote costs a few thousand postings and a few short alignments at most,
whatever the length of the text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from pipeline.spans.stream import Stream, pairs
from pipeline.spans.words import Ints

_BUDGET = 4000  # postings looked at for one quote
_GRAMS = 32  # words and pairs that vote, the rarest first
_RIVALS = 4  # places aligned
_WORTH = 0.6  # of the best place's votes; below, a place cannot come out better


class Difference(NamedTuple):
    """Words of the text [a, b) against words of the quote [c, d); equal words lie before and after."""

    a: int
    b: int
    c: int
    d: int


class Votes(NamedTuple):
    """Matching words and pairs, one row each: place in the text, place in the quote, weight in bits."""

    there: Ints
    here: Ints
    bits: npt.NDArray[np.float64]


def seeds(stream: Stream, quote: Ints) -> list[tuple[int, int]]:
    """Up to four (place in the quote, place in the text) of rare matching words, the likeliest place first."""
    votes = _votes(stream, quote)
    if not len(votes.there):
        return []
    order = np.argsort(votes.there - votes.here, kind="stable")
    there, here, bits = votes.there[order], votes.here[order], votes.bits[order]
    begins = there - here  # where the quote would begin
    slack = 4 + min(len(quote) // 4, 20)  # words that a quote may leave out or add on its way
    ends = np.searchsorted(begins, begins + slack, "right")
    sums = np.concatenate([np.zeros(1), np.cumsum(bits)])
    support = sums[ends] - sums[:-1]
    enough = max(float(support.max()) * _WORTH, 1e-9)
    chosen: list[tuple[int, int]] = []
    while len(chosen) < _RIVALS and support[at := int(np.argmax(support))] >= enough:
        rarest = at + int(np.argmax(bits[at : ends[at]]))
        chosen.append((int(here[rarest]), int(there[rarest])))
        support[np.searchsorted(begins, begins[at] - slack) : ends[at]] = 0
    return chosen


def _votes(stream: Stream, quote: Ints) -> Votes:
    """Where the rarest words and pairs of the quote stand in the text, within the budget."""
    low, high = stream.singles.ranges(quote)
    low_pair, high_pair = stream.doubles.ranges(pairs(quote))
    low, count = np.concatenate([low, low_pair]), np.concatenate([high - low, high_pair - low_pair])
    order = np.argsort(count, kind="stable")
    order = order[count[order] > 0][:_GRAMS]
    order = order[np.cumsum(count[order]) <= _BUDGET]
    there = [
        (stream.singles if at < len(quote) else stream.doubles).at(int(low[at]), int(low[at] + count[at]))
        for at in order.tolist()
    ]
    here = np.where(order < len(quote), order, order - len(quote))
    bits = np.log2(1 + len(stream.ids) / count[order])
    return Votes(
        np.concatenate([np.empty(0, np.int64), *there]),
        np.repeat(here, count[order]),
        np.repeat(bits, count[order]),
    )


def align(stream: Stream, quote: list[int], seed: tuple[int, int], most: int) -> tuple[int, int] | None:
    """The words [first, last) of the text nearest to the quote around a seed; None where they are past `most` edits."""
    here, there = seed
    before = stream.ids[max(0, there - here - most) : there].tolist()
    left, edits = _nearest(quote[:here][::-1], before[::-1], most)
    if edits > most:
        return None
    after = stream.ids[there : there + len(quote) - here + most].tolist()
    right, edits = _nearest(quote[here:], after, most - edits)
    return None if right == 0 else (there - left, there + right)


def run(stream: Stream, quote: Ints, seed: tuple[int, int]) -> tuple[int, int]:
    """The longest run [first, last) of the quote around a seed that stands in the text word for word."""
    here, there = seed
    first, last, shift = here, here + 1, there - here
    while first > 0 and first + shift > 0 and quote[first - 1] == stream.ids[first - 1 + shift]:
        first -= 1
    while last < len(quote) and last + shift < len(stream.ids) and quote[last] == stream.ids[last + shift]:
        last += 1
    return first, last


def _nearest(part: list[int], window: list[int], most: int) -> tuple[int, int]:
    """How many words from the front of `window` come nearest to `part`, and in how many edits (`most` + 1: too many).

    Of equals, one whose last word is the part's. A length that differs by k costs at least k edits, so the search
    widens only while that can still pay.
    """
    best, chosen, agrees = most + 1, 0, False
    for shift in range(most + 1):
        if shift > best:
            break
        for length in {len(part) - shift, len(part) + shift}:
            if not 0 <= length <= len(window):
                continue
            edits = Levenshtein.distance(part, window[:length], score_cutoff=best)
            same_end = bool(part) and length > 0 and part[-1] == window[length - 1]
            if edits < best or (edits == best <= most and same_end and not agrees):
                best, chosen, agrees = edits, length, same_end
    return chosen, best


def differences(text: list[int], quote: list[int]) -> list[Difference]:
    """Where two runs of words differ, neighbouring edits taken as one passage."""
    found: list[Difference] = []
    for op in Levenshtein.opcodes(text, quote):
        if op.tag == "equal":
            continue
        if found and found[-1].b == op.src_start and found[-1].d == op.dest_start:
            found[-1] = found[-1]._replace(b=op.src_end, d=op.dest_end)
        else:
            found.append(Difference(op.src_start, op.src_end, op.dest_start, op.dest_end))
    return found
