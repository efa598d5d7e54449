"""The verb that measures: eval, and eval diff."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.verbs.common import JsonOption

if TYPE_CHECKING:
    from eval.results import EvalRun
    from eval.solvers import Options


def evaluate(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TASK...] | diff A B", help="Tasks to measure (none: all), or `diff` and two results."),
    ] = None,
    solver: Annotated[
        str, typer.Option(help="offline, model, replay, batch, random, longest or keywords.")
    ] = "offline",
    split: Annotated[str, typer.Option(help="dev or test.")] = "dev",
    gold: Annotated[Path | None, typer.Option(help="Measure on this folder of labelled interviews instead.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json, report.md and report.html.")] = None,
    workspace: Annotated[
        Path | None, typer.Option("-w", "--workspace", help="Settings and answers of a model.")
    ] = None,
    template: Annotated[str, typer.Option(help="The prompt: extract (pointing) or quote.")] = "extract",
    examples: Annotated[bool, typer.Option(help="Show the model the few-shots.")] = True,
    joint: Annotated[bool, typer.Option("--joint", help="Ask about all pillars in one request.")] = False,
    answers: Annotated[Path | None, typer.Option(help="Answers for the solver batch, one JSON object a line.")] = None,
    write_requests: Annotated[
        Path | None, typer.Option(help="Write the requests a model would get, and measure nothing.")
    ] = None,
    twice: Annotated[bool, typer.Option("--twice", help="Solve everything twice and report stability.")] = False,
    keep_baseline: Annotated[bool, typer.Option("--keep-baseline", help="Make these figures the baseline.")] = False,
    totals: Annotated[bool, typer.Option("--totals", help="Figures only, no quotes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how good each part is, with intervals; exit 1 when a figure fell below its baseline."""
    from eval.solvers import Options
    from eval.variants import Variant

    if tasks and tasks[0] == "diff":
        _diff(tasks[1:], as_json=as_json)
        return
    options = Options(workspace=workspace, variant=Variant(template, examples, joint), batch=answers)
    if write_requests is not None:
        _write_requests(tasks or [], options, split, gold, write_requests)
        return
    run = _measure(tasks or [], solver, gold.name if gold else split, options, twice=twice, gold=gold)
    if out is not None:
        _write(run, out, quotes=not totals)
    _print(run, as_json=as_json, quotes=not totals and out is None)
    _gate(run, keep=keep_baseline)


def _measure(tasks: list[str], solver: str, split: str, options: Options, *, twice: bool, gold: Path | None) -> EvalRun:
    import time

    from eval.runner import run_tasks
    from eval.solvers import MODELS, make_solver

    def progress(name: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done}/{total} {name} ", end="\n" if done + 1 == total else "", file=sys.stderr, flush=True)

    started = time.perf_counter()
    extractor = make_solver(solver, options)
    run = run_tasks(
        tasks,
        extractor,
        solver,
        split,
        variant=options.variant if solver in MODELS else None,
        twice=twice,
        workspace=options.workspace,
        gold=gold,
        progress=progress,
    )
    typer.echo(f"{solver} on {split}: {time.perf_counter() - started:.1f} s", err=True)
    return run


def _write(run: EvalRun, out: Path, *, quotes: bool) -> None:
    from eval.report import html, markdown
    from eval.results import write_run

    write_run(run, out / "results.json")
    (out / "report.md").write_text(markdown(run, quotes=quotes), encoding="utf-8")
    (out / "report.html").write_text(html(run, quotes=quotes), encoding="utf-8")
    typer.echo(f"wrote results.json, report.md and report.html to {out}", err=True)


def _print(run: EvalRun, *, as_json: bool, quotes: bool) -> None:
    from eval.report import markdown

    if as_json:
        typer.echo(run.model_dump_json(indent=1, exclude={"results": {"__all__": {"items"}}}))
    else:
        typer.echo(markdown(run, quotes=quotes), nl=False)


def _gate(run: EvalRun, *, keep: bool) -> None:
    from eval import baselines

    if keep:
        baselines.keep(run)
        typer.echo("these figures are the baseline now", err=True)
        return
    kept = baselines.load()
    for sentence in baselines.stale(run, kept):
        typer.echo(sentence, err=True)
    fallen = baselines.regressions(run, kept)
    for fall in fallen:
        typer.echo(f"{fall.key} {fall.metric}: {fall.kept} before, {fall.now} now, {fall.reason}", err=True)
    if fallen:
        raise typer.Exit(1)


def _write_requests(tasks: list[str], options: Options, split: str, gold: Path | None, path: Path) -> None:
    from eval import claims_model
    from eval.dataset import load_folder, load_split
    from eval.solvers import request_writer
    from eval.solving import solve

    extractor, requests = request_writer(options)
    samples = load_folder(gold) if gold else load_split(split)
    if tasks == ["claims"]:
        claims_model.write_requests(requests, split, samples)
    else:
        solve(extractor, samples)
    typer.echo(f"wrote {requests.write(path)} requests to {path}", err=True)


def _diff(paths: list[str], *, as_json: bool) -> None:
    from eval.diff import compare, markdown
    from eval.results import ResultError, read_run

    if len(paths) != 2:
        raise ResultError(
            "diff takes two results.", next_step="verbatim eval diff A B, with results.json files or folders."
        )
    diffs = compare(read_run(Path(paths[0])), read_run(Path(paths[1])))
    if as_json:
        typer.echo("[" + ",\n".join(diff.model_dump_json(indent=1) for diff in diffs) + "]")
    else:
        typer.echo(markdown(diffs), nl=False)
