"""The demo interviews as gold: what was written to be said, when it is heard, by whom, and what it shows.

examples/scripts holds each interview's script (with labels) and its timing (every turn with its place in the sound).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.dataset import RUBRIC, GoldError, GoldEvidence, GoldHeader, GoldTurn, Sample
from pipeline.prompting import load_rubric

EXAMPLES = Path(__file__).parent.parent / "examples"


def load_spoken(folder: Path = EXAMPLES) -> list[Sample]:
    """The spoken interviews by id. Raises GoldError when the scripts are not there."""
    paths = sorted((folder / "scripts").glob("*.timing.json"))
    if not paths:
        raise GoldError(f"there are no scripts in {folder / 'scripts'}.", next_step="run this from a checkout.")
    return [_sample(json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def _sample(timing: dict[str, Any]) -> Sample:
    turns = tuple(_turn(row) for row in timing["turns"])
    name = timing["interview_id"]
    asked = tuple(sorted({pillar for turn in turns for pillar in turn.probes}))
    header = GoldHeader(id=name, title=name, role_profile=RUBRIC, split="test", voice="spoken", asked=asked)
    return Sample(header, turns, load_rubric(RUBRIC))


def _turn(row: dict[str, Any]) -> GoldTurn:
    asked = row["prompted_by"]
    evidence = tuple(
        GoldEvidence(
            quote=row["text"],
            pillar=shown["pillar"],
            signal=shown["signal"],
            polarity=shown["polarity"],
            prompted=row["prompted"],
            prompted_by=asked,
            must_find=True,
        )
        for shown in row["shows"]
    )
    return GoldTurn(
        turn=row["turn"],
        role=row["role"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        text=row["text"],
        probes=tuple(row["probes"]),
        evidence=evidence,
    )
