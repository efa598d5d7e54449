"""Rules about a note as a whole: an observation under the rating, a named pillar, enough for the recommendation.

Short texts (a field of a scorecard, one line) are no documents; `document-words` says from how many words on they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.lint.check import Place
from pipeline.lint.finding import NoteReport
from pipeline.lint.observed import observes
from pipeline.lint.quotes import Quotes
from pipeline.lint.rules import RuleSet
from pipeline.lint.text import Sentence

_COPIED_WORDS = 8


def observations(cut: list[Sentence], rules: RuleSet, quotes: Quotes) -> int:
    """How many sentences report something done, said or measured."""
    return sum(observes(sentence, rules, quotes) for sentence in cut if sentence.kind != "heading")


def document_places(
    cut: list[Sentence], seen: int, rules: RuleSet, *, least_words: int, competencies: Sequence[str] = ()
) -> list[Place]:
    """Findings of the document rules; `seen` counts observations, `competencies` replaces the built-in list."""
    if sum(len(sentence.words) for sentence in cut) < 3 * least_words and _words(cut) < least_words:
        return []
    verdict = _first(cut, rules.lexicons["recommendation"].words)
    rating = verdict or _first(cut, rules.lexicons["rating_word"].words)
    if rating is None:
        return [_place("GF704", cut[0])] if seen == 0 else []
    out = []
    if seen == 0:
        out.append(_place("GF701", rating))
    elif verdict is not None and seen < 2:
        out.append(_place("GF703", verdict))
    named = {part for name in competencies for part in name.lower().split()} or rules.lexicons["competency"].words
    if all(named.isdisjoint(sentence.words) for sentence in cut):
        out.append(_place("GF702", rating))
    return out


def _words(cut: list[Sentence]) -> int:
    return sum(word[0].isalnum() for sentence in cut for word in sentence.words)


def _first(cut: list[Sentence], wanted: frozenset[str]) -> Sentence | None:
    return next((s for s in cut if s.kind != "quote" and not wanted.isdisjoint(s.words)), None)


def _place(code: str, sentence: Sentence) -> Place:
    """The sentence from its first to its last word; code and comments at its ends are left out."""
    said = [at for at, word in enumerate(sentence.words) if word[0].isalnum()]
    return Place(code, *(sentence.span(said[0], said[-1]) if said else (sentence.start, sentence.start)))


def copied(reports: Sequence[tuple[NoteReport, list[Sentence]]]) -> dict[int, list[Place]]:
    """Long sentences that stand word for word in an earlier note of the run: report number -> places."""
    first: dict[tuple[str, ...], int] = {}
    out: dict[int, list[Place]] = {}
    for number, (_, cut) in enumerate(reports):
        for sentence in cut:
            words = tuple(word for word in sentence.words if word[0].isalnum())
            if (
                len(words) >= _COPIED_WORDS
                and sentence.kind in {"prose", "bullet"}
                and first.setdefault(words, number) != number
            ):
                out.setdefault(number, []).append(_place("GF705", sentence))
    return out
