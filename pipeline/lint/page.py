"""A rule's page, and the generated list of all rules."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.lint.rules import Rule


def page(rule: Rule, depth: int = 1) -> str:
    """One rule as Markdown, `depth` being the level of its heading."""
    mark = "#" * depth
    parts = [f"{mark} {rule.code} {rule.name}", f"*{rule.severity}*. {rule.what}", f"**{rule.question}**", rule.why]
    parts.append("Evidence: " + "; ".join(rule.sources) + ".")
    if rule.bad:
        parts.append("Found:\n\n" + _items(rule.bad))
    if rule.good:
        parts.append("Not found:\n\n" + _items(rule.good))
    parts.append("Near-misses that stay silent:\n\n" + _items(rule.near_misses))
    return "\n\n".join(parts) + "\n"


def _items(lines: tuple[str, ...]) -> str:
    return "\n".join("- `" + " / ".join(line.splitlines()) + "`" for line in lines)


def listing(rules: Mapping[str, Rule]) -> str:
    """One line a rule."""
    return "".join(
        f"{code}  {rules[code].severity:<8} {rules[code].name:<28} {rules[code].what}\n" for code in sorted(rules)
    )


def rules_page(rules: Mapping[str, Rule]) -> str:
    """All pages as one document, with a table in front. `docs/lint-rules.md` is this text."""
    head = [
        "# Lint rules",
        "Made from `prompts/lint_rules.toml` by `docs/generate.py`; do not edit. Using the linter: [lint.md](lint.md).",
        "| code | name | severity | what |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {code} | {rules[code].name} | {rules[code].severity} | {rules[code].what} |" for code in sorted(rules)
        ),
    ]
    return "\n\n".join(head) + "\n\n" + "\n".join(page(rules[code], depth=2) for code in sorted(rules))
