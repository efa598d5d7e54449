"""The linter beside other tools on labelled feedback: `python -m eval.lint_score FILE...` prints a table.

An item is one piece of feedback. Precision and recall count items (flagged, and should it be); false alarms are counted
apart on plain clean items and on near-misses. A typed span is a hit when the family is the same and the overlap is at
least half of the union of both (IoU .5); the looser rule "any overlap" stands beside it. Families are the first five
characters of a code; findings about the document as a whole do not count. Intervals: percentile bootstrap over items.

proselint and write-good take part when they are on the PATH (or named with --proselint / --write-good), and are
reported as absent otherwise. They and the lexicon know no families, so they have no typed spans.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eval.metrics.interval import Interval, ratio

IOU = 0.5

# Forty-five words that a first attempt at such a linter would list.
LEXICON = frozenset(
    """smart bright clever brilliant sharp nice friendly pleasant humble arrogant lazy passionate enthusiastic confident
    energetic personality attitude culture fit vibe gut feeling impressed seems seemed appears potential promising ninja
    rockstar aggressive abrasive emotional articulate polished accent young old family kids strong weak good great
    average""".split()
)


class Span(NamedTuple):
    """A judging phrase: code points and family ("" when the tool knows none)."""

    start: int
    end: int
    family: str


class Item(NamedTuple):
    """One labelled piece of feedback."""

    id: str
    text: str
    spans: tuple[Span, ...]
    tags: frozenset[str]


Tool = Callable[[Sequence[Item]], list[list[Span]]]


def load(path: Path) -> list[Item]:
    """Read a labelled file (format: eval/gold/LINT.md)."""
    items = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        spans = tuple(Span(s["start"], s["end"], s["family"]) for s in row["spans"])
        items.append(Item(row["id"], row["text"], spans, frozenset(row["tags"])))
    return items


# ---- tools -----------------------------------------------------------------------------------------------------------


def rules(items: Sequence[Item]) -> list[list[Span]]:
    """Tier 1 of our linter."""
    from pipeline.lint.finding import Note
    from pipeline.lint.rules import load_rules
    from pipeline.lint.run import lint_note

    loaded = load_rules()
    out = []
    for item in items:
        found = lint_note(Note(item.id, "", item.text), loaded).findings
        out.append([Span(f.start, f.end, f.code[:5]) for f in found if f.source == "rules"])
    return out


def lexicon(items: Sequence[Item]) -> list[list[Span]]:
    """Forty-five words without context."""
    import re

    words = re.compile(rf"\b(?:{'|'.join(sorted(LEXICON))})\b", re.IGNORECASE)
    return [[Span(*match.span(), "") for match in words.finditer(item.text)] for item in items]


def proselint(program: str) -> Tool:
    """proselint's command line on one file an item."""

    def run(items: Sequence[Item]) -> list[list[Span]]:
        with tempfile.TemporaryDirectory() as folder:
            files = _files(items, Path(folder))
            output = subprocess.run(
                [program, "check", "--output-format", "json", *map(str, files)],
                capture_output=True,
                text=True,
                check=False,
            ).stdout
        result: dict[str, Any] = json.loads(output)["result"]
        by_stem = {Path(uri).stem: value.get("diagnostics", []) for uri, value in result.items()}
        return [
            [Span(d["span"][0] - 1, d["span"][1] - 1, "") for d in by_stem.get(f"item-{at}", [])]
            for at in range(len(items))
        ]

    return run


def write_good(program: str) -> Tool:
    """write-good's command line on one file an item."""

    def run(items: Sequence[Item]) -> list[list[Span]]:
        with tempfile.TemporaryDirectory() as folder:
            files = _files(items, Path(folder))
            output = subprocess.run([program, "--parse", *map(str, files)], capture_output=True, text=True, check=False)
        found: list[list[Span]] = [[] for _ in items]
        for line in output.stdout.splitlines():
            name, _, rest = line.partition(".md:")
            if rest:
                found[int(Path(name).name.removeprefix("item-"))].append(Span(0, 0, ""))
        return found

    return run


def _files(items: Sequence[Item], folder: Path) -> list[Path]:
    files = [folder / f"item-{at}.md" for at in range(len(items))]
    for file, item in zip(files, items, strict=True):
        file.write_text(item.text + "\n", encoding="utf-8")
    return files


# ---- figures ---------------------------------------------------------------------------------------------------------


def overlaps(a: Span, b: Span, least: float) -> bool:
    """Same family, and the shared part at least `least` of the union (0: any shared character)."""
    shared = min(a.end, b.end) - max(a.start, b.start)
    return a.family == b.family and shared > 0 and shared >= least * (max(a.end, b.end) - min(a.start, b.start))


def hits(gold: Sequence[Span], found: Sequence[Span], least: float) -> int:
    """Gold spans that have a partner of their own."""
    left, count = list(found), 0
    for span in gold:
        partner = next((other for other in left if overlaps(span, other, least)), None)
        if partner is not None:
            left.remove(partner)
            count += 1
    return count


def figures(items: Sequence[Item], found: Sequence[Sequence[Span]], *, typed: bool) -> dict[str, Interval]:
    """Every figure with its interval."""
    rows = list(zip(items, found, strict=True))
    plain = [row for row in rows if not row[0].spans and "near-miss" not in row[0].tags]
    near = [row for row in rows if not row[0].spans and "near-miss" in row[0].tags]
    out = {
        "item precision": ratio([(bool(f) and bool(i.spans), bool(f)) for i, f in rows]),
        "item recall": ratio([(bool(f) and bool(i.spans), bool(i.spans)) for i, f in rows]),
        "false alarms, clean": ratio([(bool(f), 1) for _, f in plain]),
        "false alarms, near-miss": ratio([(bool(f), 1) for _, f in near]),
    }
    if typed:
        out["typed span F1 (IoU .5)"] = ratio([(2 * hits(i.spans, f, IOU), len(i.spans) + len(f)) for i, f in rows])
        out["typed span F1 (any overlap)"] = ratio([(2 * hits(i.spans, f, 0), len(i.spans) + len(f)) for i, f in rows])
    return out


def families(items: Sequence[Item], found: Sequence[Sequence[Span]]) -> dict[str, tuple[int, int]]:
    """Family -> gold spans found (any overlap), gold spans."""
    out: dict[str, tuple[int, int]] = {}
    for item, spans in zip(items, found, strict=True):
        for span in item.spans:
            got, count = out.get(span.family, (0, 0))
            out[span.family] = got + any(overlaps(span, other, 0) for other in spans), count + 1
    return dict(sorted(out.items()))


def table(items: Sequence[Item], tools: dict[str, Tool | None]) -> str:
    """All tools as a Markdown table, then our recall by family."""
    runs = {name: tool(items) for name, tool in tools.items() if tool is not None}
    shown = {name: figures(items, found, typed=name == "rules") for name, found in runs.items()}
    lines = ["| figure | " + " | ".join(tools) + " |", "|---" * (len(tools) + 1) + "|"]
    lines += [
        f"| {figure} | " + " | ".join(_cell(shown.get(name, {}).get(figure), name in runs) for name in tools) + " |"
        for figure in shown["rules"]
    ]
    by_family = families(items, runs["rules"])
    worst = min(by_family.items(), key=lambda entry: entry[1][0] / entry[1][1], default=("none", (0, 1)))
    lines += [
        "",
        f"{len(items)} items, {sum(bool(item.spans) for item in items)} with findings. Recall by family (rules):",
    ]
    lines += ["", ", ".join(f"{family} {got}/{count}" for family, (got, count) in by_family.items())]
    lines += ["", f"Worst family: {worst[0]} {worst[1][0] / worst[1][1]:.2f}."]
    return "\n".join(lines)


def _cell(figure: Interval | None, ran: bool) -> str:
    if not ran:
        return "not installed"
    if figure is None or figure.value is None or figure.low is None or figure.high is None:
        return "-"
    return f"{figure.value:.3f} ({figure.low:.2f} to {figure.high:.2f})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table for the files named. Returns an exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval.lint_score", description="The linter beside other tools.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--proselint", default=shutil.which("proselint"), metavar="PROGRAM")
    parser.add_argument("--write-good", default=shutil.which("write-good"), metavar="PROGRAM")
    chosen = parser.parse_args(arguments)
    missing = [file for file in chosen.files if not file.is_file()]
    if missing:
        print(f"No such file: {', '.join(map(str, missing))}", file=sys.stderr)
        return 2
    items = [item for file in chosen.files for item in load(file)]
    tools: dict[str, Tool | None] = {
        "rules": rules,
        "lexicon (45 words)": lexicon,
        "proselint": proselint(chosen.proselint) if chosen.proselint else None,
        "write-good": write_good(chosen.write_good) if chosen.write_good else None,
    }
    print(table(items, tools))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
