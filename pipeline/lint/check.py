"""From a note to its findings: match, excuse, settle overlaps, place."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from pipeline.lint.contexts import Context, quotations
from pipeline.lint.finding import Finding, Note
from pipeline.lint.rules import Hit, RuleSet
from pipeline.lint.text import Sentence, lines, sentences

# Which family a phrase belongs to when two fit: the graver reading wins.
_PRECEDENCE = ("GF5", "GF402", "GF2", "GF3", "GF601", "GF102", "GF101", "GF401", "GF602", "GF403")


class Place(NamedTuple):
    """A match that stands: the rule's code and code points into the text."""

    code: str
    start: int
    end: int


def rank(code: str) -> int:
    """Smaller is graver."""
    return next((i for i, prefix in enumerate(_PRECEDENCE) if code.startswith(prefix)), len(_PRECEDENCE))


def places(text: str, rules: RuleSet, cut: list[Sentence] | None = None) -> list[Place]:
    """Every judging phrase of a text, in order, without overlaps."""
    cut = sentences(text) if cut is None else cut
    quoted: list[tuple[int, int]] | None = None
    out: list[Place] = []
    for at, sentence in enumerate(cut):
        if sentence.kind == "heading":
            continue
        hits = rules.index.search(sentence)
        if not hits:
            continue
        if quoted is None:
            quoted = quotations(text, sentence.low)
        context = Context(rules, cut, at, quoted)
        kept = [hit for hit in _unique(hits) if context.excuse(hit) is None]
        offsets = sentence.offsets
        out.extend(
            Place(hit.group.code, offsets[hit.match.start][0], offsets[hit.match.end - 1][1]) for hit in settle(kept)
        )
    return out


def _unique(hits: list[Hit]) -> list[Hit]:
    return [hit for hit in dict.fromkeys(hits) if hit.match.end > hit.match.start]


def settle(hits: list[Hit]) -> list[Hit]:
    """Of overlapping matches keep the gravest, then the longest; the rest goes."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (rank(h.group.code), h.match.start - h.match.end, h.match.start)):
        if all(hit.match.end <= k.match.start or hit.match.start >= k.match.end for k in kept):
            kept.append(hit)
    return sorted(kept, key=lambda h: h.match.start)


class Positions:
    """Line and column of an offset, both from 1, columns in code points."""

    def __init__(self, text: str) -> None:
        self._starts = [line.start for line in lines(text)]

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def lint_note(note: Note, rules: RuleSet) -> list[Finding]:
    """The findings of one note, by place."""
    cut = sentences(note.text)
    found = places(note.text, rules, cut)
    positions = Positions(note.text)
    return [finding(note, rules, place, positions) for place in found]


def finding(note: Note, rules: RuleSet, place: Place, positions: Positions) -> Finding:
    """Dress a place with what its rule says."""
    rule = rules.rules[place.code]
    line, column = positions.at(place.start)
    return Finding(
        note.file, note.id, rule.code, rule.name, rule.severity, place.start, place.end,
        line + note.first_line - 1, column, note.text[place.start : place.end], rule.message, rule.question, rule.source,
    )
