"""Patterns filed by the items they need, words and pairs of neighbouring words, and the search in a sentence.

Each pattern is one bit. For every item there are a few integers: the patterns of which it can be the first, second, ...
need. Walking over a sentence, whole sets of patterns step from one need to the next with a handful of integer
operations a word; what arrives at the end, about two of a thousand, is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from pipeline.lint.alphabet import PUNCTUATION, Alphabet
from pipeline.lint.text import Sentence

Items = frozenset[str | tuple[str, str]]  # a match contains one of them
Mask = tuple[int, int, int, int]  # the patterns of which an item can be the first, second, ... need
Masks = tuple[int, int, int, int, bool, dict[str, Mask]]  # a word's, whether it is a mark, and with the word before it
Start = tuple[int, int, int, int]  # patterns that begin further on since they have fewer needs; those that cross
_NOTHING: Mask = (0, 0, 0, 0)


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
    """A pattern matched: the group it belongs to, and the tokens from `start` to before `end`.

    `core` is where the words that make the judgement end and the rest of the clause, if the pattern takes it, begins.
    """

    group: Group
    start: int
    end: int
    core: int


class Entry(NamedTuple):
    """One pattern ready to run: its expression over the alphabet, and whether it marks the part to report."""

    group: Group
    expression: str
    marked: bool


class Index:
    """Entries and, by word, the masks of the entries that need it."""

    def __init__(self, alphabet: Alphabet, entries: list[Entry], masks: dict[str, Masks], start: Start) -> None:
        self._alphabet, self.entries, self._masks, self._start = alphabet, entries, masks, start
        self._compiled: list[re.Pattern[str] | None] = [None] * len(entries)

    def search(self, sentence: Sentence) -> list[Hit]:
        """Every match in one sentence, in the order of the text."""
        words = sentence.words
        left = self._able(words)
        if not left:
            return []
        code = sentence.code = sentence.code or self._alphabet.encode(sentence.tokens, words)
        hits: list[Hit] = []
        while left:  # bit by bit, without a function in between: this is where the time goes
            lowest = left & -left
            left ^= lowest
            number = lowest.bit_length() - 1
            expression = self._compiled[number] or self._compile(number)
            match = expression.search(code)
            while match is not None:
                entry = self.entries[number]
                start, end = match.span("part") if entry.marked else match.span()
                core = _core(match, start, end) if expression.groups > entry.marked else end
                hits.append(Hit(entry.group, start, end, core))
                match = expression.search(code, max(end, match.end(), match.start() + 1))
        return sorted(hits, key=_by_place) if len(hits) > 1 else hits

    def _able(self, words: list[str]) -> int:
        """Patterns whose needs all come, in order, and without a punctuation mark in between if they mind it."""
        first, second, third, crossing = self._start
        one, two, three, four = first, second, third, 0
        for masks, before in zip(map(self._masks.get, words), ("", *words), strict=False):
            if masks is None:
                continue
            begins, then, after, ends, is_mark, pairs = masks
            if is_mark:
                one = one & crossing | first
                two = two & crossing | second
                three = three & crossing | third
            if before in pairs:
                with_first = pairs[before]
                begins, then = begins | with_first[0], then | with_first[1]
                after, ends = after | with_first[2], ends | with_first[3]
            four |= three & ends
            three |= two & after
            two |= one & then
            one |= begins
        return four

    def _compile(self, number: int) -> re.Pattern[str]:
        expression = self._compiled[number] = re.compile(self.entries[number].expression)
        return expression

    def dump(self) -> tuple[Any, ...]:
        """Plain values from which `restored` makes the index again."""
        groups = sorted({entry.group for entry in self.entries})
        rows = [(groups.index(entry.group), *entry[1:]) for entry in self.entries]
        return [tuple(group) for group in groups], rows, self._masks, self._start


def _core(match: re.Match[str], start: int, end: int) -> int:
    """Where the rest of the clause begins that the pattern took along."""
    rests = map(match.start, range(1, match.re.groups + 1))
    return min((at for at in rests if start < at < end), default=end)


def _by_place(hit: Hit) -> tuple[int, int, Group]:
    return hit.start, hit.end, hit.group


def restored(alphabet: Alphabet, dumped: tuple[Any, ...]) -> Index:
    """The index that `dump` described."""
    groups, rows, masks, start = dumped
    known = [Group(*group) for group in groups]
    return Index(alphabet, [Entry(known[at], *rest) for at, *rest in rows], masks, start)


def masks_of(patterns: Iterable[tuple[tuple[Items, ...], bool]]) -> tuple[dict[str, Masks], Start]:
    """Masks by word, and where patterns start, from their needs and whether they cross punctuation."""
    by_item: dict[str | tuple[str, str], list[int]] = {mark: [0, 0, 0, 0] for mark in PUNCTUATION}
    start = [0, 0, 0, 0]
    for number, (needs, crosses) in enumerate(patterns):
        bit, skipped = 1 << number, 4 - len(needs)
        for at in range(skipped):
            start[at] |= bit
        start[3] |= bit * crosses
        for at, items in enumerate(needs, skipped):
            for item in items:
                by_item.setdefault(item, [0, 0, 0, 0])[at] |= bit
    pairs: dict[str, dict[str, Mask]] = {}
    for item, row in by_item.items():
        if isinstance(item, tuple):
            pairs.setdefault(item[1], {})[item[0]] = (row[0], row[1], row[2], row[3])
    masks: dict[str, Masks] = {}
    for word in {item if isinstance(item, str) else item[1] for item in by_item}:
        row = by_item.get(word, list(_NOTHING))
        masks[word] = row[0], row[1], row[2], row[3], word in PUNCTUATION, pairs.get(word, {})
    return masks, (start[0], start[1], start[2], start[3])
