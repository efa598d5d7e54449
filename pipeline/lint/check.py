"""From a note to its findings: match, excuse, settle overlaps, place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from pipeline.lint.contexts import Context
from pipeline.lint.finding import Finding, Note
from pipeline.lint.index import Hit
from pipeline.lint.quotes import Quotes
from pipeline.lint.rules import MENTION, RuleSet
from pipeline.lint.text import Sentence, line_starts

# Which family a phrase belongs to when two fit: the graver reading wins.
_PRECEDENCE = ("GF5", "GF402", "GF2", "GF3", "GF601", "GF102", "GF101", "GF401", "GF602", "GF403")


_LEADING = frozenset(("of", "and", "but", "so", "that"))  # words that a phrase does not start with


class Place(NamedTuple):
    """A match that stands: the rule's code and code points into the text."""

    code: str
    start: int
    end: int


@cache
def rank(code: str) -> int:
    """Smaller is graver."""
    return next((i for i, prefix in enumerate(_PRECEDENCE) if code.startswith(prefix)), len(_PRECEDENCE))


def places(cut: list[Sentence], rules: RuleSet, quotes: Quotes | None = None) -> list[Place]:
    """Every judging phrase of the sentences of one text, in order, without overlaps."""
    out: list[Place] = []
    slips = rules.respelled.keys()
    for at, sentence in enumerate(cut):
        if sentence.kind == "heading":
            continue
        if not slips.isdisjoint(sentence.words):
            sentence.words = [rules.respelled.get(word, word) for word in sentence.words]
        found = rules.phrases.search(sentence)
        hits = [hit for hit in found if hit.group.code != MENTION]
        if not hits:
            continue
        quotes = quotes or Quotes(sentence.text)
        context = Context(rules, cut, at, quotes, [hit for hit in found if hit.group.code == MENTION])
        for hit in settle([context.with_inference(hit) for hit in _standing(hits, context)]):
            start, end = trimmed(sentence, hit)
            out.append(Place(hit.group.code, start, end))
    return out


def _standing(hits: list[Hit], context: Context) -> list[Hit]:
    """Matches without an excuse. One excused for what the phrase means takes others of its rule with it there."""
    kept: list[Hit] = []
    meant: list[Hit] = []
    for hit in dict.fromkeys(hits):
        excuse = context.excuse(hit) if hit.end > hit.start else "empty"
        if excuse is None:
            kept.append(hit)
        elif excuse in {"evidence", "technical", "form field"}:
            meant.append(hit)
    return [hit for hit in kept if not any(_same_place(hit, other) for other in meant)]


def _same_place(one: Hit, other: Hit) -> bool:
    return one.group.code == other.group.code and one.start < other.end and other.start < one.end


def settle(hits: list[Hit]) -> list[Hit]:
    """Of overlapping matches keep the gravest, then the longest; the rest goes."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (rank(h.group.code), h.start - h.end, h.start, h.group.code)):
        if all(hit.end <= k.start or hit.start >= k.end for k in kept):
            kept.append(hit)
    return sorted(kept, key=lambda h: h.start)


def trimmed(sentence: Sentence, hit: Hit) -> tuple[int, int]:
    """Code points of a match, without punctuation and joining words at its edges."""
    words, start, end = sentence.words, hit.start, hit.end
    while end - 1 > start and not words[end - 1][0].isalnum() and words[end - 1] != "%":
        end -= 1
    while start < end - 1 and (words[start] in _LEADING or not words[start][0].isalnum()):
        start += 1
    return sentence.span(start, end - 1)


class Positions:
    """Line and column of an offset, both from 1, columns in code points. A byte order mark takes no column."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._starts = [0] if note.flat else line_starts(note.text)
        if note.text.startswith("\ufeff"):
            self._starts[0] = 1

    def at(self, offset: int) -> tuple[int, int]:
        """Line of the file and column."""
        line = max(1, bisect_right(self._starts, offset))
        return line + self._note.first_line - 1, max(1, offset - self._starts[line - 1] + 1)


def finding(note: Note, rules: RuleSet, place: Place, positions: Positions, cut: Sequence[Sentence] = ()) -> Finding:
    """Dress a place with what its rule says."""
    rule = rules.rules[place.code]
    at = bisect_right(cut, place.start, key=attrgetter("start")) - 1
    around = note.text[cut[at].start : cut[at].end] if at >= 0 else ""
    return Finding(
        note.file,
        note.id,
        rule.code,
        rule.name,
        rule.severity,
        place.start,
        place.end,
        *positions.at(place.start),
        note.text[place.start : place.end],
        rule.message,
        rule.question,
        rule.source,
        around,
    )
