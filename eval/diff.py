"""Two runs row by row: what one found and the other did not, and the difference of each figure with its interval."""

from __future__ import annotations

from eval.results import EvalRun, Figure, TaskResult, gain
from pipeline.records import Record

_RANK = {"found": 3, "right": 3, "near": 2, "mislabelled": 1, "missed": 0, "wrong": 0}


class Change(Record):
    """An item whose state differs between two runs."""

    document: str
    item: str
    before: str
    after: str
    detail: str
    quote: str


class TaskDiff(Record):
    """One task in two runs. `gains` are B minus A."""

    task: str
    split: str
    a: str
    b: str
    gains: tuple[Figure, ...]
    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    other: tuple[Change, ...]


def compare(a: EvalRun, b: EvalRun) -> list[TaskDiff]:
    """Every task and split that both runs measured."""
    pairs = [
        (one, two)
        for one in a.results
        for two in b.results
        if (one.task, one.split) == (two.task, two.split) and not one.skipped and not two.skipped
    ]
    return [_compare(one, two) for one, two in pairs]


def _compare(a: TaskResult, b: TaskResult) -> TaskDiff:
    metrics = [figure.metric for figure in a.figures]
    before = {item.item: item for item in a.items}
    after = {item.item: item for item in b.items}
    better, worse, other = list[Change](), list[Change](), list[Change]()
    for name in sorted({*before, *after}):
        one, two = before.get(name), after.get(name)
        first, second = (one.state if one else "absent"), (two.state if two else "absent")
        if first == second:
            continue
        shown = two or one
        assert shown is not None
        change = Change(
            document=shown.document, item=name, before=first, after=second, detail=shown.detail, quote=shown.quote
        )
        step = _RANK.get(second, -1) - _RANK.get(first, -1) if first in _RANK and second in _RANK else 0
        (better if step > 0 else worse if step < 0 else other).append(change)
    return TaskDiff(
        task=a.task,
        split=a.split,
        a=a.solver,
        b=b.solver,
        gains=tuple(figure for metric in metrics if (figure := gain(b, a, metric)) is not None),
        better=tuple(better),
        worse=tuple(worse),
        other=tuple(other),
    )


def markdown(diffs: list[TaskDiff]) -> str:
    """The comparison for people."""
    if not diffs:
        return "The two runs have no task and split in common.\n"
    parts = []
    for diff in diffs:
        parts += [
            f"## {diff.task}, {diff.split}: A {diff.a}, B {diff.b}",
            "",
            "| metric | B minus A | |",
            "|---|---|---|",
        ]
        for figure in diff.gains:
            if figure.value is None or figure.low is None or figure.high is None:
                continue
            clear = "" if figure.low <= 0 <= figure.high else "clear"
            parts.append(f"| {figure.metric} | {figure.value:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}] | {clear} |")
        for title, changes in (("Better in B", diff.better), ("Worse in B", diff.worse), ("Other", diff.other)):
            parts += ["", f"### {title}: {len(changes)}", ""]
            for change in changes:
                said = " ".join(change.quote.split())
                parts += [f"- {change.document}, {change.before} -> {change.after}: {change.detail}"]
                parts += [f"  > {said}"] if said else []
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"
