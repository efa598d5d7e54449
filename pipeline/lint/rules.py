"""Lint rules as data: `prompts/lint_rules.toml`, read once and compiled into an index by rare words."""

from __future__ import annotations

import gc
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import RubricError
from pipeline.lint import kept
from pipeline.lint.alphabet import Alphabet
from pipeline.lint.finding import SEVERITIES
from pipeline.lint.index import Entry, Group, Index, masks_of, restored
from pipeline.lint.pattern import Compiler, Lexicon, Parsed

# Where an observation may stand that excuses a match.
_EVIDENCE = ("none", "same", "near")
_SUBJECTS = ("any", "thing", "person")
MENTION = "mention"


class Rule(NamedTuple):
    """What a rule is called, says and asks, and its page. `family` rules judge phrases, GF7 rules whole notes."""

    code: str
    name: str
    severity: str
    message: str
    question: str
    what: str
    why: str
    sources: tuple[str, ...]
    near_misses: tuple[str, ...]
    bad: tuple[str, ...]
    good: tuple[str, ...]

    @property
    def source(self) -> str:
        """The value of a finding's `source`."""
        return "document" if self.code >= "GF7" else "rules"


class RuleSet(NamedTuple):
    """All that `lint_rules.toml` says.

    `phrases` finds what judges, and under the code MENTION what speaks of a judgement without making it; `words`: the
    single words of each lexicon; `known`: every word of a pattern.
    """

    rules: dict[str, Rule]
    lexicons: dict[str, Lexicon]
    phrases: Index
    respelled: dict[str, str]
    words: Mapping[str, frozenset[str]]
    known: Mapping[str, str]
    path: Path

    def digest(self) -> str:
        """SHA-256 of the rule file: the version of the rules."""
        import hashlib

        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def rules_path() -> Path:
    """The shipped rule file."""
    import prompts

    return Path(str(prompts.__file__)).parent / "lint_rules.toml"


@cache
def load_rules(path: Path | None = None) -> RuleSet:
    """Read and compile a rule file (the shipped one by default).

    What was compiled is kept in the user's cache folder, and made anew when the file or this code changes. Raises
    RubricError when the file is not TOML, a rule lacks a field, or a pattern cannot be read.
    """
    file = path or rules_path()
    gc.disable()  # nothing made here is garbage; looking for it would take a third of the time
    try:
        compiled = kept.load(file)
        if compiled is None:
            compiled = _compiled(_table(file), file.name)
            kept.save(file, compiled)
        return _rule_set(compiled, file)
    finally:
        gc.enable()


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RubricError(f"{file.name} is not valid TOML: {error}") from error


def _compiled(table: dict[str, Any], name: str) -> dict[str, Any]:
    """Everything the linter needs as plain values."""
    compiler = Compiler()
    compiler.macros.update(table["macros"])
    for lexicon, source in table["lexicons"].items():
        compiler.define(lexicon, source)
    rules: dict[str, Rule] = {}
    phrases: list[tuple[Group, Parsed]] = []
    for entry in table["rules"]:
        rule = _rule(entry)
        if rule.code in rules:
            raise RubricError(f"{name}: the code {rule.code} is used twice.")
        rules[rule.code] = rule
        for group in entry.get("matches", ()):
            phrases += _patterns(_group(rule.code, group), group["patterns"], compiler)
    phrases += _patterns(Group(MENTION, "none", "any"), table["contexts"]["meta"], compiler)
    compiler.arrange()
    return {
        "rules": [tuple(rule) for rule in rules.values()],
        "lexicons": {key: tuple(lexicon) for key, lexicon in compiler.lexicons.items()},
        "codes": compiler.alphabet.codes,
        "slips": slips(compiler),
        "phrases": _index(phrases, compiler).dump(),
    }


def _rule_set(compiled: dict[str, Any], file: Path) -> RuleSet:
    lexicons = {key: Lexicon(*parts) for key, parts in compiled["lexicons"].items()}
    alphabet = Alphabet(compiled["codes"])
    return RuleSet(
        {row[0]: Rule(*row) for row in compiled["rules"]},
        lexicons,
        restored(alphabet, compiled["phrases"]),
        compiled["slips"],
        {name: lexicon.words for name, lexicon in lexicons.items()},
        compiled["codes"],
        file,
    )


def slips(compiler: Compiler) -> dict[str, str]:
    """Common slips of the pen in the words that matter most -> the word: a letter lost, doubled, or swapped."""
    out: dict[str, str] = {}
    known = compiler.alphabet.codes
    for word in compiler.lexicons["often_misspelt"].words:
        for at in range(1, len(word)):
            out.setdefault(word[:at] + word[at + 1 :], word)
            out.setdefault(word[:at] + word[at] + word[at:], word)
            out.setdefault(word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :], word)
    return {slip: word for slip, word in out.items() if slip not in known}


def _patterns(group: Group, patterns: str, compiler: Compiler) -> list[tuple[Group, Parsed]]:
    lines = (line.split("#", 1)[0].strip() for line in patterns.splitlines())
    return [(group, compiler.pattern(line)) for line in lines if line]


def _index(patterns: list[tuple[Group, Parsed]], compiler: Compiler) -> Index:
    entries = [Entry(group, compiler.expression(parsed.row), parsed.marked) for group, parsed in patterns]
    return Index(compiler.alphabet, entries, *masks_of((parsed.needs, parsed.crosses) for _, parsed in patterns))


def _group(code: str, entry: dict[str, Any]) -> Group:
    evidence, subject = entry.get("evidence", "none"), entry.get("subject", "thing")
    if evidence not in _EVIDENCE or subject not in _SUBJECTS or entry.keys() - {"evidence", "subject", "patterns"}:
        raise RubricError(f"Lint rules: {code} has a group of patterns with an unknown key or value.")
    return Group(code, evidence, subject)


def _rule(entry: dict[str, Any]) -> Rule:
    code = entry.get("code", "?")
    unknown = sorted(entry.keys() - {*Rule._fields, "matches"})
    missing = [key for key in Rule._fields if key not in entry]
    if missing or unknown:
        raise RubricError(f"Lint rules: {code} lacks {missing} or has unknown keys {unknown}.")
    if entry["severity"] not in SEVERITIES:
        raise RubricError(f"Lint rules: {code} has the severity {entry['severity']!r}; use one of {SEVERITIES}.")
    return Rule(**{key: _field(entry[key]) for key in Rule._fields})


def _field(value: str | list[str]) -> Any:
    return tuple(value) if isinstance(value, list) else " ".join(value.split())
