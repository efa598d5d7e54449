"""Word error rate: substitutions, deletions and insertions for each word of the script (jiwer's alignment).

Case, punctuation and the way a number is written are taken out on both sides. Lower is better.
"""

from __future__ import annotations

import re

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def plain(text: str) -> str:
    """Lower case, words and apostrophes only, numbers up to 999 in words."""
    spelt = re.sub(r"\d{1,3}", lambda m: f" {_spell(int(m[0]))} ", text.lower().replace("’", "'"))
    return " ".join(re.findall(r"[a-z']+", spelt))


def _spell(number: int) -> str:
    ones: list[str] = re.findall(r"\w+", _ONES)
    tens: list[str] = re.findall(r"\w+", _TENS)
    if number >= 100:
        rest = f" {_spell(number % 100)}" if number % 100 else ""
        return f"{ones[number // 100]} hundred{rest}"
    if number >= 20:
        return tens[number // 10 - 2] + (f" {ones[number % 10]}" if number % 10 else "")
    return ones[number]


def count(script: str, heard: str) -> tuple[float, float]:
    """Errors, and words of the script."""
    import jiwer

    told = jiwer.process_words(plain(script), plain(heard))
    return told.substitutions + told.deletions + told.insertions, len(plain(script).split())
