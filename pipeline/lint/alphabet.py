"""Sentences as strings in which every word that the rules know is one character."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import cached_property
from typing import ClassVar

from pipeline.lint.text import BLANK

# Forty thousand consecutive letters, none of them special in a regular expression. They lie beyond the basic plane on
# purpose: there the standard library compiles a character class in half the time.
_FIRST_CODE = 0x20000
PUNCTUATION = tuple(""". , : ; - ( ) / " ' ! ? [ ] & + = | % …""".split())
_ENDINGS = ("-ing", "-ed", "-ly")


class Alphabet:
    """One character for each word that the rules know, and a few for all others."""

    NAME, NUMBER, CODE, OTHER, MARK, ING, ED, LY = (chr(_FIRST_CODE + i) for i in range(8))

    _ENDINGS: ClassVar = {"ng": ING, "ed": ED, "ly": LY}

    def __init__(self, codes: dict[str, str] | None = None) -> None:
        self._words: dict[str, None] = dict.fromkeys(PUNCTUATION)
        if codes is not None:
            self.codes = codes

    def learn(self, words: Iterable[str]) -> None:
        """Add words. The alphabet is complete when the first sentence is encoded."""
        self._words.update(dict.fromkeys(words))

    def arrange(self, sets: Sequence[Container[str]]) -> None:
        """Put words that are in the same sets next to each other, those of the first set first."""
        words = [word for word in self._words if word not in PUNCTUATION]
        words.sort(key=lambda word: [word not in group for group in sets])
        self._words = dict.fromkeys((*PUNCTUATION, *words))

    @cached_property
    def codes(self) -> dict[str, str]:
        """The character of each word."""
        codes = {word: chr(_FIRST_CODE + 8 + at) for at, word in enumerate(self._words)}
        return codes | {"-ing": self.ING, "-ed": self.ED, "-ly": self.LY}

    @cached_property
    def punctuation(self) -> str:
        """All characters that a gap does not cross."""
        return self.letters(PUNCTUATION) + self.CODE + self.MARK

    def letters(self, words: Iterable[str]) -> str:
        """The characters of several known words."""
        return "".join([self.codes[word] for word in words])

    def encode(self, tokens: list[str], words: list[str]) -> str:
        """A sentence as a string; `tokens` as written, `words` in lower case."""
        codes = list(map(self.codes.get, words))
        if None in codes:
            return "".join([code or self._unknown(token) for code, token in zip(codes, tokens, strict=True)])
        return "".join(codes)  # type: ignore[arg-type]

    def _unknown(self, token: str) -> str:
        first = token[0]
        if first.isupper():
            return self.NAME if len(token) > 1 and token[1:].islower() else self.OTHER
        if first.isalpha():
            return self.OTHER if len(token) < 5 else self._ENDINGS.get(token[-2:], self.OTHER)
        if first.isdigit():
            return self.NUMBER
        return self.CODE if first == BLANK else self.MARK


def ranges(letters: list[str]) -> str:
    """The inside of a character class; consecutive letters as a range, which compiles much faster."""
    out: list[str] = []
    for letter in sorted(letters):
        if out and ord(letter) == ord(out[-1][-1]) + 1:
            out[-1] = out[-1][0] + "-" + letter
        else:
            out.append(letter)
    return "".join(out)
