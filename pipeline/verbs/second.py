"""`--llm` of lint: settings, the endpoint, the place of its answers, and what a failure of it means."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pipeline.errors import VerbatimError
    from pipeline.lint.finding import Note, NoteReport
    from pipeline.lint.model import SecondTier
    from pipeline.lint.rules import RuleSet
    from pipeline.redact import Redactor
    from pipeline.settings import Settings
    from pipeline.workspace import Workspace

Look = Callable[[Sequence["NoteReport"]], "list[NoteReport]"]


def second_look(
    rules: RuleSet, wants: Callable[[str, str], bool], *, mode: str, show_prompt: bool, folder: Path
) -> Look:
    """What `lint` does with its reports under `--llm` (`mode`: on or required) or `--show-prompt`.

    `folder` is the workspace, or where to look for a verbatim.toml from upwards. Raises SettingsError for a file that
    cannot be read; whatever the endpoint does wrong is told on stderr and in the reports, and is an error only when
    the model is required.
    """
    from pipeline.lint.model import SecondTier
    from pipeline.prompting import load_template
    from pipeline.settings import load_settings

    home = settings_folder(folder)
    settings = load_settings(home)
    tier = SecondTier(rules, load_template("lint"), redactors(settings, rules), wants)

    def look(reports: Sequence[NoteReport]) -> list[NoteReport]:
        if show_prompt:
            _print_prompts(tier, reports)
            raise typer.Exit(0)
        second, fault = _ask(tier, reports, settings, home)
        if fault is not None and mode == "required":
            raise unusable(fault)
        _tell(second, fault)
        return second

    return look


def settings_folder(start: Path) -> Path:
    """The nearest folder with a verbatim.toml, from `start` upwards; `start` itself when there is none."""
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / "verbatim.toml").is_file()), here)


def answers_at(home: Path) -> Workspace:
    """Where answers are kept: the workspace, or the user's own cache folder for feedback that lies elsewhere."""
    from pipeline.workspace import Workspace

    workspace = Workspace(home if (home / "verbatim.duckdb").is_file() else user_cache())
    workspace.llm.mkdir(mode=0o700, parents=True, exist_ok=True)
    return workspace


def user_cache() -> Path:
    """The folder in which this user's programs keep what can be had again."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "verbatim"


def plain_words(rules: RuleSet) -> frozenset[str]:
    """Words that the rules know, so that no sentence's first word among them is taken for a name."""
    return frozenset().union(*(lexicon.words for lexicon in rules.lexicons.values()))


def redactors(settings: Settings, rules: RuleSet) -> Callable[[Note], Redactor]:
    """Placeholders for a note: the names of the settings and those that the note gives away; off only by `redact`."""
    from pipeline.names import people_in
    from pipeline.redact import Redactor

    words = plain_words(rules)

    def redactor_of(note: Note) -> Redactor:
        names = [*settings.llm.redact_names, *people_in(note.text, words)]
        return Redactor(names, active=settings.llm.redact != "off")

    return redactor_of


def _ask(
    tier: SecondTier, reports: Sequence[NoteReport], settings: Settings, home: Path
) -> tuple[list[NoteReport], VerbatimError | None]:
    import anyio

    from pipeline.adapters.llm import open_llm
    from pipeline.errors import EndpointError, SettingsError

    try:
        llm = open_llm(settings.llm, answers_at(home))
    except (SettingsError, EndpointError) as error:
        return tier.without(reports, error)

    async def work() -> tuple[list[NoteReport], VerbatimError | None]:
        try:
            return await tier.look(llm, reports)
        finally:
            await llm.aclose()

    return anyio.run(work)


def _tell(reports: Sequence[NoteReport], fault: VerbatimError | None) -> None:
    from pipeline.lint.looked import notices, summed

    why = stopped(fault.what) if fault is not None else ""
    for notice in notices(summed(report.looked for report in reports), why):
        typer.echo(f"verbatim: {notice}", err=True)
    if fault is not None and fault.next_step:
        typer.echo(f"Next: {fault.next_step}", err=True)


def unusable(fault: VerbatimError) -> VerbatimError:
    """The error of a model that is required and failed: exit code 2, whatever the fault's own would be."""
    from pipeline.errors import EndpointError

    return EndpointError(
        f"the model is required and could not be used for all of it: {stopped(fault.what)}",
        kept="every answer that came.",
        next_step=fault.next_step or "run without `required` to see what was found without it.",
    )


def stopped(what: str) -> str:
    """A fault's words with the full stop that some of them lack, for more to follow."""
    return what if what.endswith((".", "!", "?")) else f"{what}."


def _print_prompts(tier: SecondTier, reports: Sequence[NoteReport]) -> None:
    """Every message of every request, as it would leave."""
    for task in tier.tasks(reports):
        note = reports[task.note].note
        for message in tier.messages(note.file, task):
            typer.echo(
                f"--- {note.file}{f' [{note.id}]' if note.id else ''}, {message['role']}\n{message['content']}\n"
            )
