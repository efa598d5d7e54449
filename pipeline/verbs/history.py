"""What happened afterwards: import it, look back on it, take the tables elsewhere, check the loop itself."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline.verbs.common import JsonOption, WorkspaceOption, open_workspace

if TYPE_CHECKING:
    from pipeline.retro.importing import Imported

HERE = Path()


def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet files; what they are is read from their header.")],
    workspace: WorkspaceOption = HERE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, keep nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take in what happened: candidates, interviews, questions, calls, votes, decisions, outcomes.

    A file with a single bad row is not imported at all and every bad row is listed: exit 1, the good files are in.
    """
    import json

    from pipeline.retro.importing import as_json as plain
    from pipeline.retro.importing import import_files
    from pipeline.workspace import Workspace

    existed = (workspace / "verbatim.toml").exists() or (workspace / "verbatim.duckdb").exists()
    place = open_workspace(workspace) if existed else Workspace.create(workspace)
    if not existed:
        print(f"New workspace at {place.folder.resolve()}.", file=sys.stderr)
    with place.store().session() as db:
        done = import_files(db, files, dry_run=dry_run)
    if as_json:
        print(json.dumps({"dry_run": dry_run, "files": plain(done)}, indent=2, ensure_ascii=False))
    else:
        for one in done:
            _say(one, dry_run=dry_run)
    if any(one.bad for one in done):
        raise typer.Exit(1)


def _say(one: Imported, *, dry_run: bool) -> None:
    if one.bad:
        print(f"{one.path}: {len(one.bad)} faults, nothing of it imported ({one.kind})")
        for bad in one.bad:
            print(f"  line {bad.line}, {bad.field}: {bad.why}")
        return
    would = "would add" if dry_run else "added"
    print(
        f"{one.path}: {one.kind}, {one.rows} rows: {would} {one.added}, changed {one.changed}, "
        f"already there {one.unchanged}"
    )
    if one.ignored:
        print(f"  columns not used: {', '.join(one.ignored)}", file=sys.stderr)


def retro(
    workspace: WorkspaceOption = HERE,
    out: Annotated[
        Path | None, typer.Option(help="File to write, - for stdout (default: retro.html in the workspace).")
    ] = None,
    form: Annotated[Literal["html", "md"], typer.Option("--format", help="html, or md on stdout.")] = "html",
    horizon: Annotated[str, typer.Option(help="Months after hiring in which a rating counts, as 6-12.")] = "6-12",
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of the report (default: the latest date on record)."),
    ] = None,
    hide_names: Annotated[
        bool, typer.Option("--hide-names", help="Number the interviewers: for readers who do not own calibration.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Did our interviews tell anything, and can we know yet? One report, with n and an interval for every figure."""
    from pipeline.retro import render
    from pipeline.retro.report import retrospective

    place = open_workspace(workspace)
    months = _horizon(horizon)
    with place.store().session() as db:
        found = retrospective(db, months, as_of.date() if as_of else None, names=not hide_names)
        db.journal("retro", "retro", f"{found['n']} hires", f"words: {found['words']}")
    if as_json:
        _emit(render.as_json(found), out)
    elif form == "md":
        _emit(render.as_markdown(found), out)
    else:
        from pipeline.retro.pictures import pictures

        target = out or place.folder / "retro.html"
        _emit(render.as_html(found, pictures(found)), target)
        print(f"{found['n']} hires with an outcome; strongest words used: {found['words']}.", file=sys.stderr)
        if str(target) != "-":
            print(target)


def _horizon(text: str) -> Any:
    from pipeline.errors import SettingsError
    from pipeline.retro.history import Horizon

    low, _, high = text.partition("-")
    if not (low.isdigit() and high.isdigit() and int(low) <= int(high) <= 600):
        raise SettingsError(f"--horizon {text} is no span of months.", next_step="write it as 6-12.")
    return Horizon(int(low), int(high))


def _emit(text: str, out: Path | None) -> None:
    if out is None or str(out) == "-":
        sys.stdout.write(text)
        return
    from pipeline.workspace import write_private

    out.parent.mkdir(parents=True, exist_ok=True)
    write_private(out, text.encode())


def export(
    folder: Annotated[Path, typer.Argument(help="Folder for one Parquet file per public view.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write the public views as Parquet files, for a notebook or any other DuckDB client."""
    import json

    from pipeline.adapters.store.export import export_views

    with open_workspace(workspace).store().session() as db:
        written = export_views(db, folder)
    if as_json:
        print(json.dumps(written, indent=2))
        return
    for name, rows in written.items():
        print(f"{folder / name}.parquet: {rows} rows")


def audit(
    loop: Annotated[Path, typer.Argument(help="The loop described in TOML; examples/loop.toml is one.")],
    workspace: Annotated[
        Path | None,
        typer.Option(
            "-w",
            "--workspace",
            envvar="VERBATIM_WORKSPACE",
            help="Join in what this workspace's database shows (default: the current folder, when it is one).",
        ),
    ] = None,
    fail_on: Annotated[
        Literal["info", "warning", "error"], typer.Option(help="Exit 1 from this severity on.")
    ] = "warning",
    as_json: JsonOption = False,
) -> None:
    """Check an interview loop: clarity, realism, structure, calibration, bias, the candidate's time. Exit 0, 1 or 2."""
    import json
    from datetime import date

    from pipeline.audit.check import audit as check
    from pipeline.audit.loop import load_loop
    from pipeline.audit.rules import SEVERITIES
    from pipeline.audit.shown import shown
    from pipeline.retro.facts import loop_facts

    described, lines = load_loop(loop)
    findings = check(described, lines)
    if workspace is None and (HERE / "verbatim.duckdb").is_file():
        workspace = HERE
    if workspace is not None:
        with open_workspace(workspace).store().session() as db:
            findings += shown(loop_facts(db, date.today()), described, lines)
    summary = {name: sum(one.severity == name for one in findings) for name in reversed(SEVERITIES)}
    if as_json:
        listed = [{"file": str(loop), **one.model_dump()} for one in findings]
        print(
            json.dumps(
                {"findings": listed, "summary": summary | {"findings": len(listed)}}, indent=2, ensure_ascii=False
            )
        )
    else:
        for one in findings:
            place = f"{loop}:{one.line}" if one.line else str(loop)
            print(f"{place}: {one.code} {one.name} ({one.severity}), {one.where}: {one.text}\n    {one.suggestion}")
        print(", ".join(f"{number} {name}" for name, number in summary.items()), file=sys.stderr)
    if any(SEVERITIES.index(one.severity) >= SEVERITIES.index(fail_on) for one in findings):
        raise typer.Exit(1)
