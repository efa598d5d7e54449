"""Run tasks with a solver on a split, and name all that shaped the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.dataset import RUBRIC, gold_hash
from eval.results import EvalRun
from eval.solving import Progress
from eval.tasks import ON_REQUEST, POINTING, TASKS, Bench
from eval.variants import Variant
from pipeline.errors import SettingsError
from pipeline.hashing import content_hash
from pipeline.ports import Extractor
from pipeline.prompting import load_rubric, load_template


def run_tasks(
    names: Sequence[str],
    extractor: Extractor,
    solver: str,
    split: str,
    *,
    variant: Variant | None = None,
    twice: bool = False,
    workspace: Path | None = None,
    gold: Path | None = None,
    progress: Progress | None = None,
) -> EvalRun:
    """The named tasks, or all that need no listening. `variant` is how a model is asked, None for other solvers;
    `gold` is a folder of documents to measure on instead of a split.

    Raises SettingsError for a task that does not exist.
    """
    unknown = [name for name in names if name not in TASKS]
    if unknown:
        raise SettingsError(f"there is no task '{unknown[0]}'.", next_step=f"choose from: {', '.join(TASKS)}.")
    bench = Bench(extractor, solver, split, twice=twice, workspace=workspace, gold=gold, progress=progress)
    rubric = load_rubric(RUBRIC)
    default = POINTING if gold else [task for task in TASKS if task not in ON_REQUEST]
    run = names or default
    results = tuple(TASKS[name](bench) for name in run)
    sent = [pillar.for_model() for pillar in rubric.pillars]
    prompts = [load_template(variant.template).hash] if variant else []
    if variant and "claims" in run:
        prompts.append(load_template("claims").hash)
    return EvalRun(
        gold_hash=gold_hash(bench.samples),
        prompt_hash=content_hash(*prompts, variant) if variant else "",
        rubric_hash=content_hash(sent),
        solver_hash=extractor.fingerprint(rubric),
        results=results,
    )
