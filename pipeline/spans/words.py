"""Cut text into words that compare equal however they are spelled, each with its place in the original text.

A quote and the transcript it comes from differ in harmless ways: case, punctuation, curly quotes, no-break spaces,
invisible characters, `15` for `fifteen`, `did not` for `didn't`. All of these are settled here, word by word, and
never by rewriting the text: every key keeps the offsets of the characters it came from, so nothing ever shifts.

Emoji, signs and symbols are punctuation, but for `C++` and `C#`. In scripts that write no spaces each character is a
word. Accents count: `resume` is not `résumé`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.spans.lexicon import NEGATED, NUMBERS, SPELLINGS

Ints = npt.NDArray[np.int64]


class Words(NamedTuple):
    """In parallel: the comparable key of each word, and where it stands (code points, end exclusive).

    `didn't` gives two keys, `did` and `not`, which share the offsets of the one written word.
    """

    keys: list[str]
    starts: Ints
    ends: Ints


_APOSTROPHES = "'’‘ʼ＇`´′"
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # default-ignorable, yet not of category Cf
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)  # Thai, Lao, Myanmar, Khmer, kana, Han
_WORD = re.compile(
    r"0+(?:z+0+)*(?:\.0+)+(?![am0])"  # 3.11, 1,000
    r"|[a0m]+(?:z+[a0m]+)*(?:'z*[a0][a0m]*(?:z+[a0m]+)*)*(?:\+\+|#)?"  # words, with apostrophes inside; C++ and C#
    r"|h(?:z*m)*"  # one character of a script without spaces, with its marks
)  # read on the shapes of the characters, a string as long as the text


_LONGEST = 200  # characters; what is longer is no word, and some characters become eighteen


@lru_cache(maxsize=8192)
def _shape(char: str) -> str:
    """One character's class: a letter, m mark, 0 digit, h spaceless script, z invisible, apostrophe, dot, or blank."""
    if char in _APOSTROPHES:
        return "'"
    if char in ".,٫٬":
        return "."
    if char in "+#":
        return char
    category = unicodedata.category(char)
    if category == "Cf" or char in _INVISIBLE or "\ufe00" <= char <= "\ufe0f" or "\U000e0000" <= char <= "\U000e0fff":
        return "z"
    if _SPACELESS.match(char) and category[0] in "LN":
        return "h"
    compatible = unicodedata.normalize("NFKC", char)[:1] or " "
    return {"L": "a", "M": "m", "N": "0"}.get(unicodedata.category(compatible)[0], " ")


def _keys(raw: str) -> tuple[str, ...]:
    """The comparable keys of one written word."""
    if len(raw) > _LONGEST:
        return (raw.casefold(),)
    if raw.isascii():
        key = raw.lower()
    else:
        visible = "".join(char for char in raw if _shape(char) != "z")
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
        key = key.translate(dict.fromkeys(map(ord, _APOSTROPHES), "'"))
    key = key.replace("'", "")
    if key[:1].isdigit():
        if re.fullmatch(r"\d{1,3}(?:[,٬]\d{3})+(?:\.\d+)?", key):
            key = key.replace(",", "").replace("٬", "")
        elif re.fullmatch(r"\d{1,9}k", key):
            key = f"{key[:-1]}000"
        return (key,)
    key = SPELLINGS.get(key, key)
    return NEGATED.get(key) or (NUMBERS.get(key, key),)


def cut(text: str) -> Words:
    """Words of `text` in order; linear in its length, never raises. Each distinct word is read once."""
    shapes = text.translate({ord(char): _shape(char) for char in set(text)})
    spans = [match.span() for match in _WORD.finditer(shapes)]
    written = [text[start:end] for start, end in spans]
    known = {raw: _keys(raw) for raw in set(written)}
    if ("t",) in known.values():
        spans, written = _mended(spans, written, known)
    edges = np.fromiter(chain.from_iterable(spans), dtype=np.int64, count=2 * len(spans))
    starts, ends = edges[::2], edges[1::2]
    if any(len(keys) > 1 for keys in known.values()):
        sizes = {raw: len(keys) for raw, keys in known.items()}
        each = np.fromiter(map(sizes.__getitem__, written), dtype=np.int64, count=len(written))
        starts, ends = np.repeat(starts, each), np.repeat(ends, each)
    return Words(list(chain.from_iterable(map(known.__getitem__, written))), starts, ends)


def _mended(
    spans: list[tuple[int, int]], written: list[str], known: dict[str, tuple[str, ...]]
) -> tuple[list[tuple[int, int]], list[str]]:
    """The words with `didn t` and `can t` made one again, where an apostrophe had become a space."""
    places: list[tuple[int, int]] = []
    words: list[str] = []
    for raw, (start, end) in zip(written, spans, strict=True):
        whole = f"{words[-1]}t" if words and known[raw] == ("t",) else ""
        negated = NEGATED.get(whole.lower())
        if negated:
            known[whole] = negated
            words[-1], places[-1] = whole, (places[-1][0], end)
        else:
            words.append(raw)
            places.append((start, end))
    return places, words
