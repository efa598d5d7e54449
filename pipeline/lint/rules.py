"""Lint rules as data: `prompts/lint_rules.toml`, read once and compiled into an index by rare words."""

from __future__ import annotations

import gc
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import RubricError
from pipeline.lint.finding import SEVERITIES
from pipeline.lint.pattern import Compiler, Lexicon, Pattern
from pipeline.lint.text import Sentence

# Where an observation may stand that excuses a match.
_EVIDENCE = ("none", "same", "near")
_SUBJECTS = ("any", "thing", "person")


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


class Group(NamedTuple):
    """Patterns of one rule that share their exemptions.

    `evidence` says where an observation excuses a match: nowhere ("none"), in the same sentence ("same"), or also in
    the next and the previous one ("near"). `subject` drops a match whose clause is about something else: about a thing
    ("thing"), or also about the writer ("person").
    """

    code: str
    evidence: str
    subject: str


class Hit(NamedTuple):
    """A pattern matched: the group it belongs to, and the tokens from `start` to before `end`."""

    group: Group
    start: int
    end: int


class Index:
    """Patterns by the rarest words they need."""

    def __init__(self, compiler: Compiler) -> None:
        self._alphabet = compiler.alphabet
        self._by_word: dict[str, list[tuple[Pattern, Group, frozenset[str]]]] = {}

    def add(self, pattern: Pattern, group: Group) -> None:
        """File one pattern under its rarest words."""
        entry = (pattern, group, pattern.needs[1] if len(pattern.needs) > 1 else pattern.needs[0])
        for word in pattern.needs[0]:
            self._by_word.setdefault(word, []).append(entry)

    def search(self, sentence: Sentence) -> list[Hit]:
        """Every match in one sentence."""
        words, by_word = frozenset(sentence.words), self._by_word
        candidates: dict[Pattern, Group] = {}
        for word in words & by_word.keys():
            entries = by_word[word]
            candidates.update({pattern: group for pattern, group, second in entries if not second.isdisjoint(words)})
        out: list[Hit] = []
        code = ""
        for pattern, group in candidates.items():
            if any(need.isdisjoint(words) for need in pattern.needs[2:]):
                continue
            code = code or self._alphabet.encode(sentence.tokens, sentence.words)
            match = pattern.expression.search(code)
            while match is not None:
                start, end = match.span(pattern.part)
                out.append(Hit(group, start, end))
                match = pattern.expression.search(code, max(end, match.end(), match.start() + 1))
        return sorted(out, key=lambda hit: (hit.start, hit.end, hit.group))


class RuleSet(NamedTuple):
    """All that `lint_rules.toml` says."""

    rules: dict[str, Rule]
    lexicons: dict[str, Lexicon]
    phrases: Index
    mentions: Index
    respelled: dict[str, str]
    things: frozenset[str]
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

    Raises RubricError when the file is not TOML, a rule lacks a field, or a pattern cannot be read.
    """
    file = path or rules_path()
    raw = file.read_bytes()
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RubricError(f"{file.name} is not valid TOML: {error}") from error
    gc.disable()  # nothing made here is garbage; looking for it would take a third of the time
    try:
        return _compiled(table, file)
    finally:
        gc.enable()


def _compiled(table: dict[str, Any], file: Path) -> RuleSet:
    compiler = Compiler()
    compiler.macros.update(table["macros"])
    for name, source in table["lexicons"].items():
        compiler.define(name, source)
    rules: dict[str, Rule] = {}
    phrases, mentions = Index(compiler), Index(compiler)
    for entry in table["rules"]:
        rule = _rule(entry)
        if rule.code in rules:
            raise RubricError(f"{file.name}: the code {rule.code} is used twice.")
        rules[rule.code] = rule
        for group in entry.get("matches", ()):
            _fill(phrases, _group(rule.code, group), group["patterns"], compiler)
    _fill(mentions, Group("mention", "none", "any"), table["contexts"]["meta"], compiler)
    things = compiler.lexicons["thing"].words | compiler.lexicons["tech_noun"].words
    return RuleSet(rules, compiler.lexicons, phrases, mentions, slips(compiler), things, compiler.alphabet.codes, file)


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


def _fill(index: Index, group: Group, patterns: str, compiler: Compiler) -> None:
    for line in patterns.splitlines():
        source = line.split("#", 1)[0].strip()
        if source:
            index.add(compiler.pattern(source), group)


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
