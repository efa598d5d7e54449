"""The benchmark of a batch asks, verifies, stores and counts what it says; its times are for a quiet machine."""

from __future__ import annotations

import json

import pytest

from eval import llm_bench


def test_the_benchmark_counts_a_small_batch(capsys: pytest.CaptureFixture[str]):
    assert llm_bench.main(["--only", "verbatim", "--interviews", "2", "--chunks", "1", "--json"]) == 0
    own = json.loads(capsys.readouterr().out)["verbatim"]
    assert own["requests"] == 8
    assert own["quotes"] == own["grounded"] == 24
    assert own["rerun_requests"] == 0
    assert own["prompt_tokens"] > 20 * own["answer_tokens"] > 0
    shown = llm_bench.table({"verbatim": own, "langextract": "not installed"})
    assert "| quotes grounded | 24 |" in shown


def test_what_is_not_met_is_said(capsys: pytest.CaptureFixture[str]):
    good = {"requests": 1000, "ratio": 1.1, "memory_mib": 90, "quotes": 9, "grounded": 9, "rerun_requests": 0}
    assert llm_bench.faults({"verbatim": good}) == []
    for worse in ({"ratio": 1.3}, {"memory_mib": 999}, {"grounded": 8}, {"rerun_requests": 1}):
        assert len(llm_bench.faults({"verbatim": good | worse})) == 1
        assert "not met" in capsys.readouterr().err
