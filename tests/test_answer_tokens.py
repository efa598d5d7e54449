"""Pointing costs at most a third of what copying costs, on what the gold labels call for."""

from __future__ import annotations

from pathlib import Path

from eval import answer_tokens
from eval.dataset import load_split


def test_pointing_takes_at_most_a_third_of_the_answer(tmp_path: Path):
    samples = load_split("dev")[:2]
    counts = answer_tokens.counters(server=False)
    cost: dict[str, list[float]] = {name: [] for name in counts}
    for form in answer_tokens.FORMS:
        (tmp_path / form).mkdir()
        accepted, rejected, answers = answer_tokens.replay(samples, form, tmp_path / form)
        assert accepted > 30
        assert rejected < accepted / 4
        for name, count in counts.items():
            cost[name].append(sum(map(count, answers)) / accepted)
    for pointing, quotes in cost.values():
        assert pointing <= quotes / 3
