"""The tasks by name. A task that cannot be measured here is skipped with the reason, never silently."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from eval.claims_model import held_by_model
from eval.claims_score import claims_result, hold, load_claims
from eval.dataset import Sample, load_folder, load_split
from eval.hearing import Hearing, listen, skipped, speakers_result, transcribe_result
from eval.linting import lint_result
from eval.located import locate_result
from eval.matching import Case
from eval.packets import packet_result
from eval.pointing import coverage_result, extract_result, prompted_result
from eval.results import TaskResult
from eval.solving import Progress, solve
from eval.variants import model_of
from pipeline.errors import VerbatimError
from pipeline.ports import Extractor


class Bench:
    """A solver and a split; interviews are solved once, however many tasks look at them."""

    def __init__(
        self,
        extractor: Extractor,
        solver: str,
        split: str,
        *,
        twice: bool = False,
        workspace: Path | None = None,
        gold: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.workspace = workspace
        self.gold = gold
        self.extractor = extractor
        self.solver = solver
        self.split = split
        self.twice = twice
        self.progress = progress

    @cached_property
    def samples(self) -> list[Sample]:
        """The gold interviews of the split, or of a folder of one's own."""
        return load_folder(self.gold) if self.gold else load_split(self.split)

    @cached_property
    def cases(self) -> list[Case]:
        """Solved interviews."""
        return solve(self.extractor, self.samples, self.progress)

    @cached_property
    def again(self) -> list[Case]:
        """The same, solved a second time, when stability was asked for."""
        return solve(self.extractor, self.samples, self.progress) if self.twice else []

    @cached_property
    def hearings(self) -> list[Hearing]:
        """What is heard in the demo. Raises VerbatimError when no speech model is in reach."""
        return listen(self.workspace)


def _extract(bench: Bench) -> TaskResult:
    return extract_result(bench.cases, bench.again, bench.solver, bench.split)


def _coverage(bench: Bench) -> TaskResult:
    return coverage_result(bench.cases, bench.solver, bench.split)


def _prompted(bench: Bench) -> TaskResult:
    return prompted_result(bench.cases, bench.solver, bench.split)


def _packet(bench: Bench) -> TaskResult:
    return packet_result(bench.cases, bench.solver, bench.split)


def _lint(bench: Bench) -> TaskResult:
    return lint_result(bench.split)


def _claims(bench: Bench) -> TaskResult:
    llm = model_of(bench.extractor)
    held = (
        hold(load_claims(bench.split), bench.cases) if llm is None else held_by_model(llm, bench.split, bench.samples)
    )
    return claims_result(held, bench.solver, bench.split)


def _locate(_bench: Bench) -> TaskResult:
    return locate_result()


def _transcribe(bench: Bench) -> TaskResult:
    try:
        return transcribe_result(bench.hearings)
    except VerbatimError as error:
        return skipped("transcribe", error)


def _speakers(bench: Bench) -> TaskResult:
    try:
        return speakers_result(bench.hearings)
    except VerbatimError as error:
        return skipped("speakers", error)


TASKS: dict[str, Callable[[Bench], TaskResult]] = {
    "extract": _extract,
    "coverage": _coverage,
    "prompted": _prompted,
    "packet": _packet,
    "lint": _lint,
    "claims": _claims,
    "locate": _locate,
    "transcribe": _transcribe,
    "speakers": _speakers,
}
POINTING = ("extract", "coverage", "prompted", "packet")
ON_REQUEST = frozenset(["transcribe", "speakers"])  # they listen for a minute or two; the others read
