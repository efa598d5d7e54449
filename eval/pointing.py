"""The tasks that measure pointing: extract, coverage, prompted. One solved set of interviews serves all three."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.matching import Case, Piece
from eval.metrics import (
    coverage_accuracy,
    distractor_rate,
    distractor_rate_candidate,
    gap_accuracy,
    label_f1,
    model_seconds_per_hour,
    must_find_recall,
    pillar_accuracy,
    polarity_accuracy,
    probes,
    prompted_accuracy,
    prompted_f1,
    prompted_spans,
    signal_accuracy,
    span_f1,
    span_precision,
    span_recall,
    stability,
    tokens_per_hour,
)
from eval.metrics.interval import Count
from eval.results import Item, TaskResult, measured

Metric = Callable[[Case], Count]

EXTRACT: dict[str, Metric] = {
    "span_precision": span_precision.count,
    "span_recall": span_recall.count,
    "span_f1": span_f1.count,
    "must_find_recall": must_find_recall.count,
    "pillar_accuracy": pillar_accuracy.count,
    "polarity_accuracy": polarity_accuracy.count,
    "signal_accuracy": signal_accuracy.count,
    "label_f1": label_f1.count,
    "distractor_rate": distractor_rate.count,
    "distractor_rate_candidate": distractor_rate_candidate.count,
    "tokens_per_hour": tokens_per_hour.count,
    "model_seconds_per_hour": model_seconds_per_hour.count,
}
COVERAGE: dict[str, Metric] = {
    "coverage_accuracy": coverage_accuracy.count,
    "gap_accuracy": gap_accuracy.count,
    "probe_precision": probes.precision,
    "probe_recall": probes.recall,
}
PROMPTED: dict[str, Metric] = {
    "prompted_spans": prompted_spans.count,
    "prompted_accuracy": prompted_accuracy.count,
    "prompted_f1": prompted_f1.count,
}


def _count(cases: Sequence[Case], metrics: dict[str, Metric]) -> dict[str, dict[str, Count]]:
    return {name: {case.sample.id: metric(case) for case in cases} for name, metric in metrics.items()}


def extract_result(cases: Sequence[Case], again: Sequence[Case], solver: str, split: str) -> TaskResult:
    """Spans, labels, distractors and cost; with a second run of the same interviews also stability."""
    counts = _count(cases, EXTRACT)
    if again:
        counts["stability"] = {
            first.sample.id: stability.count(first, second) for first, second in zip(cases, again, strict=True)
        }
    return measured("extract", solver, split, counts, [item for case in cases for item in case_items(case)])


def coverage_result(cases: Sequence[Case], solver: str, split: str) -> TaskResult:
    """Coverage states, and the probes two of them rest on."""
    items = []
    for case in cases:
        true = coverage_accuracy.expected(case.sample)
        items += [
            Item(
                item=f"{case.sample.id}:{row.pillar}",
                document=case.sample.id,
                state="right" if row.state == true[row.pillar] else "wrong",
                detail=f"{row.pillar}: {row.state}, should be {true[row.pillar]}",
            )
            for row in case.coverage
        ]
    return measured("coverage", solver, split, _count(cases, COVERAGE), items)


def prompted_result(cases: Sequence[Case], solver: str, split: str) -> TaskResult:
    """The prompted mark on spans that were found."""
    return measured("prompted", solver, split, _count(cases, PROMPTED))


def case_items(case: Case) -> list[Item]:
    """Every gold label as found, mislabelled or missed; every other piece as extra or trap."""
    text = case.sample.transcript.text
    name = case.sample.id
    by_gold = {gold: piece for piece, gold in case.pairs}
    items = []
    for gold in case.sample.spans:
        piece = by_gold.get(gold)
        for label in gold.labels:
            state, said = _state(piece, label.signal, label.pillar, label.polarity)
            detail = f"turn {gold.turn}: {label.signal}{said}"
            weight = label.must_find + (state == "missed")
            quote = text[gold.start : gold.end]
            items.append(Item(item=label.id, document=name, state=state, detail=detail, quote=quote, weight=weight))
    matched = {piece[:2] for piece, _ in case.pairs}
    traps = {i: case.sample.traps[i] for i in case.trapped}
    for piece in case.pieces:
        if piece[:2] in matched:
            continue
        reason = next((t.reason for t in traps.values() if t.start < piece.end and piece.start < t.end), None)
        signals = ", ".join(sorted({row.signal for row in piece.rows}))
        items.append(
            Item(
                item=f"{name}@{piece.start}-{piece.end}",
                document=name,
                state="trap" if reason else "extra",
                detail=f"{signals}{f', but it is {reason}' if reason else ''}",
                quote=text[piece.start : piece.end],
                weight=2 if reason else 1,
            )
        )
    return items


def _state(piece: Piece | None, signal: str, pillar: str, polarity: str) -> tuple[str, str]:
    if piece is None:
        return "missed", ""
    if any(row.signal == signal for row in piece.rows):
        return "found", ""
    said = f", pointed at as {', '.join(sorted({row.signal for row in piece.rows}))}"
    if any((row.pillar, row.polarity) == (pillar, polarity) for row in piece.rows):
        return "near", said
    return "mislabelled", said
