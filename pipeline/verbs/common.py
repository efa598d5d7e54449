"""Options that several verbs share, and the way to an open workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

WorkspaceOption = Annotated[
    Path,
    typer.Option("-w", "--workspace", envvar="VERBATIM_WORKSPACE", help="The folder that holds settings and database."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]


def open_workspace(folder: Path) -> Workspace:
    """The workspace; SettingsError when there is none."""
    from pipeline.workspace import Workspace

    os.umask(0o077)
    return Workspace.open(folder)
