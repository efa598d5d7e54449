"""Options that several verbs share, and the way to an open workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.verbs.light import LightCommand

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


class ModelCommand(LightCommand):
    """A verb whose `--llm` may stand alone or be followed by the word `required`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write the value of `--llm` out, for a parser that wants every value given."""
        end = args.index("--") if "--" in args else len(args)
        given = list(args)
        for at in range(end - 1, -1, -1):
            if given[at] == "--llm":
                follows = at + 1 < end and given[at + 1] == "required"
                given[at : at + 1 + follows] = ["--llm=required" if follows else "--llm=on"]
        return list(super().parse_args(ctx, given))


LlmOption = Annotated[
    str,
    typer.Option(
        "--llm",
        metavar="[required]",
        help="Ask the configured model too; with `required`, exit code 2 when it cannot be used.",
    ),
]
ShowPromptOption = Annotated[
    bool, typer.Option("--show-prompt", help="Print what a model would be sent, and send nothing.")
]


def say_json(value: object) -> None:
    """Print JSON with dates as ISO text; characters that could steer a terminal are escaped, so nothing is lost."""
    import json

    from pipeline.plain import plain_json

    typer.echo(plain_json(json.dumps(value, indent=2, ensure_ascii=False, default=_as_text)))


def _as_text(value: object) -> str:
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if isoformat else str(value)
