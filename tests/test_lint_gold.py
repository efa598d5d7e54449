"""The labelled feedback items are well formed and the two files stay apart."""

from __future__ import annotations

import collections
import json
import re
from pathlib import Path
from typing import Any

import pytest

GOLD = Path(__file__).parents[1] / "eval" / "gold"
FAMILIES = {f"GF{n}" for n in (101, 102, 201, 202, 301, 302, 303, 304, 305, 401, 402, 403, 501, 502, 601, 602)}


def items(name: str) -> list[dict[str, Any]]:
    lines = (GOLD / f"lint_{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def five_word_runs(name: str) -> set[tuple[str, ...]]:
    runs: set[tuple[str, ...]] = set()
    for item in items(name):
        words = re.findall(r"\w+", item["text"].lower())
        runs |= set(zip(*(words[k:] for k in range(5)), strict=False))
    return runs


@pytest.mark.parametrize("name", ["dev", "test", "fresh", "fresh_2"])
def test_spans_are_trimmed_ordered_and_of_a_known_family(name: str) -> None:
    for item in items(name):
        end = 0
        for span in item["spans"]:
            assert end <= span["start"] < span["end"] <= len(item["text"]), item["id"]
            phrase = item["text"][span["start"] : span["end"]]
            assert phrase == phrase.strip(), item["id"]
            assert phrase[-1] not in ".,;:", item["id"]
            assert span["family"] in FAMILIES, item["id"]
            end = span["end"]


@pytest.mark.parametrize("name", ["dev", "test"])
def test_clean_means_no_span_and_every_family_has_twelve(name: str) -> None:
    count: collections.Counter[str] = collections.Counter()
    for item in items(name):
        assert ("clean" in item["tags"]) == (not item["spans"]), item["id"]
        assert "near-miss" not in item["tags"] or "clean" in item["tags"], item["id"]
        count.update(span["family"] for span in item["spans"])
    assert set(count) == FAMILIES
    assert min(count.values()) >= 12


def test_no_run_of_five_words_is_shared_between_the_files() -> None:
    assert not five_word_runs("dev") & five_word_runs("test")
    assert not (five_word_runs("dev") | five_word_runs("test")) & five_word_runs("fresh")
    ids = [item["id"] for name in ("dev", "test", "fresh", "fresh_2") for item in items(name)]
    assert len(ids) == len(set(ids))
