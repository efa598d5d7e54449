"""A report as one HTML file, as Markdown, or as JSON. All three say the same."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

Found = dict[str, Any]


def as_json(found: Found) -> str:
    """Strict JSON: no NaN can pass."""
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)


def as_html(found: Found, pictures: dict[str, str]) -> str:
    """Self-contained: styles and pictures inside, no script, nothing fetched."""
    from jinja2 import Environment
    from markupsafe import Markup

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(resources.files("pipeline.retro").joinpath("report.html").read_text("utf-8"))
    # Our own drawings, not anybody's text: every name inside them is a glyph outline.
    safe = {name: Markup(svg) for name, svg in pictures.items()}  # noqa: S704
    return template.render(report=found, pictures=safe)


def as_markdown(found: Found) -> str:
    """Headings, sentences, tables and quotes; pictures are for the HTML."""
    lines = ["# Retrospective", "", f"{found['n']} hires with an outcome. Strongest words used: {found['words']}.", ""]
    for section in found["sections"]:
        lines += [f"## {section['key']}. {_plain(section['title'])}", ""]
        lines += [f"{_plain(sentence)}\n" for sentence in section["sentences"]]
        if section["note"]:
            lines += [f"*Mind: {_plain(section['note'])}*", ""]
        for table in section["tables"]:
            lines += [f"**{_plain(table['caption'])}**", ""]
            lines.append("| " + " | ".join(_plain(column) or " " for column in table["columns"]) + " |")
            lines.append(
                "|" + "|".join("---" if at in table["words"] else "---:" for at in range(len(table["columns"]))) + "|"
            )
            lines += ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in table["rows"]]
            lines.append("")
        for quote in section["quotes"]:
            lines += [f"> {_plain(quote['text'])}", f"> ({_plain(quote['source'])})", ""]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text that stays text: no table bar, tag, link or line break of a stranger's making."""
    for letter in "\\|<>[]*_`#!":
        text = text.replace(letter, "\\" + letter)
    return " ".join(text.split())
