"""Patterns filed by the words they need, and the search for them in a sentence.

Each pattern is one bit. For every word there are a few integers: the patterns whose first, second, ... need that word
meets. Or-ing the integers of a sentence's words and and-ing the results leaves the patterns that can match at all,
usually a handful of a thousand, and only these are run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from pipeline.lint.alphabet import Alphabet
from pipeline.lint.text import Sentence

_DEPTH = 4  # how many needs of a pattern are looked at
Masks = tuple[int, ...]


class Group(NamedTuple):
    """Patterns of one rule that share their exemptions.

    `evidence` says where an observation excuses a match: nowhere ("none"), in the same sentence ("same"), or also in
    the next and the previous one ("near"). `subject` drops a match whose clause is about something else: about a thing
    ("thing"), or also about the writer ("person").
    """

    code: str
    evidence: str
    subject: str


class Hit(NamedTuple):
    """A pattern matched: the group it belongs to, and the tokens from `start` to before `end`."""

    group: Group
    start: int
    end: int


class Entry(NamedTuple):
    """One pattern ready to run: its expression over the alphabet, and whether it marks the part to report."""

    group: Group
    expression: str
    marked: bool


class Index:
    """Entries and, by word, the masks of the entries that need it."""

    def __init__(self, alphabet: Alphabet, entries: list[Entry], masks: dict[str, Masks], always: Masks) -> None:
        self._alphabet, self.entries, self._masks, self._always = alphabet, entries, masks, always
        self._compiled: list[re.Pattern[str] | None] = [None] * len(entries)

    def search(self, sentence: Sentence) -> list[Hit]:
        """Every match in one sentence, in the order of the text."""
        one, two, three, four = self._always
        for masks in map(self._masks.get, sentence.words):
            if masks is not None:
                one |= masks[0]
                two |= masks[1]
                three |= masks[2]
                four |= masks[3]
        left = one & two & three & four
        if not left:
            return []
        code = self._alphabet.encode(sentence.tokens, sentence.words)
        hits: list[Hit] = []
        while left:  # bit by bit, without a function in between: this is where the time goes
            lowest = left & -left
            left ^= lowest
            number = lowest.bit_length() - 1
            expression = self._compiled[number] or self._compile(number)
            match = expression.search(code)
            while match is not None:
                entry = self.entries[number]
                start, end = match.span(int(entry.marked))
                hits.append(Hit(entry.group, start, end))
                match = expression.search(code, max(end, match.end(), match.start() + 1))
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.group))

    def _compile(self, number: int) -> re.Pattern[str]:
        expression = self._compiled[number] = re.compile(self.entries[number].expression)
        return expression

    def dump(self) -> tuple[Any, ...]:
        """Plain values from which `restored` makes the index again."""
        groups = sorted({entry.group for entry in self.entries})
        rows = [(groups.index(entry.group), entry.expression, entry.marked) for entry in self.entries]
        return [tuple(group) for group in groups], rows, self._masks, self._always


def restored(alphabet: Alphabet, dumped: tuple[Any, ...]) -> Index:
    """The index that `dump` described."""
    groups, rows, masks, always = dumped
    known = [Group(*group) for group in groups]
    return Index(alphabet, [Entry(known[at], expression, marked) for at, expression, marked in rows], masks, always)


def masks_of(needs: Iterable[tuple[frozenset[str], ...]]) -> tuple[dict[str, Masks], Masks]:
    """Masks by word, and the masks of the entries that have no need at a depth."""
    by_word: dict[str, list[int]] = {}
    always = [0] * _DEPTH
    for number, own in enumerate(needs):
        for depth in range(_DEPTH):
            if depth >= len(own):
                always[depth] |= 1 << number
                continue
            for word in own[depth]:
                by_word.setdefault(word, [0] * _DEPTH)[depth] |= 1 << number
    return {word: tuple(masks) for word, masks in by_word.items()}, tuple(always)
