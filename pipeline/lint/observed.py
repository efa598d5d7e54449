"""Whether a sentence reports something seen or heard in the interview: what was done, said, or measured."""

from __future__ import annotations

from pipeline.lint.quotes import Quotes
from pipeline.lint.rules import RuleSet
from pipeline.lint.text import BLANK, Sentence

_SOME_WORDS = 10  # characters of a quotation that holds more than a word
_SUBJECTS = frozenset(("he", "she", "they"))
_NOT_COUNTED = (["level"], ["round"], ["task"], ["l"], [":"], ["/"])


def observes(sentence: Sentence, rules: RuleSet, quotes: Quotes, skip_start: int = 0, skip_end: int = 0) -> bool:
    """Whether the sentence is an observation. Tokens from `skip_start` to `skip_end` (the judgement) do not count.

    Talk about the session counts from where it turns to the candidate ("I asked about the index; she named it").
    """
    words, classes = sentence.words, rules.words
    acts, copula, things = classes["observed"], classes["copula"], classes["trade"]
    start = 0
    if not classes["session"].isdisjoint(words[:3]):
        start = next((at for at, word in enumerate(words) if word in _SUBJECTS), len(words))
    for at, word in enumerate(words):
        if at < start or skip_start <= at < skip_end:
            continue
        if word in acts and not (at and words[at - 1] in {"i", "we", "you"}):
            return True
        if word[0] == BLANK or (word[0].isdigit() and _counts(words, at)):
            return True
        if word[-2:] == "ed" and len(word) > 4 and word not in rules.known and not things.isdisjoint(words[at:]):
            return True
        if word in {"not", "never"} and at and words[at - 1] in {"did", "could", "was", "were"}:
            return True
        if word in _SUBJECTS and _does(words[at + 1 :], copula) and not things.isdisjoint(words[at:]):
            return True
    return skip_end == 0 and start < len(words) and quotes.touch(sentence.start, sentence.end, _SOME_WORDS)


def _does(after: list[str], copula: frozenset[str]) -> bool:
    """Whether a verb other than "is" or "seems" follows the subject."""
    return bool(after) and after[0] not in copula and after[0].isalpha()


def _counts(words: list[str], at: int) -> bool:
    """Whether the number at `at` counts or measures something: "3 of 5", "12 ns", "off by 100"."""
    return words[at + 1 : at + 2] != ["/"] and words[max(0, at - 1) : at] not in _NOT_COUNTED
