"""A run as Markdown, and as one HTML page without any script: the same figures, rendered from the results alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from eval.results import EvalRun, Figure, Item, TaskResult

WORST = 12
_STATES = {
    "missed": "Missed",
    "trap": "Distractors taken for evidence",
    "mislabelled": "Found, but under the wrong pillar or polarity",
    "extra": "Pointed at, but not labelled",
    "wrong": "Wrong",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #bbb;text-align:left}"
    "blockquote{margin:.3rem 0 .8rem;padding-left:.8rem;border-left:3px solid #888}"
)


def shown(figure: Figure) -> str:
    """A figure with its interval, or that there was nothing to count."""
    if figure.value is None or figure.low is None or figure.high is None:
        return "nothing to count"
    digits = 0 if abs(figure.value) >= 100 else 3
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def worst(result: TaskResult, state: str) -> list[Item]:
    """The items of a state that matter most, spread over documents by place."""
    chosen = [item for item in result.items if item.state == state]
    return sorted(chosen, key=lambda item: (-item.weight, item.document, item.item))[:WORST]


def tally(items: Sequence[Item]) -> str:
    """How many items ended in each state."""
    states = sorted({item.state for item in items})
    return ", ".join(f"{sum(item.state == state for item in items)} {state}" for state in states)


def markdown(run: EvalRun, *, quotes: bool = True) -> str:
    """The report; without quotes it holds figures only."""
    parts = ["# Evaluation", ""]
    parts += [f"Gold {run.gold_hash}, prompt {run.prompt_hash}, rubric {run.rubric_hash}, solver {run.solver_hash}."]
    parts += ["Intervals: 95%, bootstrap over documents.", ""]
    for result in run.results:
        parts += [f"## {result.task}: {result.solver}, {result.split}", ""]
        if result.skipped:
            parts += [f"Skipped: {result.skipped}", ""]
            continue
        parts += [result.note, ""] if result.note else []
        parts += ["| metric | value [95% interval] | documents |", "|---|---|---|"]
        parts += [f"| {f.metric} | {shown(f)} | {f.n} |" for f in result.figures]
        parts += ["", f"Items: {tally(result.items)}.", ""] if result.items else [""]
        for state, title in _STATES.items() if quotes else ():
            chosen = worst(result, state)
            parts += [f"### {title}", ""] if chosen else []
            for item in chosen:
                said = " ".join(item.quote.split())
                parts += [f"- {item.document}, {item.detail}", *([f"  > {said}"] if said else [])]
            parts += [""] if chosen else []
    return "\n".join(parts).rstrip() + "\n"


def html(run: EvalRun, *, quotes: bool = True) -> str:
    """The Markdown report as a page; every word of a transcript is escaped."""
    body: list[str] = []
    rows: list[str] = []
    for line in [*markdown(run, quotes=quotes).splitlines(), ""]:
        if line.startswith("|"):
            rows.append(line)
            continue
        if rows:
            body.append(_table(rows))
            rows = []
        body.append(_block(line))
    inner = "\n".join(part for part in body if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Evaluation</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{inner}\n</body></html>\n"
    )


def _table(rows: Sequence[str]) -> str:
    cells = [[escape(cell.strip()) for cell in row.strip("|").split("|")] for row in rows if set(row) - set("|-")]
    head = "".join(f"<th>{cell}</th>" for cell in cells[0])
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells[1:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _block(line: str) -> str:
    marks = {"### ": "h3", "## ": "h2", "# ": "h1", "  > ": "blockquote", "- ": "p"}
    for mark, tag in marks.items():
        if line.startswith(mark):
            return f"<{tag}>{escape(line[len(mark) :])}</{tag}>"
    return f"<p>{escape(line)}</p>" if line else ""
