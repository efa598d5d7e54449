"""A text as a stream of word numbers with postings: where a word, a pair of words or a whole run of words stands.

Looking a run up costs the postings of its rarest pair, not the length of the text, and stays linear in the text where
the text is one word repeated: a rolling hash settles all starts of a run at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import numpy.typing as npt

from pipeline.spans.lexicon import BACKCHANNEL, HESITATION
from pipeline.spans.words import Words

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no power of it vanishes modulo 2**64
_PAIR = 32  # a pair of word numbers is one number: first << 32 | second
_MANY = 64  # from here on the rolling hash is cheaper than comparing start by start
_BACKCHANNEL_WORDS = 4


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

    def slice(self, keep: Mask) -> Stream:
        """The stream of the words kept."""
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


_ROLE = r"interviewer|interviewee|candidate|host|guest|speaker[ _-]?\w{1,3}|unknown"
_LABEL = re.compile(
    r"^[^\S\n]*(?P<before>(?:[\[(<][^\])>\n]{1,60}[\])>][^\S\n]*){0,4})"
    r"(?:(?P<name>[^\W_][\w.'’-]{0,40}(?:[ _][\w.'’()-]{1,40}){0,3})"
    r"[^\S\n]*(?:[\[(]?\d\d?:\d\d(?::\d\d)?[\])]?)?:(?=\s))?",
    re.MULTILINE,
)
_CUE = re.compile(r"^[^\S\n]*[\d:.,]{5,16} +--> .{0,120}$|</?(?:v|c|b|i|u)\b[^>\n]{0,80}>", re.MULTILINE)


def furniture(text: str, names: frozenset[str] = frozenset()) -> tuple[list[tuple[int, int]], frozenset[str]]:
    """Stretches of `text` that nobody said, and the speaker names seen.

    Speaker labels and bracketed notes at the start of a line, cue times. A name counts as one when it is a role, is in
    `names`, or starts two lines or more, so that a single `Note: ...` remains speech.
    """
    stretches = [match.span() for match in _CUE.finditer(text)]
    labels = [match for match in _LABEL.finditer(text) if match.end() > match.start()]
    seen: dict[str, int] = {}
    for match in labels:
        name = (match["name"] or "").casefold()
        seen[name] = seen.get(name, 0) + 1
    known = frozenset(
        name for name, times in seen.items() if name and (times > 1 or name in names or re.fullmatch(_ROLE, name))
    )
    for match in labels:
        said = (match["name"] or "").casefold() not in known
        stretches.append((match.start(), match.end("before") if said else match.end()))
    return [(start, end) for start, end in stretches if end > start], known


def spoken(text: str, words: Words, names: frozenset[str] = frozenset()) -> tuple[Mask, frozenset[str]]:
    """Which words carry speech, and the speaker names: not labels, hesitations or a listener's short line."""
    starts = np.asarray(words.starts, dtype=np.int64)
    keep = np.ones(len(starts), dtype=bool)
    stretches, names = furniture(text, names)
    for start, end in stretches:
        keep[np.searchsorted(starts, start) : np.searchsorted(starts, end)] = False
    kinds = {key: 0 if HESITATION.fullmatch(key) else 1 if key in BACKCHANNEL else 2 for key in set(words.keys)}
    kind = np.fromiter((kinds[key] for key in words.keys), dtype=np.int64, count=len(words.keys))
    if breaks := [match.start() for match in re.finditer("\n", text)]:
        line = np.searchsorted(np.asarray(breaks), starts)
        said = np.bincount(line[keep], minlength=len(breaks) + 1)
        content = np.bincount(line[keep & (kind == 2)], minlength=len(breaks) + 1)
        keep &= ~((content == 0) & (said <= _BACKCHANNEL_WORDS))[line]
    return keep & (kind > 0), names
