"""Write the pages that follow from the code: commands, settings, data model. `python docs/generate.py` updates them.

A test fails when a page is stale.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))
VIEWS = (
    "evidence_quotes", "coverage_by_pillar", "calls_current", "finding_list", "llm_usage",
    "interview_list", "question_list", "first_calls", "vote_list", "outcome_list",
)  # fmt: skip
NOTE = "<!-- made by docs/generate.py; change the code, not this page -->\n"


def commands() -> str:
    """Every verb with its arguments and options."""
    import typer

    import cli

    group: Any = typer.main.get_command(cli.app)
    parts = ["# Commands", "", NOTE, "Data goes to stdout, everything else to stderr. " + EXIT_CODES, ""]
    for path, command in _walk(group, "verbatim"):
        parts += [f"## `{path}`", "", (command.help or "").strip(), "", "| argument or option | meaning |", "|---|---|"]
        for parameter in command.params:
            if parameter.name == "help":
                continue
            shown = (
                ", ".join(f"`{name}`" for name in parameter.opts)
                if parameter.opts[0].startswith("-")
                else f"`{parameter.name}`"
            )
            parts.append(f"| {shown} | {_cell(getattr(parameter, 'help', '') or '')} |")
        parts.append("")
    return "\n".join(parts)


EXIT_CODES = (
    "Exit codes: 0 fine; 1 findings, or a gate missed; 2 usage or set-up; 3 the batch ended and some recordings "
    "failed; 4 a model endpoint or a cap ended the run, the next one goes on; 130 interrupted, resumable."
)


def _walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
        return
    if getattr(command, "invoke_without_command", False):
        yield path, command
    for name in sorted(children):
        yield from _walk(children[name], f"{path} {name}")


def settings() -> str:
    """Every key of verbatim.toml."""
    from pipeline.settings import Settings

    parts = ["# Settings", "", NOTE, SETTINGS, ""]
    for section, field in Settings.model_fields.items():
        model: Any = field.annotation
        parts += [
            f"## `[{section}]`",
            "",
            (model.__doc__ or "").strip(),
            "",
            "| key | default | meaning |",
            "|---|---|---|",
        ]
        for key, info in model.model_fields.items():
            default = "none" if info.default is None else f"`{info.default!r}`"
            parts.append(f"| `{key}` | {default} | {_cell(info.description or '')} |")
        parts.append("")
    return "\n".join(parts)


SETTINGS = """\
A flag beats the environment, which beats `verbatim.toml` in the workspace, which beats the default. In the environment
a key is `VERBATIM_<SECTION>__<KEY>`, for example `VERBATIM_LLM__BASE_URL`. Secrets come from the environment only:
`OPENAI_API_KEY`. The linter's own settings are described in [lint.md](lint.md)."""


def data_model() -> str:
    """The public views, column by column, from the comments in the database itself."""
    from pipeline.adapters.store.connection import Store

    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "x.duckdb").session() as db:
        views = {r["view_name"]: r["comment"] for r in db.rows("SELECT view_name, comment FROM duckdb_views()")}
        columns = db.rows(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() ORDER BY table_name, column_index"
        )
    parts = ["# Data model", "", NOTE, DATA_MODEL, ""]
    for view in VIEWS:
        parts += [f"## `{view}`", "", views[view] or "", "", "| column | type | meaning |", "|---|---|---|"]
        own = (c for c in columns if c["table_name"] == view)
        parts += [f"| `{c['column_name']}` | {c['data_type']} | {_cell(c['comment'] or '')} |" for c in own]
        parts.append("")
    return "\n".join(parts)


DATA_MODEL = """\
One DuckDB file, `verbatim.duckdb`, which DuckDB 1.5 and 2.0 both open. The views below are a contract: their names,
columns and meaning stay. The tables behind them may change; their definitions are in `pipeline/adapters/migrations/`.
The descriptions are also in the file (`SELECT column_name, comment FROM duckdb_columns()`). Examples:
[queries.md](queries.md).

While another program holds the file, Verbatim waits its turn for up to 20 s; close a notebook's connection when you
are done."""


def lint_rules() -> str:
    """Every lint rule's page."""
    from pipeline.lint.page import rules_page
    from pipeline.lint.rules import load_rules

    return rules_page(load_rules().rules)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def pages() -> dict[Path, str]:
    """Path of each generated page and its content."""
    made = {
        "cli.md": commands(),
        "settings.md": settings(),
        "data-model.md": data_model(),
        "lint-rules.md": lint_rules(),
    }
    return {DOCS / name: text.rstrip() + "\n" for name, text in made.items()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(DOCS.parent))
