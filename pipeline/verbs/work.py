"""Verbs that make something: demo, init, run, roles."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.verbs.common import WorkspaceOption, open_workspace

if TYPE_CHECKING:
    from pipeline.ingest import Intake
    from pipeline.records import Role
    from pipeline.settings import Settings
    from pipeline.worklist import Ending
    from pipeline.workspace import Workspace


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to make the demo's workspace.")] = Path("verbatim-demo"),
) -> None:
    """Make a workspace, run two recorded interviews through every stage, and show the evidence."""
    from pipeline.examples import copy_examples
    from pipeline.settings import load_settings
    from pipeline.show import say_next, show_interviews
    from pipeline.workspace import Workspace

    os.umask(0o077)
    workspace = Workspace.create(folder)
    examples = copy_examples(workspace.folder / "examples")
    settings = load_settings(workspace.folder)
    endings = _run(workspace, settings, _intake(examples, settings, consent=False))
    if any(ending.state != "unchanged" for ending in endings):
        with workspace.store().session() as db:
            show_interviews(db)
    say_next(workspace, examples / "feedback")
    _exit(endings)


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make a workspace of.")] = Path(),
) -> None:
    """Make a folder a workspace: settings and an empty database; what is there already stays."""
    from pipeline.workspace import Workspace

    os.umask(0o077)
    workspace = Workspace.create(folder)
    with workspace.store().session():
        pass
    typer.echo(f"{folder} is ready. Next: verbatim run RECORDINGS -w {folder}", err=True)


def run(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Manifests, folders or recordings; none: what the workspace knows and has not finished."),
    ] = None,
    workspace: WorkspaceOption = Path(),
    interview: Annotated[list[str] | None, typer.Option(help="Only this interview; may be repeated.")] = None,
    consent: Annotated[
        bool, typer.Option("--consent", help="Everybody on recordings without a manifest agreed to this.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="Ask this model instead of the offline extractor.")] = None,
    base_url: Annotated[str | None, typer.Option(help="The model's OpenAI-compatible endpoint.")] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Use the offline extractor, whatever is configured.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Derive again even what is finished and unchanged.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many requests and tokens a model would take; do nothing.")
    ] = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Print what would be sent to the model, a JSON line a request.")
    ] = False,
) -> None:
    """Run recordings to verified evidence. Finished work is skipped; after an interruption it goes on where it was."""
    from pipeline.settings import load_settings

    opened = open_workspace(workspace)
    flags: dict[str, dict[str, object]] = {"llm": {}, "extract": {}}
    flags["llm"] |= {key: value for key, value in (("model", model), ("base_url", base_url)) if value is not None}
    if offline:
        flags["extract"]["extractor"] = "offline"
    settings = load_settings(opened.folder, {key: value for key, value in flags.items() if value})
    everything = intake_of(paths or [], settings, consent=consent)
    if dry_run or show_prompt:
        from pipeline.verbs.endpoint import plan_run

        plan_run(opened, settings, everything, only=interview or [], prompts=show_prompt)
        return
    _exit(_run(opened, settings, everything, only=interview or [], force=force))


def roles(
    interview: Annotated[str, typer.Argument(help="The interview's id.")],
    assignments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LABEL=ROLE]...", help="For example left=interviewer right=candidate."),
    ] = None,
    workspace: WorkspaceOption = Path(),
    author: Annotated[str, typer.Option(help="Who says so; noted in the journal.")] = "command line",
) -> None:
    """Show who is who in an interview, or say it: evidence is derived again, nothing is heard or asked again."""
    from pipeline.adapters.store import look, record
    from pipeline.runner import Runner
    from pipeline.settings import load_settings
    from pipeline.show import show_roles

    opened = open_workspace(workspace)
    store = opened.store()
    wanted = [_assignment(text) for text in assignments or []]
    with store.session() as db:
        look.summary(db, interview)
        with db.transaction():
            for label, role in wanted:
                record.correct_role(db, interview, label, role, author)
    if wanted:
        Runner(opened, load_settings(opened.folder), version=_own_version()).reprove(interview)
    with store.session() as db:
        show_roles(look.summary(db, interview))


def _assignment(text: str) -> tuple[str, Role]:
    from pipeline.errors import SettingsError

    known: dict[str, Role] = {"candidate": "candidate", "interviewer": "interviewer", "unknown": "unknown"}
    label, _, role = text.rpartition("=")
    if not label or role not in known:
        raise SettingsError(f"'{text}' is not LABEL=ROLE.", next_step=f"roles are {', '.join(known)}.")
    return label, known[role]


def intake_of(paths: list[Path], settings: Settings, *, consent: bool) -> Intake:
    """All paths of a command line as one intake."""
    from pipeline.ingest import join

    return join([_intake(path, settings, consent=consent) for path in paths])


def _intake(path: Path, settings: Settings, *, consent: bool) -> Intake:
    from pipeline.ingest import take_in

    return take_in(path, default_profile=settings.extract.rubric, consent=consent, duration_of=_duration)


def _duration(path: Path) -> float | None:
    from pipeline.adapters.media import probe
    from pipeline.errors import MediaError

    try:
        return probe(path).duration_s
    except MediaError:
        return None


def _run(
    workspace: Workspace, settings: Settings, intake: Intake, *, only: list[str] | None = None, force: bool = False
) -> list[Ending]:
    """A run with progress; an interruption ends the program at once, because everything finished is on disk."""
    from pipeline.progress import watching
    from pipeline.runner import Runner

    runner = Runner(workspace, settings, version=_own_version())
    try:
        with watching() as watcher:
            return runner.run(intake, watcher, only=only or [], force=force)
    except KeyboardInterrupt:
        runner.stop.set()
        print(
            f"\nInterrupted. Kept: every finished interview and stream. Next: verbatim run -w {workspace.folder}",
            file=sys.stderr,
            flush=True,
        )
        os._exit(130)  # a recogniser's thread would keep the program alive for a minute
    finally:
        if used := runner.used():
            typer.echo(used, err=True)


def _own_version() -> str:
    from importlib.metadata import version

    return version("verbatim-interviews")


def _exit(endings: list[Ending]) -> None:
    """Say how it ended; exit 3 when some failed."""
    counts = {state: sum(e.state == state for e in endings) for state in ("done", "unchanged", "failed")}
    if not endings:
        typer.echo("Nothing to do: the workspace knows no interview. Next: verbatim run RECORDINGS", err=True)
    elif counts["done"] == counts["failed"] == 0:
        typer.echo(f"Nothing to do: {counts['unchanged']} finished and unchanged.", err=True)
    else:
        typer.echo(", ".join(f"{n} {state}" for state, n in counts.items() if n), err=True)
    if counts["failed"]:
        raise typer.Exit(3)
