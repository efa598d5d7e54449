"""Which differences between a quote and its place in the text are harmless, and which make it another statement."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from pipeline.spans.lexicon import (
    AUXILIARIES,
    NEGATIONS,
    SOFT,
    SOFT_PAIRS,
    figures,
    is_figure,
    negated,
    opposed,
    other_person,
    same_reading,
    sure_figures,
)

Refusal = Literal["", "rejected-negation", "rejected-number", "rejected-swap", "rejected-joined"]

_SOFT_PRICE = 0.25
_GOES_ON = re.compile(r"[^\S\n]*\w")
_OPPOSITE = 0.5  # what a pair of opposites adds to the likelihood that this is the turned sentence
_PASSAGE = 12  # words up to which a passage is one statement against another
_GAP = 3  # words in a row, soft ones aside, that no quote may leave out


class Verdict(NamedTuple):
    """What the differences cost, in words, and the reason to refuse the quote whatever the cost (empty: none)."""

    cost: float
    refusal: Refusal


class Passage(NamedTuple):
    """Words of the text and the words the quote has in their stead; either may be empty."""

    said: list[str]
    claimed: list[str]


def allowance(size: int, elided: bool) -> float:
    """How many words may differ in a quote of `size` words (`didn't` counts two).

    Next to none where the quote has an ellipsis inside (`elided`): it may be one of several that a person left out at.
    """
    if size < 3:
        return 0
    if size < 5 or elided:
        return 2 * _SOFT_PRICE
    return 1 if size < 6 else max(2, size // 10)


def judge(passages: list[Passage], text: list[str], quote: list[str]) -> Verdict:
    """Weigh the differing passages of a place (`text`) and a quote.

    A word that turns the meaning refuses the quote and costs nothing: where the quote came from is decided by the
    other words, so that a turned quote cannot pass for a near miss of another sentence.
    """
    cost = 0.0
    refusal: Refusal = ""
    for passage in passages:
        price, reason = _weigh(passage)
        cost += price
        refusal = refusal or reason
    if passages and sure_figures(text) != sure_figures(quote) and figures(text) != figures(quote):
        refusal = refusal or "rejected-number"
    return Verdict(cost, refusal)


def _weigh(passage: Passage) -> Verdict:
    if same_reading(passage.said, passage.claimed):
        return Verdict(0, "")
    said, claimed = meaning(passage.said), meaning(passage.claimed)
    soft_said, soft_claimed = len(passage.said) - len(said), len(passage.claimed) - len(claimed)
    spare = max(0, soft_said - max(0, len(claimed) - len(said)))
    spare += max(0, soft_claimed - max(0, len(said) - len(claimed)))
    padding = _SOFT_PRICE * spare
    if same_reading(said, claimed):
        return Verdict(padding, "")
    if max(len(said), len(claimed)) <= _PASSAGE and (reason := _turned(passage)):
        turning = max(1, _turning(said), _turning(claimed)) + _OPPOSITE * opposed(said, claimed)
        return Verdict(padding + max(0, max(len(said), len(claimed)) - turning), reason)
    gap = len(said) - len(passage.claimed) >= _GAP
    return Verdict(padding + max(len(said), len(claimed)), "rejected-joined" if gap else "")


def _turning(words: list[str]) -> int:
    """How many of the words negate or count."""
    return sum(word in NEGATIONS or is_figure(word) for word in words)


def meaning(words: list[str]) -> list[str]:
    """The words that a quote may not leave out at the price of soft ones."""
    kept: list[str] = []
    at = 0
    while at < len(words):
        if tuple(words[at : at + 2]) in SOFT_PAIRS:
            at += 2
            continue
        if words[at] not in SOFT:
            kept.append(words[at])
        at += 1
    return kept


def _turned(passage: Passage) -> Refusal:
    said, claimed = passage
    if sum(word in NEGATIONS for word in said) != sum(word in NEGATIONS for word in claimed):
        return "rejected-negation"
    if negated(said, claimed):
        return "rejected-negation"
    ours, theirs = figures(said), figures(claimed)
    if ours and theirs and ours != theirs:
        return "rejected-number"
    swapped = opposed(said, claimed) or other_person(meaning(said), meaning(claimed))
    return "rejected-swap" if swapped else ""


def kindest(text: list[str], first: int, last: int) -> list[str]:
    """The words [first, last) of `text`, which a quote leaves out, read as the softest words that it may have left out.

    Of `then I mean I see`, `then I see` leaves out `I mean` just as well as `mean I`.
    """
    best = text[first:last]
    low, high = first, last
    while low > 0 and text[low - 1] == text[high - 1]:
        low, high = low - 1, high - 1
    while high < len(text):
        best = min(best, text[low:high], key=lambda words: len(meaning(words)))
        if text[low] != text[high]:
            return best
        low, high = low + 1, high + 1
    return min(best, text[low:high], key=lambda words: len(meaning(words)))


def cut_short(last: str, following: str, onwards: str) -> bool:
    """True where a passage ends on an auxiliary and the sentence on the next word, `not`: `No, we did | not.`

    `onwards` is the text after that word. `The numbers did | not add up` says nothing yet, and may be cut there.
    """
    return last in AUXILIARIES and following == "not" and not _GOES_ON.match(onwards)
