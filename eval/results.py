"""What a run of the evaluation leaves: figures, the counts they come from, and what became of each item.

A run is one JSON file. Reports, comparisons and the regression gate are made from it alone, so that they regenerate
byte for byte; wall-clock seconds differ from run to run and are kept out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from eval.metrics.interval import Count, difference, ratio
from pipeline.errors import VerbatimError
from pipeline.records import Record


class ResultError(VerbatimError):
    """A results file that cannot be read or compared."""


class Figure(Record):
    """A metric with its 95% interval over `n` documents; `value` is None when there was nothing to count."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int


class Item(Record):
    """What became of one gold label, or of one thing pointed at that no label stands for."""

    item: str
    document: str
    state: str
    detail: str = ""
    quote: str = ""
    weight: int = 0


class TaskResult(Record):
    """One task, measured with one solver on one split; or why it was skipped."""

    task: str
    solver: str
    split: str
    skipped: str | None = None
    note: str = ""
    figures: tuple[Figure, ...] = ()
    counts: dict[str, dict[str, Count]] = Field(default_factory=dict)
    items: tuple[Item, ...] = ()

    def figure(self, metric: str) -> Figure | None:
        """The figure of that name."""
        return next((f for f in self.figures if f.metric == metric), None)


class EvalRun(Record):
    """All tasks of a run and the hashes of what shaped them."""

    gold_hash: str
    prompt_hash: str
    rubric_hash: str
    solver_hash: str
    results: tuple[TaskResult, ...]


def measured(
    task: str,
    solver: str,
    split: str,
    counts: Mapping[str, Mapping[str, Count]],
    items: Sequence[Item] = (),
    note: str = "",
) -> TaskResult:
    """A result from counts: metric -> document -> (numerator, denominator)."""
    figures = tuple(Figure(metric=metric, **ratio(list(rows.values()))._asdict()) for metric, rows in counts.items())
    return TaskResult(
        task=task,
        solver=solver,
        split=split,
        note=note,
        figures=figures,
        counts={metric: dict(rows) for metric, rows in counts.items()},
        items=tuple(items),
    )


def gain(a: TaskResult, b: TaskResult, metric: str) -> Figure | None:
    """How much more `a` has of a metric than `b`, drawn in pairs over the documents of both.

    A document without anything to count may be left out on either side. None when nothing can be compared.
    """
    one, two = a.counts.get(metric), b.counts.get(metric)
    if not one or not two:
        return None
    names = sorted({*one, *two})
    nothing = (0.0, 0.0)
    return Figure(
        metric=metric,
        **difference([one.get(n, nothing) for n in names], [two.get(n, nothing) for n in names])._asdict(),
    )


def write_run(run: EvalRun, path: Path) -> None:
    """The run as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(run.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_run(path: Path) -> EvalRun:
    """A run from a results file, or from the folder that holds one. Raises ResultError."""
    file = path / "results.json" if path.is_dir() else path
    try:
        return EvalRun.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        raise ResultError(f"{file} is not a results file.", next_step=f"verbatim eval extract --out {path}") from None
