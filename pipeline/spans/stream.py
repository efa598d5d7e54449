"""A text as a stream of word numbers with postings: where a word, a pair of words or a whole run of words stands.

Looking a run up costs the postings of its rarest pair, not the length of the text, and stays linear in the text where
the text is one word repeated: a rolling hash settles all starts of a run at once.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.spans.lexicon import BACKCHANNEL, EMPTY_PAIRS, HESITATION
from pipeline.spans.words import Ints, Words

Mask = npt.NDArray[np.bool_]

_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no power of it vanishes modulo 2**64
_PAIR = 32  # a pair of word numbers is one number: first << 32 | second
_MANY = 64  # from here on the rolling hash is cheaper than comparing start by start
_BACKCHANNEL_WORDS = 4
_BROKEN = 2  # words a line or fewer: the lines are not turns


class Postings:
    """Sorted values with the positions at which they stand."""

    def __init__(self, values: Ints) -> None:
        self._order: Ints = np.argsort(values, kind="stable")
        self._sorted: Ints = values[self._order]

    def ranges(self, wanted: Ints) -> tuple[Ints, Ints]:
        """First and last (exclusive) rank of each wanted value; `at` turns ranks into positions."""
        return np.searchsorted(self._sorted, wanted, "left"), np.searchsorted(self._sorted, wanted, "right")

    def at(self, first: int, last: int) -> Ints:
        """Ascending positions of the ranks first to last (exclusive)."""
        return self._order[first:last]


def pairs(ids: Ints) -> Ints:
    """Each word number with its successor, as one number; one shorter than `ids`."""
    return (ids[:-1] << _PAIR) | ids[1:]


@dataclass(frozen=True)
class Stream:
    """Word numbers in order, each with the place of its word in the original text."""

    ids: Ints
    starts: Ints
    ends: Ints

    @cached_property
    def singles(self) -> Postings:
        """Postings of the words."""
        return Postings(self.ids)

    @cached_property
    def doubles(self) -> Postings:
        """Postings of neighbouring words."""
        return Postings(pairs(self.ids))

    @cached_property
    def _powers(self) -> npt.NDArray[np.uint64]:
        powers = np.full(len(self.ids) + 1, _BASE, dtype=np.uint64)
        powers[0] = 1
        return np.cumprod(powers, dtype=np.uint64)

    @cached_property
    def _sums(self) -> npt.NDArray[np.uint64]:
        terms = (self.ids.astype(np.uint64) + np.uint64(1)) * self._powers[:-1]
        return np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])

    def warmed(self) -> Stream:
        """Itself, with every table built: what `index` pays once, so that no quote does."""
        _ = self.singles, self.doubles, self._sums
        return self

    def slice(self, keep: Mask | Ints) -> Stream:
        """The stream of the words kept, by mask or by place."""
        return Stream(self.ids[keep], self.starts[keep], self.ends[keep])

    def occurrences(self, wanted: Ints, limit: int, near: int | None = None) -> list[int]:
        """Up to `limit` places where the run `wanted` begins, nearest to the offset `near` first, else in order."""
        size = len(wanted)
        if not 0 < size <= len(self.ids):
            return []
        table, grams = (self.singles, wanted) if size == 1 else (self.doubles, pairs(wanted))
        first, last = table.ranges(grams)
        rarest = int(np.argmin(last - first))
        found = table.at(int(first[rarest]), int(last[rarest])) - rarest
        found = found[(found >= 0) & (found <= len(self.ids) - size)]
        if len(found) > _MANY:
            terms = (wanted.astype(np.uint64) + np.uint64(1)) * self._powers[:size]
            goal = np.sum(terms, dtype=np.uint64)
            found = found[self._sums[found + size] - self._sums[found] == goal * self._powers[found]]
        if near is not None:
            found = found[np.argsort(np.abs(self.starts[found] - near), kind="stable")]
        equal = (int(at) for at in found if np.array_equal(self.ids[at : at + size], wanted))
        return list(islice(equal, limit))


_CLOCK = r"\d\d?:\d\d(?::\d\d)?(?:[.,]\d{1,3})?"
_ROLE = re.compile(r"interviewer|interviewee|candidate|host|guest|speaker[ _-]?\w{1,3}|unknown")
_LABEL = re.compile(
    r"^[^\S\n]*(?P<notes>(?:[\[(<][^\])>\n]{1,60}[\])>][^\S\n]*){0,4})"
    rf"(?:(?:{_CLOCK}[^\S\n]+)?(?P<name>[^\W_][\w.'’-]{{0,40}}(?:[ _][\w.'’()-]{{1,40}}){{0,3}}?)[^\S\n]*"
    rf"(?:(?:\(?{_CLOCK}\)?)?:(?=\s)|\(?{_CLOCK}\)?[^\S\n]*$))?",
    re.MULTILINE,
)  # [Ana] [00:01:02], Ana Lopez:, 0:05 Ana:, Ana (0:05):, and a line of its own: Ana Lopez  0:05
_CUE = re.compile(r"^[^\S\n]*[\d:.,]{5,16} +--> .{0,120}$|</?(?:v|c|b|i|u)\b[^>\n]{0,80}>", re.MULTILINE)


class Talkers(NamedTuple):
    """Who speaks in a text, by the labels at the start of its lines, and the stretches that are labels, not speech."""

    names: frozenset[str]
    labels: list[tuple[int, int]]


def talkers(text: str, known: frozenset[str] | None = None) -> Talkers:
    """Labels, cue times and bracketed notes at the start of the lines of `text`, which nobody said.

    A name counts as a label when it is a role or starts two lines or more: a single `Note: ...` remains speech. With
    `known` the text is a quote: it can bring in no name, and no note that would hide a word of it.
    """
    labels = [match.span() for match in _CUE.finditer(text)]
    found = [match for match in _LABEL.finditer(text) if match.end() > match.start()]
    heads = [[_folded(part) for part in (match["notes"], match["name"])] for match in found]
    times = Counter(name for head in heads for name in head if name)
    names = frozenset(name for name in times if times[name] > 1 or _ROLE.fullmatch(name)) if known is None else known
    for match, (note, name) in zip(found, heads, strict=True):
        if known is None or not note or note in names:
            labels.append((match.start(), match.end() if name in names else match.end("notes")))
    return Talkers(names, labels)


def _folded(label: str | None) -> str:
    """A label's words: case, brackets and times aside."""
    return " ".join(re.sub(rf"{_CLOCK}|[\[\]()<>]", " ", label or "").casefold().split())


def speech(text: str, words: Words, labels: list[tuple[int, int]]) -> Mask:
    """Which words carry speech: not labels, hesitations or a listener's short line."""
    starts = words.starts
    edges = np.searchsorted(starts, np.asarray(labels, dtype=np.int64).reshape(-1, 2))
    depth = np.zeros(len(starts) + 1, dtype=np.int64)
    np.add.at(depth, edges[:, 0], 1)
    np.add.at(depth, edges[:, 1], -1)
    keep: Mask = np.cumsum(depth[:-1]) == 0
    kinds = {key: 0 if HESITATION.fullmatch(key) else 1 if key in BACKCHANNEL else 2 for key in set(words.keys)}
    kind = np.fromiter((kinds[key] for key in words.keys), dtype=np.int64, count=len(words.keys))
    breaks = [match.start() for match in re.finditer("\n", text)]
    if breaks and len(starts) > _BROKEN * len(breaks):
        line = np.searchsorted(np.asarray(breaks), starts)
        said = np.bincount(line[keep], minlength=len(breaks) + 1)
        content = np.bincount(line[keep & (kind == 2)], minlength=len(breaks) + 1)
        keep &= ~((content == 0) & (said <= _BACKCHANNEL_WORDS))[line]
    return keep & (kind > 0)


def empty_pairs(ids: Ints, vocabulary: dict[str, int]) -> Mask:
    """Which words are one of a pair that says nothing: `you know`, `I mean`."""
    empty = np.zeros(len(ids), dtype=bool)
    for first, second in EMPTY_PAIRS:
        if first in vocabulary and second in vocabulary:
            at = np.flatnonzero((ids[:-1] == vocabulary[first]) & (ids[1:] == vocabulary[second]))
            empty[at] = empty[at + 1] = True
    return empty
