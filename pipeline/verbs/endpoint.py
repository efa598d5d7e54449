"""Verbs around a model endpoint: doctor, models serve, batch write/read/submit/poll."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.verbs.common import JsonOption, WorkspaceOption, open_workspace

if TYPE_CHECKING:
    from pipeline.adapters.llm.batch_jobs import Job
    from pipeline.ingest import Intake
    from pipeline.pending import Plan
    from pipeline.settings import Settings
    from pipeline.workspace import Workspace

models = typer.Typer(help="Models on this machine.")
batch = typer.Typer(help="Ask a model through batch files instead of live calls.", no_args_is_help=True)

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the batch files.")]
ModelOption = Annotated[str | None, typer.Option(help="The model, as llm.model.")]
BaseUrlOption = Annotated[str | None, typer.Option(help="Its OpenAI-compatible endpoint, as llm.base_url.")]


def doctor(
    workspace: WorkspaceOption = Path(),
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
    longest: Annotated[int, typer.Option(help="Length of the long probing prompt, in characters.")] = 16_000,
    json_: JsonOption = False,
) -> None:
    """Look over the set-up and the model endpoint, before any recording is sent anywhere. Exit 1 on a fault."""
    import json

    from pipeline.doctor import examine

    opened = open_workspace(workspace)
    checks = examine(opened, _settings(opened, model, base_url), longest, _say)
    if json_:
        typer.echo(json.dumps([check.model_dump() for check in checks], indent=1))
    else:
        for check in checks:
            mark = {True: "ok", False: "FAULT", None: "note"}[check.ok]
            typer.echo(f"{mark:<6} {check.name}: {check.detail}")
            if check.next_step and check.ok is not True:
                typer.echo(f"{'':<6}   next: {check.next_step}")
    if any(check.ok is False for check in checks):
        raise typer.Exit(1)


@models.callback(invoke_without_command=True)
def list_models(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show the speech models this machine has, where they lie and their hashes. `serve` starts a language model."""
    if context.invoked_subcommand is not None:
        return
    import json

    from pipeline.adapters.weights import INSTALL, installed_models
    from pipeline.show import show_rows

    found = installed_models()
    if as_json:
        typer.echo(json.dumps([model.model_dump() for model in found], indent=2))
    elif found:
        rows = [(m.name, m.source, f"{m.size / 1e6:.0f} MB", m.sha256[:16] or "not read", m.where) for m in found]
        show_rows(("model", "from", "size", "SHA-256", "where"), rows)
    else:
        typer.echo(f"No speech model is installed. Next: {INSTALL}.", err=True)


@models.command()
def serve(
    gguf: Annotated[Path, typer.Argument(help="A GGUF file with the model's weights.")],
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8080,
    context: Annotated[int, typer.Option(help="Tokens a prompt and its answer may have.")] = 16_384,
    slots: Annotated[int, typer.Option(help="Requests answered at once.")] = 1,
    threads: Annotated[int, typer.Option(help="0: all processors but one.")] = 0,
) -> None:
    """Start llama.cpp's server for a model file on this machine, until Ctrl-C."""
    from pipeline.adapters.llm.local import start

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server = start(gguf, port=port, context=context, slots=slots, threads=threads)
        typer.echo(f'model = "{server.model}"\nbase_url = "{server.url}"')
        sys.stdout.flush()
        typer.echo("Serving until Ctrl-C. These lines go under [llm] in verbatim.toml.", err=True)
        while True:
            signal.pause()
    except KeyboardInterrupt:
        sys.stdout.flush()
        os._exit(0)  # the server's own threads would keep the program alive


@batch.command("write")
def batch_write(
    folder: FolderArgument,
    paths: Annotated[list[Path] | None, typer.Argument(help="Manifests, folders or recordings, as for run.")] = None,
    workspace: WorkspaceOption = Path(),
    consent: Annotated[bool, typer.Option("--consent", help="As for run.")] = False,
    interview: Annotated[list[str] | None, typer.Option(help="Only this interview; may be repeated.")] = None,
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
) -> None:
    """Write every open request as OpenAI Batch API JSONL; recordings are transcribed first."""
    from pipeline.adapters.llm.batch import write
    from pipeline.adapters.llm.batch_jobs import none_under_way
    from pipeline.pending import Pending
    from pipeline.progress import watching
    from pipeline.verbs.work import intake_of

    opened = open_workspace(workspace)
    settings = _settings(opened, model, base_url)
    none_under_way(folder)
    pending = Pending(opened, settings, listen=True)
    with watching() as watcher:
        plan = pending.collect(
            intake_of(paths or [], settings, consent=consent),
            lambda stage, done, total: watcher.stage("batch", stage, done, total),
            only=interview or [],
        )
    files = write(folder, pending.llm)
    for path in files:
        typer.echo(str(path))
    _say(f"{plan.requests} requests in {len(files)} files. {_faults(plan)}")
    if files:
        _say("Next: have them answered, then: verbatim batch read RESULTS... and verbatim run")
    if plan.faults:
        raise typer.Exit(3)


@batch.command("read")
def batch_read(
    files: Annotated[list[Path], typer.Argument(help="Result and error files, in any order.")],
    workspace: WorkspaceOption = Path(),
    json_: JsonOption = False,
) -> None:
    """Take in what a batch gave. What failed, expired or is missing stays open for the next `batch write`."""
    import json

    from pipeline.adapters.llm.batch import read
    from pipeline.adapters.llm.kept import KeptAnswers

    found = read(files, KeptAnswers(open_workspace(workspace).llm))
    if json_:
        typer.echo(json.dumps(found.model_dump()))
    else:
        shown = {
            "taken": found.taken,
            "there already": found.already,
            "failed": found.failed,
            "expired": found.expired,
            "of unknown requests": found.unknown,
            "unreadable rows": found.broken,
        }
        typer.echo(", ".join(f"{count} {name}" for name, count in shown.items() if count) or "nothing in the files")
    if found.open:
        _say(f"{found.open} requests are still open. Next: verbatim batch write DIR")
    else:
        _say("Next: verbatim run")


@batch.command("submit")
def batch_submit(
    folder: FolderArgument,
    workspace: WorkspaceOption = Path(),
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
) -> None:
    """Hand the request files of a folder to the endpoint's batch service."""
    import anyio

    from pipeline.adapters.llm.batch_jobs import submit

    for job in anyio.run(submit, folder, _settings(open_workspace(workspace), model, base_url).llm, _say):
        typer.echo(_job(job) + ("  (found again)" if job.attached else ""))
    _say(f"Next: verbatim batch poll {folder}")


@batch.command("poll")
def batch_poll(
    folder: FolderArgument,
    workspace: WorkspaceOption = Path(),
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
) -> None:
    """Ask after submitted batches and fetch the files of those that ended."""
    import anyio

    from pipeline.adapters.llm.batch_jobs import poll

    results = []
    for job in anyio.run(poll, folder, _settings(open_workspace(workspace), model, base_url).llm, _say):
        typer.echo(_job(job))
        results += [str(folder / name) for name in job.results]
    if results:
        _say(f"Next: verbatim batch read {' '.join(results)}")


def plan_run(workspace: Workspace, settings: Settings, intake: Intake, *, only: list[str], prompts: bool) -> None:
    """For `run --dry-run` and `run --show-prompt`: what would be asked, or exactly what would be sent."""
    import json

    from pipeline.pending import Pending

    pending = Pending(workspace, settings, listen=False)
    plan = pending.collect(intake, lambda *_: None, only=only)
    if prompts:
        for name, request in pending.llm.requests.items():
            body = pending.llm.dialect.body(request)
            typer.echo(json.dumps({"request": name, "to": pending.llm.endpoint, "body": body}, ensure_ascii=False))
    cost = f", at most {plan.cost:.2f} {plan.currency}".rstrip() if plan.cost else ""
    typer.echo(
        f"{plan.interviews} interviews, {plan.finished} finished and unchanged. {plan.requests} requests to "
        f"{pending.llm.endpoint} ({pending.llm.model}): about {plan.input_tokens:,} prompt tokens, at most "
        f"{plan.most_output_tokens:,} answer tokens{cost}.",
        err=prompts,
    )
    if plan.guessed:
        _say(f"{plan.guessed} interviews were not listened to yet and are estimated from their length.")
    if plan.faults:
        _say(_faults(plan))


def _job(job: Job) -> str:
    from pipeline.plain import plain_line

    return f"{job.file}  {plain_line(job.batch_id)}  {plain_line(job.state)}"


def _faults(plan: Plan) -> str:
    return "".join(f"\n  not counted: {fault}" for fault in plan.faults).lstrip()


def _settings(workspace: Workspace, model: str | None, base_url: str | None) -> Settings:
    from pipeline.settings import load_settings

    given = {key: value for key, value in (("model", model), ("base_url", base_url)) if value is not None}
    return load_settings(workspace.folder, {"llm": given} if given else None)


def _say(text: str) -> None:
    if text.strip():
        typer.echo(text, err=True)
