"""The linter's command line for tests: run it in a folder of its own, and read what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

import cli
from pipeline.errors import VerbatimError

ROOT = Path(__file__).parent.parent
BAD = "Great culture match 😀, bad vibes.\nShe asked four questions.\n"


class Ran(NamedTuple):
    stdout: str
    stderr: str
    exit_code: int

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


def run(*arguments: str, stdin: str | bytes = "") -> Ran:
    """The command line as `cli.main` runs it: our own errors become a message and an exit code."""
    result = CliRunner().invoke(cli.app, list(arguments), input=stdin)
    if isinstance(result.exception, VerbatimError):
        return Ran(result.stdout, f"verbatim: {result.exception}", result.exception.exit_code)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.stdout, result.stderr, result.exit_code)


def lint(*arguments: str, stdin: str | bytes = "") -> Ran:
    return run("lint", *arguments, stdin=stdin)


def rows(*arguments: str, stdin: str = "") -> list[dict[str, Any]]:
    content: dict[str, Any] = json.loads(lint(*arguments, "--output-format", "json", stdin=stdin).stdout)
    return list(content["findings"])


def note(name: str = "note.md", text: str = BAD) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8", newline="")
    return name
