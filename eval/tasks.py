"""The tasks by name. A task that cannot be measured here is skipped with the reason, never silently."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from eval.dataset import Sample, load_split
from eval.matching import Case
from eval.pointing import coverage_result, extract_result, prompted_result
from eval.results import TaskResult
from eval.solving import Progress, solve
from pipeline.ports import Extractor


class Bench:
    """A solver and a split; interviews are solved once, however many tasks look at them."""

    def __init__(
        self, extractor: Extractor, solver: str, split: str, *, twice: bool, progress: Progress | None
    ) -> None:
        self.extractor = extractor
        self.solver = solver
        self.split = split
        self.twice = twice
        self.progress = progress

    @cached_property
    def samples(self) -> list[Sample]:
        """The gold interviews of the split."""
        return load_split(self.split)

    @cached_property
    def cases(self) -> list[Case]:
        """Solved interviews."""
        return solve(self.extractor, self.samples, self.progress)

    @cached_property
    def again(self) -> list[Case]:
        """The same, solved a second time, when stability was asked for."""
        return solve(self.extractor, self.samples, self.progress) if self.twice else []


def _skip(task: str, bench: Bench, reason: str) -> TaskResult:
    return TaskResult(task=task, solver=bench.solver, split=bench.split, skipped=reason)


def _extract(bench: Bench) -> TaskResult:
    return extract_result(bench.cases, bench.again, bench.solver, bench.split)


def _coverage(bench: Bench) -> TaskResult:
    return coverage_result(bench.cases, bench.solver, bench.split)


def _prompted(bench: Bench) -> TaskResult:
    return prompted_result(bench.cases, bench.solver, bench.split)


TASKS: dict[str, Callable[[Bench], TaskResult]] = {
    "extract": _extract,
    "coverage": _coverage,
    "prompted": _prompted,
}
