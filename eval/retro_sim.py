"""Does the retrospective keep its promises on histories whose truth is known?

Run `python -m eval.retro_sim` for the whole study (about an hour; docs/retro.md keeps its figures),
`--draws 40` for a taste, `--only "harsh one"` for a part. Each history goes the whole way: files, import, report.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from eval.retro_history import History, Truth, draw
from pipeline.adapters.store.connection import Session, Store
from pipeline.retro.gates import COMPATIBLE, TOO_FEW
from pipeline.retro.history import Horizon, prepare
from pipeline.retro.importing import import_files
from pipeline.retro.interviewers import interviewers
from pipeline.retro.questions import questions
from pipeline.retro.readers import by_pillar
from pipeline.retro.validity import families, overall

BIG = 120_000  # candidates behind a true value
Found = dict[str, Any]


@cache
def _empty() -> Path:
    """An empty database, so that migrations run once and not once a history."""
    path = Path(tempfile.mkdtemp(prefix="verbatim-sim-")) / "verbatim.duckdb"
    with Store(path).session():
        return path


@contextmanager
def imported(history: History) -> Iterator[Session]:
    """An open database that holds the history, its working tables made."""
    with tempfile.TemporaryDirectory(prefix="verbatim-sim-") as folder:
        files = history.write(Path(folder) / "csv")
        shutil.copy(_empty(), Path(folder) / "verbatim.duckdb")
        with Store(Path(folder) / "verbatim.duckdb").session() as db:
            done = import_files(db, files)
            assert not any(one.bad for one in done)
            prepare(db, Horizon())
            yield db


def validity(history: History) -> Found:
    """Overall, pillars, formats and the strongest words."""
    with imported(history) as db:
        whole, row = overall(db)
        parts = families(db, "pillar", row, whole["words"]) + families(db, "format", row, whole["words"])
    used = {one["words"] for one in [whole, *parts]}
    return {"overall": whole, "pillars": parts[:4], "strong_words": bool(used - {COMPATIBLE, TOO_FEW})}


def people(history: History) -> Found:
    """Interviewers with their true severity in levels."""
    with imported(history) as db:
        return interviewers(db) | {"true": true_severity(history)}


def true_severity(history: History, truth: Truth | None = None) -> dict[str, float]:
    """What an interviewer's severity is worth in levels of a call, against the mean of all."""
    kept = truth or history.truth
    spread = float(np.sqrt(0.98 + kept.halo**2 + kept.noise**2))
    level = stats.norm.sf((-0.7 + history.severity) / spread) + stats.norm.sf((0.6 + history.severity) / spread)
    gap = level.mean() - level
    return {f"iv-{at:06d}": float(value) for at, value in enumerate(gap)}


def coverage(truth: Truth, draws: int, seed: int) -> Found:
    """Share of histories whose interval holds the true value: c, Spearman, a pillar's c, alpha, item-rest, severity."""
    # Many interviewers, so that the aim does not hang on the severities of a few.
    big = replace(truth, candidates=BIG, interviewers=3000)
    with imported(draw(big, seed)) as db:
        whole, row = overall(db)
        aim = {"c": whole["c"], "spearman": whole["spearman"]}
        aim["pillar c"] = families(db, "pillar", row, whole["words"])[0]["c"]
        aim["alpha"] = by_pillar(db)[0]["alpha"]
        asked = {one["question_id"]: one["item_rest"] for one in questions(db, row)}
    hits: dict[str, list[bool]] = {name: [] for name in [*aim, "item-rest", "severity", "rejection rate"]}
    sizes = []
    for number in range(draws):
        history = draw(truth, seed + 1 + number)
        with imported(history) as db:
            whole, row = overall(db)
            sizes.append(whole["n"])
            pillar = families(db, "pillar", row, whole["words"])[0]
            _hit(hits["c"], whole["ci"], aim["c"])
            _hit(hits["spearman"], whole["spearman_ci"], aim["spearman"])
            _hit(hits["pillar c"], pillar["ci"], aim["pillar c"])
            _hit(hits["alpha"], by_pillar(db)[0]["ci"], aim["alpha"])
            for one in questions(db, row)[:6]:
                _hit(hits["item-rest"], one["ci"], asked[one["question_id"]])
            true = true_severity(history)
            for person in interviewers(db)["interviewers"]:
                _hit(hits["severity"], person["severity_ci"], true[person["interviewer_id"]])
    found: Found = {"hires": float(np.mean(sizes)), "draws": draws, "true": aim}
    return found | {"covered": {name: [float(np.mean(held)), len(held)] for name, held in hits.items() if held}}


def _hit(held: list[bool], ci: list[float] | None, value: float | None) -> None:
    if ci is not None and value is not None:
        held.append(ci[0] <= value <= ci[1])


def no_validity(truth: Truth, draws: int, seed: int) -> Found:
    """How often anything stronger than "compatible with" is said though nothing is there."""
    said = [validity(draw(replace(truth, validity=0.0), seed + number)) for number in range(draws)]
    sizes = [one["overall"]["n"] for one in said]
    return {
        "hires": float(np.mean(sizes)),
        "draws": draws,
        "strong_words": float(np.mean([s["strong_words"] for s in said])),
    }


def outliers(truth: Truth, draws: int, seed: int) -> Found:
    """How often the harsh interviewer is flagged, and anybody else."""
    found_harsh = found_other = flags = 0
    for number in range(draws):
        history = draw(truth, seed + number)
        flagged = {one["interviewer_id"] for one in people(history)["interviewers"] if one["flag"]}
        found_harsh += bool(flagged & set(history.harsh))
        found_other += bool(flagged - set(history.harsh))
        flags += len(flagged - set(history.harsh))
    return {"draws": draws, "harsh_flagged": found_harsh / draws, "any_other_flagged": found_other / draws,
            "others_flagged_each": flags / draws / (truth.interviewers - truth.harsh)}  # fmt: skip


STUDY: dict[str, Callable[[int], Found]] = {
    "coverage, about 15 hires": lambda n: coverage(Truth(candidates=66, validity=0.5), n, 1000),
    "coverage, about 50 hires": lambda n: coverage(Truth(candidates=220, validity=0.5), n, 2000),
    "coverage, about 200 hires": lambda n: coverage(Truth(candidates=880, validity=0.5, interviewers=60), n, 3000),
    "coverage, no validity, about 30 hires": lambda n: coverage(Truth(candidates=130), n, 4000),
    "no validity, about 15 hires": lambda n: no_validity(Truth(candidates=66), n, 5000),
    "no validity, about 40 hires": lambda n: no_validity(Truth(candidates=175), n, 6000),
    "no validity, about 120 hires": lambda n: no_validity(Truth(candidates=530), n, 7000),
    "no validity, about 350 hires": lambda n: no_validity(Truth(candidates=1550), n // 2, 8000),
    "harsh one, 200 candidates, 20 interviewers": lambda n: outliers(Truth(harsh=1), n, 9000),
    "nobody harsh, 200 candidates, 20 interviewers": lambda n: outliers(Truth(), n, 10000),
    "harsh one, tied to formats": lambda n: outliers(Truth(harsh=1, tied=True), n, 11000),
    "harsh one, 100 candidates, 12 interviewers": lambda n: outliers(
        Truth(harsh=1, candidates=100, interviewers=12), n, 12000
    ),
}


def main() -> None:
    """Run the study and print it as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    for name, run in STUDY.items():
        if options.only in name:
            print(json.dumps({"study": name, **run(options.draws)}), flush=True)


if __name__ == "__main__":
    main()
