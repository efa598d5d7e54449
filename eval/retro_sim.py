"""Does the retrospective keep its promises on histories whose truth is known?

Run `python -m eval.retro_sim` for the whole study (about half an hour; docs/retro.md keeps its figures),
`--draws 40` for a taste, `--only "harsh one"` for a part. Each history goes the whole way: files, import, report.
Whether intervals hold the truth takes thousands of histories: eval/retro_cover.py, without files and database.
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

from eval.retro_history import History, Truth, draw
from pipeline.adapters.store.connection import Session, Store
from pipeline.retro.gates import COMPATIBLE, TOO_FEW
from pipeline.retro.history import Horizon, prepare
from pipeline.retro.importing import import_files
from pipeline.retro.interviewers import interviewers
from pipeline.retro.validity import families, overall

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
        with imported(history) as db:
            flagged = {one["interviewer_id"] for one in interviewers(db)["interviewers"] if one["flag"]}
        found_harsh += bool(flagged & set(history.harsh))
        found_other += bool(flagged - set(history.harsh))
        flags += len(flagged - set(history.harsh))
    return {"draws": draws, "harsh_flagged": found_harsh / draws, "any_other_flagged": found_other / draws,
            "others_flagged_each": flags / draws / (truth.interviewers - truth.harsh)}  # fmt: skip


STUDY: dict[str, Callable[[int], Found]] = {
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
