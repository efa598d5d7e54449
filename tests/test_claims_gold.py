"""The labelled claims hold together, and the offline search keeps what it was measured at."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from eval.claims_score import counted, hold, load_claims
from eval.dataset import load_split
from eval.matching import Case
from pipeline.records import Extraction, Verified

COPIED = 6  # words in a row that a sentence may not share with its interview
BOUNDS = {"dev": {"support_recall": 0.66, "support_precision": 0.8}, "test": {"support_recall": 0.5}}


@pytest.mark.parametrize("split", ["dev", "test"])
def test_every_sentence_has_its_place(split: str) -> None:
    samples = {sample.id: sample for sample in load_split(split)}
    gold = load_claims(split)
    states = Counter(claim.state for claim in gold)
    assert len(gold) >= 90
    assert len({claim.id for claim in gold}) == len({claim.text for claim in gold}) == len(gold)
    assert min(states.values()) >= 18
    assert len(states) == 4
    for claim in gold:
        turns = {turn.turn: turn for turn in samples[claim.about].turns}
        assert all(turns[number].role == "candidate" for number in claim.turns), claim.id
        assert bool(claim.turns) == (claim.kind == "act" and claim.state in ("supported", "contradicted")), claim.id


@pytest.mark.parametrize("split", ["dev", "test"])
def test_no_sentence_is_copied_from_its_interview(split: str) -> None:
    def words(text: str) -> list[str]:
        return re.findall(r"[\w']+", text.lower())

    said = {sample.id: [" ".join(words(turn.text)) for turn in sample.turns] for sample in load_split(split)}
    for claim in load_claims(split):
        own = words(claim.text)
        runs = [" ".join(own[i : i + COPIED]) for i in range(len(own) - COPIED + 1)]
        assert not [run for run in runs if any(run in text for text in said[claim.about])], claim.id


@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_search_keeps_its_figures(split: str) -> None:
    nothing = Extraction(extractor="none", model="none", prompt_hash="none")
    empty = Verified(evidence=(), probes=(), rejections=())
    cases = [Case(sample, nothing, empty, ()) for sample in load_split(split)]
    counts = counted(hold(load_claims(split), cases))
    for metric, least in BOUNDS[split].items():
        good, among = (sum(pair[i] for pair in counts[metric].values()) for i in (0, 1))
        assert good / among >= least, metric
