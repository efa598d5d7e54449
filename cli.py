"""The command line: `verbatim VERB`. Verbs live in pipeline/verbs; what they need is imported when they run.

Exit codes: 0 fine; 1 findings, or a gate missed; 2 usage or set-up; 3 the batch ended and some recordings failed;
4 a model endpoint or a cap ended the run, the next one goes on; 130 interrupted, resumable.
"""

from __future__ import annotations

import os
import signal
import sys

import typer

from pipeline.errors import VerbatimError
from pipeline.plain import plain
from pipeline.verbs import endpoint, evaluate, history, lint, locate, look, notes, review, work
from pipeline.verbs.common import ModelCommand
from pipeline.verbs.light import LightCommand, LightGroup

app = typer.Typer(
    name="verbatim",
    cls=LightGroup,
    help="Recorded interviews in, evidence people can check and hear out. The machine points, people judge.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

MAIN = "The main job"
app.command(rich_help_panel=MAIN)(work.demo)
app.command(rich_help_panel=MAIN)(work.init)
app.command(rich_help_panel=MAIN)(work.run)
app.command(rich_help_panel=MAIN)(look.status)
app.command(rich_help_panel=MAIN)(look.evidence)
app.command(rich_help_panel=MAIN)(work.roles)
app.command(rich_help_panel=MAIN)(look.sql)
ENDPOINT = "Models"
app.command(rich_help_panel=ENDPOINT)(endpoint.doctor)
app.add_typer(endpoint.models, name="models", rich_help_panel=ENDPOINT)
app.add_typer(endpoint.batch, name="batch", rich_help_panel=ENDPOINT)
NOTES = "Written feedback"
app.command(rich_help_panel=NOTES, cls=ModelCommand)(lint.lint)
app.command(rich_help_panel=NOTES, cls=LightCommand)(lint.explain)
app.command(rich_help_panel=NOTES, cls=ModelCommand)(notes.claims)
JUDGING = "Reviewing"
app.command(rich_help_panel=JUDGING)(review.review)
app.add_typer(review.reviewers, name="reviewers", rich_help_panel=JUDGING)
app.command(rich_help_panel=JUDGING)(review.debrief)
app.command(rich_help_panel=JUDGING)(review.corrections)
app.command(rich_help_panel="Measuring", context_settings={"ignore_unknown_options": True})(locate.locate)
app.command(name="eval", rich_help_panel="Measuring")(evaluate.evaluate)
AFTER = "Afterwards"
app.command(name="import", rich_help_panel=AFTER)(history.import_)
app.command(rich_help_panel=AFTER)(history.retro)
app.command(rich_help_panel=AFTER)(history.audit)
app.command(rich_help_panel=AFTER)(history.export)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"verbatim {version('verbatim-interviews')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Recorded interviews in, evidence people can check and hear out. The machine points, people judge."""


def main() -> None:
    """Run a verb; turn our own errors into two plain lines, and an interruption into exit code 130."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # exit code 130, resumable
    try:
        app(standalone_mode=True)
    except VerbatimError as error:
        sys.stdout.flush()
        print(f"verbatim: {plain(error)}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
