"""A described interview loop: what `loop.toml` may say. Unknown keys are errors, so that a typo is not a silent gap."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from pipeline.errors import SettingsError
from pipeline.records import Record


class Success(Record):
    """One thing that a person in this role does in the first months when the hire was right."""

    id: str
    text: str
    pillars: tuple[str, ...] = ()


class Person(Record):
    """Someone who interviews."""

    id: str
    pillars: tuple[str, ...] = ()
    calibrated: bool = False


class Question(Record):
    """A question or exercise."""

    id: str
    text: str
    pillar: str | None = None
    success: tuple[str, ...] = ()


class Round(Record):
    """One stage of the loop. `guide` means written questions and anchors that every candidate gets."""

    id: str
    format: str
    title: str = ""
    minutes: int = Field(60, ge=0)
    pillars: tuple[str, ...] = ()
    owner: str | None = None
    interviewers: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    guide: bool = False
    real_work: bool = False
    alternative: str | None = None


class Practice(Record):
    """How the loop is run."""

    signal_matrix: str | None = None
    calls_before_debrief: bool = False
    debrief_on_evidence: bool = False
    retrospective_months: int | None = None
    tracks_acceptance_rates: bool = False
    answer_within_days: int | None = None
    tells_candidates_what_is_looked_at: bool = False


class Loop(Record):
    """The whole loop of one role."""

    role: str
    success_months: int = Field(6, ge=1, le=24)
    take_home_cap_hours: float = Field(3.0, gt=0)
    loop_cap_hours: float = Field(6.0, gt=0)
    practice: Practice = Practice()
    success: tuple[Success, ...] = ()
    interviewers: tuple[Person, ...] = ()
    questions: tuple[Question, ...] = ()
    rounds: tuple[Round, ...] = ()


def load_loop(path: Path) -> tuple[Loop, dict[str, int]]:
    """The loop and, for each id, the line it stands on. Raises SettingsError that names the key and the fault."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise SettingsError(
            f"{path} is no file.", next_step="start from examples/loop.toml; docs/loop-audit.md explains the keys."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}", next_step="mend it and run again.") from None
    try:
        loop = Loop.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{path}, {key}: {first['msg']}", next_step="docs/loop-audit.md lists the keys.") from None
    for kind in ("success", "interviewers", "questions", "rounds"):
        ids = [one.id for one in getattr(loop, kind)]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise SettingsError(
                f"{path}, {kind}: {twice[0]} appears twice.", next_step="give each one an id of its own."
            )
    return loop, _lines(text)


def _lines(text: str) -> dict[str, int]:
    """Line of each `[[table]]` entry by "table.id", and of each plain table by its name."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if bare.startswith("["):
            table = bare.strip("[] ").split("#")[0].strip("] ")
            found.setdefault(table, number)
        elif bare.split("=")[0].strip() == "id":
            found[f"{table}.{bare.split('=', 1)[1].split('#')[0].strip().strip(chr(34) + chr(39))}"] = number
    return found
