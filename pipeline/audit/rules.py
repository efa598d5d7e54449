"""The rules of the loop audit as data: code, severity, question, and for some the words they look for."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import Field

from pipeline.records import Record

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class Rule(Record):
    """One rule. `patterns` are read over titles and question texts; rules without are checks in code."""

    code: str = Field(pattern=r"^AL[1-7]\d\d$")
    name: str
    severity: Severity
    why: str
    asks: str
    patterns: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()

    def match(self, text: str) -> str | None:
        """The first phrase that a pattern finds."""
        for pattern in _compiled(self.patterns):
            found = pattern.search(text)
            if found:
                return found[0]
        return None


class Finding(Record):
    """One finding about the loop: where, what, and the question to answer. Never about a candidate."""

    code: str
    name: str
    severity: Severity
    where: str
    line: int | None
    text: str
    suggestion: str
    source: Literal["loop", "database"]


@cache
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


@cache
def rules() -> dict[str, Rule]:
    """Every rule by its code, in the order of the file."""
    text = resources.files("prompts").joinpath("loop_rules.toml").read_text(encoding="utf-8")
    found = [Rule.model_validate(entry) for entry in tomllib.loads(text)["rules"]]
    return {rule.code: rule for rule in found}
