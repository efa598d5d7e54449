"""The tasks on written feedback: lint (phrases that judge) and claims (sentences held against the recording)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Literal, NamedTuple

from eval.dataset import GOLD, GoldError, Sample, load_split
from eval.metrics.interval import Count
from eval.results import Item, TaskResult, measured
from pipeline.claims import Claim, check_claims
from pipeline.records import Record

WORST_FAMILIES = 3


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


class GoldClaim(Record):
    """A sentence of feedback about a gold interview, and what the recording says to it."""

    document: str
    text: str
    state: Literal["supported", "contradicted", "none_found"]
    turn: int | None


def claims_result() -> TaskResult:
    """Sentences written about the dev interviews: is the state right, and is a support pointed at in its turn?"""
    gold = [GoldClaim.model_validate_json(row) for row in (GOLD / "claims.jsonl").read_text("utf-8").splitlines()]
    samples = {sample.id: sample for sample in load_split("dev")}
    unknown = {claim.document for claim in gold} - set(samples)
    if unknown:
        raise GoldError(f"claims.jsonl speaks of {', '.join(sorted(unknown))}, which no dev interview is called.")
    sums: dict[str, dict[str, Counter[str]]] = {}
    items = []
    for number, claim in enumerate(gold, start=1):
        sample = samples[claim.document]
        said = _check(claim.text, sample)
        state = said.state if said else "no_claim"
        placed = said is not None and _in_turn(said, claim, sample)
        for metric, good, counted in (
            ("state_accuracy", state == claim.state, True),
            ("support_recall", state == "supported" and placed, claim.state == "supported"),
            ("contradiction_recall", state == "contradicted", claim.state == "contradicted"),
            ("false_support", state == "supported", claim.state != "supported"),
        ):
            tally = sums.setdefault(metric, {}).setdefault(claim.document, Counter())
            tally["good"] += good and counted
            tally["all"] += counted
        right = state == claim.state and (claim.state == "none_found" or placed)
        detail = f"{claim.state} (turn {claim.turn}), found {state}"
        items.append(
            Item(
                item=f"claim-{number}",
                document=claim.document,
                state="right" if right else "wrong",
                detail=detail,
                quote=claim.text,
            )
        )
    counts = {
        metric: {name: (float(tally["good"]), float(tally["all"])) for name, tally in rows.items()}
        for metric, rows in sums.items()
    }
    note = "Sentences about dev interviews, written for this task."
    return measured("claims", "offline", "dev", counts, items, note)


def _check(text: str, sample: Sample) -> Claim | None:
    found = check_claims(text, [(0, len(text))], sample.lines, sample.roles)
    return found[0] if found else None


def _in_turn(said: Claim, claim: GoldClaim, sample: Sample) -> bool:
    if said.first_line is None or said.last_line is None:
        return False
    return claim.turn in {sample.turn_of(line) for line in sample.lines[said.first_line - 1 : said.last_line]}


def read_lint_ids(split: str) -> list[str]:
    """Ids of the lint items of a split, in order."""
    rows = (GOLD / f"lint_{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [str(json.loads(row)["id"]) for row in rows]
