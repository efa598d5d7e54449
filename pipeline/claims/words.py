"""Words as they are compared: stems, irregular forms, numbers, and groups of words that retell one another.

The groups lie in prompts/claims.toml. A word may stand in several; two words are alike when they share one.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import Any, NamedTuple

from pipeline.errors import RubricError
from pipeline.prompting import prompts_folder

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_CLITIC = re.compile(r"'(?:s|d|ll|re|ve|m)$")
_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
_UNITS += ["seventeen", "eighteen", "nineteen"]
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBERS = {word: n for n, word in enumerate(_UNITS)} | {word: 10 * n for n, word in enumerate(_TENS, start=2)}
_LARGE = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_STOP = frozenset(
    "a an the and or but so of to in on at by for from with as is are was were be been being it its this that "
    "these those he she they them his him her hers their theirs candidate i me my mine we you your our us one own "
    "do did does have has had having than then there what which who whose whom when where how if just very really "
    "also too into out up about over again all any some will would can could should might not no nor never "
    "because before after once while until till still even only most more much many other others such each per "
    "between through during both same first later next instead s t d ll re ve m don didn doesn won wouldn couldn "
    "isn wasn".split()
)


class Lexicon(NamedTuple):
    """Irregular forms, word groups by stem, and the words whose object was not done."""

    forms: dict[str, str]
    groups: dict[str, frozenset[int]]
    turned: frozenset[str]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """What prompts/claims.toml holds. Raises RubricError when it cannot be read."""
    path = prompts_folder() / "claims.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        forms = dict(pair.split() for pair in table["forms"].replace("\n", " ").split(",") if pair.strip())
    except (OSError, tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise RubricError(f"{path} cannot be used: {error}") from None
    groups: dict[str, set[int]] = {}
    for number, line in enumerate(row for row in table["same"].splitlines() if row.strip()):
        for word in line.split(","):
            groups.setdefault(_snowball(forms.get(word.strip(), word.strip())), set()).add(number)
    return Lexicon(forms, {stem: frozenset(own) for stem, own in groups.items()}, frozenset(table["turned"].split()))


def plain(text: str) -> str:
    """Lower case with straight apostrophes."""
    return text.lower().replace("’", "'")


def words(text: str) -> list[str]:
    """Every word, lower case, with clitics cut off."""
    return [_CLITIC.sub("", word) for word in _WORD.findall(plain(text))]


def stems(text: str) -> frozenset[str]:
    """The words that carry content, comparable: "ran" and "running" are one, and so are "nine" and "9"."""
    found = set()
    for word in words(text):
        number = NUMBERS.get(word, _LARGE.get(word))
        if word in _STOP or (len(word) < 2 and not word.isdigit()):
            continue
        found.add(stem(word) if number is None or number < 2 else str(number))
    return frozenset(found)


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The stem of one lower-case word."""
    return _snowball(lexicon().forms.get(word, word))


def alike(of: frozenset[str]) -> frozenset[int]:
    """The groups that these stems belong to."""
    groups = lexicon().groups
    return frozenset().union(*(groups.get(one, frozenset()) for one in of))


def number(text: str) -> int | None:
    """A small number in digits or words: "12", "three", "twenty-five"."""
    if text.isdigit():
        return int(text)
    parts = [NUMBERS.get(part) for part in re.split(r"[\s-]+", text.lower())]
    return None if not parts or None in parts else sum(part or 0 for part in parts)


def _snowball(word: str) -> str:
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")
