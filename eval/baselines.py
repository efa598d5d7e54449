"""The figures we stand by, and the gate that stops a change which makes one worse.

Baselines keep each metric's counts document by document, so that a run is compared with them in pairs: a figure fails
when the whole interval of its change lies on the wrong side of zero. Kept figures carry the hashes of prompt, rubric,
gold and solver. Where one differs the gate still compares and says so; where none differs a figure about pointing must
be the very same, since then only a metric, the matching or an unversioned bound can have changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.metrics.interval import Count
from eval.results import EvalRun, TaskResult, gain
from pipeline.records import Record

BASELINES = Path(__file__).parent / "baselines.json"
LESS_IS_BETTER = frozenset(
    [
        "distractor_rate",
        "wrongly_accepted",
        "false_support_none",
        "false_support_contradicted",
        "false_alarms_plain",
        "false_alarms_near_miss",
        "distractor_rate_candidate",
        "tokens_per_hour",
        "model_seconds_per_hour",
        "word_error_rate",
    ]
)
NOT_GATED = frozenset(["tokens_per_hour", "model_seconds_per_hour"])  # they depend on the endpoint, not on us
EXACT = frozenset(["extract", "coverage", "prompted"])  # what the hashes stand for entirely
HASHES = ("gold_hash", "prompt_hash", "rubric_hash", "solver_hash")


class Regression(Record):
    """A figure that does not hold any more, and how it moved."""

    key: str
    metric: str
    kept: float
    now: float | None
    reason: str


def load(path: Path = BASELINES) -> dict[str, Any]:
    """Kept figures by `task/solver/split`; empty when there is no file yet."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def keep(run: EvalRun, path: Path = BASELINES) -> None:
    """Write the run's figures over the kept ones of the same task, solver and split."""
    kept = load(path)
    for result in run.results:
        if not result.skipped:
            hashes = {name: getattr(run, name) for name in HASHES}
            counts = {metric: _told(rows) for metric, rows in result.counts.items()}
            figures = [figure.model_dump(mode="json") for figure in result.figures]
            kept[_key(result)] = {**hashes, "figures": figures, "counts": counts}
    rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in sorted(kept.items()))
    path.write_text("{\n" + rows + "\n}\n", encoding="utf-8")


def _told(rows: Mapping[str, Count]) -> dict[str, list[float]]:
    """Documents with something to count."""
    return {name: [float(n) for n in count] for name, count in rows.items() if any(count)}


def _key(result: TaskResult) -> str:
    return f"{result.task}/{result.solver}/{result.split}"


def _kept(result: TaskResult, entry: dict[str, Any]) -> TaskResult:
    shown = {"figures": entry["figures"], "counts": entry["counts"]}
    return TaskResult.model_validate({"task": result.task, "solver": result.solver, "split": result.split, **shown})


def regressions(run: EvalRun, kept: dict[str, Any]) -> list[Regression]:
    """Figures of the run that fell beyond the interval of their change, or changed though nothing else did."""
    found = []
    for result in run.results:
        entry = kept.get(_key(result))
        if result.skipped or entry is None:
            continue
        before = _kept(result, entry)
        same = result.task in EXACT and all(entry.get(name) == getattr(run, name) for name in HASHES)
        for figure in before.figures:
            reason = None if figure.metric in NOT_GATED else _fault(result, before, figure.metric, same=same)
            if reason and figure.value is not None:
                now = result.figure(figure.metric)
                row = {"metric": figure.metric, "kept": figure.value, "now": now.value if now else None}
                found.append(Regression(key=_key(result), reason=reason, **row))
    return found


def _fault(now: TaskResult, before: TaskResult, metric: str, *, same: bool) -> str | None:
    if now.figure(metric) is None:
        return "the metric is gone"
    if same and _told(now.counts[metric]) != _told(before.counts[metric]):
        return "it differs though prompt, rubric, gold and solver are the same"
    change = gain(now, before, metric)
    if change is None or change.low is None or change.high is None:
        return None
    worse = change.low > 0 if metric in LESS_IS_BETTER else change.high < 0
    return f"worse by [{change.low:+.3f}, {change.high:+.3f}]" if worse else None


def stale(run: EvalRun, kept: dict[str, Any]) -> list[str]:
    """What the kept figures were measured with that differs now, one sentence each."""
    said = []
    for result in run.results:
        key = _key(result)
        differ = [name for name in HASHES if key in kept and kept[key].get(name) != getattr(run, name)]
        if differ:
            said.append(
                f"baseline {key} was measured with another {', '.join(n.removesuffix('_hash') for n in differ)}"
            )
    return said
