"""The task lint: phrases that judge, found in labelled feedback (eval/gold/LINT.md)."""

from __future__ import annotations

from typing import NamedTuple

from eval.dataset import GOLD
from eval.metrics.interval import Count
from eval.results import Item, TaskResult, measured
from pipeline.records import Record


class LintSpan(Record):
    """A judging phrase and its family, as labelled."""

    start: int
    end: int
    family: str


class LintItem(Record):
    """A piece of feedback with its labels (eval/gold/LINT.md)."""

    id: str
    text: str
    spans: tuple[LintSpan, ...]
    source: str
    tags: tuple[str, ...]


class Marked(NamedTuple):
    """An item with the phrases the linter found: start, end, family."""

    item: LintItem
    found: tuple[LintSpan, ...]


def lint_result(split: str) -> TaskResult:
    """Flagged items, false alarms by kind of clean item, and typed spans. A document is an item here."""
    rows = (GOLD / f"lint_{split}.jsonl").read_text(encoding="utf-8").splitlines()
    marked = [_lint(LintItem.model_validate_json(row)) for row in rows]
    counts: dict[str, dict[str, Count]] = {
        "item_precision": {m.item.id: (bool(m.found and m.item.spans), bool(m.found)) for m in marked},
        "item_recall": {m.item.id: (bool(m.found and m.item.spans), bool(m.item.spans)) for m in marked},
        "false_alarms_plain": {m.item.id: _alarm(m, "plain") for m in marked},
        "false_alarms_near_miss": {m.item.id: _alarm(m, "near-miss") for m in marked},
        "typed_span_f1": {m.item.id: (2 * _hits(m), len(m.found) + len(m.item.spans)) for m in marked},
    }
    families = sorted({span.family for m in marked for span in m.item.spans})
    for family in families:
        counts[f"recall_{family}"] = {m.item.id: _family(m, family) for m in marked}
    items = [
        Item(item=f"{m.item.id}", document=m.item.id, state=state, detail=", ".join(names), quote=m.item.text, weight=1)
        for m in marked
        for state, names in [("missed", _only(m.item.spans, m.found)), ("extra", _only(m.found, m.item.spans))]
        if names
    ]
    return measured("lint", "rules", split, counts, items)


def _lint(item: LintItem) -> Marked:
    from pipeline.lint.finding import Note
    from pipeline.lint.rules import load_rules
    from pipeline.lint.run import lint_note

    report = lint_note(Note(file=item.id, id=item.id, text=item.text), load_rules())
    found = tuple(
        LintSpan(start=f.start, end=f.end, family=f.code[:5]) for f in report.findings if not f.code.startswith("GF7")
    )
    return Marked(item, found)


def _alarm(marked: Marked, tag: str) -> Count:
    clean = not marked.item.spans and tag in marked.item.tags
    return clean and bool(marked.found), clean


def _touch(a: LintSpan, b: LintSpan) -> bool:
    return a.family == b.family and a.start < b.end and b.start < a.end


def _hits(marked: Marked) -> int:
    left = list(marked.found)
    hits = 0
    for span in marked.item.spans:
        match = next((found for found in left if _touch(span, found)), None)
        if match:
            left.remove(match)
            hits += 1
    return hits


def _family(marked: Marked, family: str) -> Count:
    own = [span for span in marked.item.spans if span.family == family]
    return sum(any(_touch(span, found) for found in marked.found) for span in own), len(own)


def _only(spans: tuple[LintSpan, ...], others: tuple[LintSpan, ...]) -> list[str]:
    return sorted({span.family for span in spans if not any(_touch(span, other) for other in others)})
