"""Verbs that show what is in the record: status, evidence, sql."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.verbs.common import JsonOption, WorkspaceOption, open_workspace, say_json


def status(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Which interviews are done, which failed, why, and the command that tries again."""
    from pipeline.adapters.store import look
    from pipeline.show import show_status

    with open_workspace(workspace).store().session() as db:
        found = look.status(db)
    if as_json:
        say_json(found)
    else:
        show_status(found)


def evidence(
    workspace: WorkspaceOption = Path(),
    interview: Annotated[str | None, typer.Option(help="Only this interview.")] = None,
    candidate: Annotated[str | None, typer.Option(help="Only this candidate.")] = None,
    pillar: Annotated[str | None, typer.Option(help="Only this pillar.")] = None,
    polarity: Annotated[Literal["strong", "weak"] | None, typer.Option(help="Only strong or weak.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the evidence: both sides and the gaps, per interview and pillar. `--json` gives rows of evidence_quotes."""
    from pipeline.adapters.store import look
    from pipeline.show import show_interviews

    with open_workspace(workspace).store().session() as db:
        if as_json:
            rows = look.evidence(db, interview=interview, candidate=candidate, pillar=pillar, polarity=polarity)
            say_json(rows)
        else:
            show_interviews(db, interview=interview, candidate=candidate, pillar=pillar, polarity=polarity)


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT; views and columns are in docs/data-model.md.")],
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Ask the database one question. The connection is read-only and reaches no file and no network."""
    from pipeline.adapters.store import look
    from pipeline.show import show_rows

    with open_workspace(workspace).store().locked_down() as db:
        names, rows = look.select(db, query)
    if as_json:
        found = [dict(zip(names, row, strict=True)) for row in rows]
        say_json(found)
    else:
        show_rows(names, rows)
