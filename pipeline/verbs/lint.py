"""The verbs of the feedback linter: lint and explain."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.verbs.common import LlmOption, ShowPromptOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.lint.finding import NoteReport

_SELECTING, _OUTPUT, _BASELINE, _STORING = "Rules", "Output", "Known findings", "Keeping findings"


def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files, folders, or - for standard input. Default: this folder.")
    ] = None,
    select: Annotated[
        str, typer.Option(help="Codes or prefixes that count, by comma.", rich_help_panel=_SELECTING)
    ] = "",
    ignore: Annotated[str, typer.Option(help="Codes or prefixes that do not.", rich_help_panel=_SELECTING)] = "",
    extend_select: Annotated[
        str, typer.Option(help="Codes or prefixes on top of the configured ones.", rich_help_panel=_SELECTING)
    ] = "",
    config: Annotated[
        Path | None, typer.Option(help="This TOML file instead of the nearest.", rich_help_panel=_SELECTING)
    ] = None,
    field: Annotated[
        str, typer.Option(help="The column of a CSV, or key of JSON lines, that holds the feedback.")
    ] = "",
    id_field: Annotated[str, typer.Option(help="The column or key that names a row.")] = "",
    stdin_filename: Annotated[str, typer.Option(help="The name standard input stands for.")] = "",
    output_format: Annotated[
        str, typer.Option(help="full, concise, json, github, sarif or junit.", rich_help_panel=_OUTPUT)
    ] = "",
    statistics: Annotated[
        bool,
        typer.Option("--statistics", help="Count findings by rule instead of listing them.", rich_help_panel=_OUTPUT),
    ] = False,
    fail_on: Annotated[
        str, typer.Option(help="The least severity that fails: info, warning or error.", rich_help_panel=_OUTPUT)
    ] = "",
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Exit 0 in spite of findings.", rich_help_panel=_OUTPUT)
    ] = False,
    baseline: Annotated[
        Path | None, typer.Option(help="Findings in this file are known and do not count.", rich_help_panel=_BASELINE)
    ] = None,
    write_baseline: Annotated[
        bool,
        typer.Option("--write-baseline", help="Write all findings of now to the baseline.", rich_help_panel=_BASELINE),
    ] = False,
    prune_baseline: Annotated[
        bool,
        typer.Option("--prune-baseline", help="Take mended findings out of the baseline.", rich_help_panel=_BASELINE),
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Lint again when a file changes, until interrupted.")] = False,
    lsp: Annotated[bool, typer.Option("--lsp", help="Serve an editor over standard input and output.")] = False,
    store: Annotated[
        bool,
        typer.Option("--store", help="Keep texts and findings in the workspace's database.", rich_help_panel=_STORING),
    ] = False,
    interview: Annotated[
        str, typer.Option(help="With --store: the interview the feedback is about.", rich_help_panel=_STORING)
    ] = "",
    interviewer: Annotated[str, typer.Option(help="With --store: who wrote it.", rich_help_panel=_STORING)] = "",
    workspace: Annotated[
        Path,
        typer.Option(
            "-w",
            "--workspace",
            envvar="VERBATIM_WORKSPACE",
            help="With --store and --llm: the workspace.",
            rich_help_panel=_STORING,
        ),
    ] = Path(),
    llm: LlmOption = "",
    show_prompt: ShowPromptOption = False,
) -> None:
    """Point at gut feel in written feedback and ask for the observation behind it.

    Offline unless --llm is given. It lints the text, never the candidate, and rewrites nothing. Exit code 1: findings;
    2: could not lint.
    """
    from pipeline.lint.session import Flags, Session

    if lsp:
        from pipeline.lint.lsp import serve

        serve()
        return
    _check_store(store=store, watch=watch, about=interview or interviewer)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal of few letters shows the others as escapes
        machine = output_format in {"json", "sarif", "junit"}
        sys.stdout.reconfigure(encoding="utf-8" if machine else None, errors="backslashreplace")
    session = Session(
        Flags(
            select=_codes(select),
            ignore=_codes(ignore),
            extend_select=_codes(extend_select),
            config=config,
            field=field,
            id_field=id_field,
            stdin_filename=stdin_filename,
            output_format=output_format,
            fail_on=fail_on,
            statistics=statistics,
            baseline=baseline,
            write_baseline=write_baseline,
            prune_baseline=prune_baseline,
        )
    )
    if llm or show_prompt:
        from pipeline.verbs.second import second_look

        session.look = second_look(
            session.rules,
            lambda code, file: session.config(file).wants(code, file),
            mode=llm,
            show_prompt=show_prompt,
            folder=workspace,
        )
    wanted = paths or [Path()]
    if watch:
        session.watch(wanted, sys.stdout, sys.stderr)
        return
    stdin = sys.stdin.buffer if sys.stdin else io.BytesIO()  # there is none when it was closed
    outcome = session.once(wanted, stdin, sys.stdout, sys.stderr)
    if store:
        _keep(outcome.reports, workspace, interview, interviewer)
    if outcome.failed:
        raise typer.Exit(2)
    if outcome.counts and not exit_zero:
        raise typer.Exit(1)


def _check_store(*, store: bool, watch: bool, about: str) -> None:
    """Refuse what would otherwise be kept nowhere without a word."""
    from pipeline.errors import SettingsError

    if about and not store:
        raise SettingsError(
            "--interview and --interviewer go with --store.", next_step="add --store, or leave them out."
        )
    if store and watch:
        raise SettingsError(
            "--watch keeps nothing.", next_step="use --store without --watch, when the note is finished."
        )


def _codes(text: str) -> tuple[str, ...]:
    return tuple(part.strip().upper() for part in text.split(",") if part.strip())


def _keep(reports: Sequence[NoteReport], workspace: Path, interview: str, interviewer: str) -> None:
    from pipeline.adapters.store import notes
    from pipeline.lint.formats import plural
    from pipeline.verbs.common import open_workspace

    keys = ("code", "name", "severity", "start", "end", "text", "question", "source", "downgraded_from", "request_hash")
    with open_workspace(workspace).store().session() as db:
        if interview:
            notes.check_interview(db, interview)
        ids = []
        for report in reports:
            name = Path(report.note.file).name + (f"#{report.note.id}" if report.note.id else "")
            kept = notes.keep_feedback(
                db, path=name, text=report.note.text, interview_id=interview or None, interviewer_id=interviewer or None
            )
            rows = [{key: getattr(finding, key) for key in keys} for finding in report.findings]
            notes.replace_rows(db, "findings", kept, rows)
            ids.append(kept)
        notes.drop_earlier(db, ids)
    typer.echo(f"Kept {plural(len(reports), 'note')} with the findings in {workspace}.", err=True)


def explain(
    code: Annotated[str, typer.Argument(help="A code such as GF201, or a prefix. Without it: all codes.")] = "",
) -> None:
    """Print a lint rule's page: what, why, evidence, near-misses, bad and good examples."""
    from pipeline.errors import SettingsError
    from pipeline.lint.page import listing, page
    from pipeline.lint.rules import load_rules

    rules = load_rules().rules
    if not code:
        typer.echo(listing(rules), nl=False)
        return
    found = [rules[known] for known in sorted(rules) if known.startswith(code.upper())]
    if not found:
        raise SettingsError(f"No lint rule starts with {code!r}.", next_step="verbatim explain lists the codes.")
    typer.echo("\n".join(page(rule) for rule in found), nl=False)
