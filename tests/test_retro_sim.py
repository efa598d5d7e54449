"""A slice of the studies in eval/: intervals cover, no claim from nothing, the harsh one is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.retro_cover import (
    coverage,
    item_rest,
    misses,
    readers,
    scores,
    severities,
    sized,
    strong_words,
    table,
    true_severity,
)
from eval.retro_history import PILLARS, Truth, draw, numbers
from eval.retro_sim import imported, no_validity, outliers
from pipeline.retro.agreement import agreement
from pipeline.retro.concordance import concordance
from pipeline.retro.gates import gate
from pipeline.retro.interviewers import interviewers
from pipeline.retro.misses import near_misses
from pipeline.retro.questions import questions
from pipeline.retro.readers import by_pillar
from pipeline.retro.validity import families, overall

REAL = Truth(validity=0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "truth",
    [sized(REAL, 15), replace(sized(Truth(), 30), double_share=0.4)],
    ids=["15 hires", "30 hires, no validity, many read twice"],
)
def test_intervals_hold_the_truth(truth: Truth) -> None:
    found = coverage(truth, 1000, 77, severe=80, parts=2)["covered"]
    assert {"c", "pillar c", "format c", "spearman", "alpha", "item-rest", "newcombe", "severity"} <= set(found)
    for name, (share, error, _) in found.items():
        # The bound is 93 to 97 %; 1000 histories leave an error of about .7 points, of which three are granted.
        assert 0.93 - 3 * error <= share <= 0.97 + 3 * error, (name, share, error)


def test_the_fast_way_counts_what_the_database_counts() -> None:
    truth = replace(sized(REAL, 25), double_share=0.3)
    drawn = numbers(truth, 5)
    with imported(draw(truth, 5)) as db:
        whole, row = overall(db)
        parts = families(db, "pillar", row, whole["words"])
        read, asked = {one["pillar"]: one for one in by_pillar(db)}, questions(db, row)
        people, near = interviewers(db)["interviewers"], near_misses(db)["rates"]
    found = scores(drawn)
    for score, told in [(found.panel, whole), *zip(found.pillars, sorted(parts, key=_place), strict=True)]:
        one = concordance([table(score, found.y)])
        assert one is not None
        assert told["ci"] == pytest.approx(one.interval, abs=1e-5)
    for pillar, name in (*enumerate(PILLARS), (None, "all")):
        same = readers(drawn, pillar)
        assert same is not None
        assert read[name]["ci"] == pytest.approx(same.interval, abs=1e-5)
    for at, (r, n) in item_rest(drawn).items():
        (one_asked,) = [one for one in asked if one["question_id"] == f"q-{at:06d}"]
        assert (one_asked["item_rest"], one_asked["item_rest_n"]) == (pytest.approx(r, abs=1e-5), n)
    for person, (interval, _) in zip(people, severities(drawn), strict=True):
        assert person["severity_ci"] == pytest.approx(interval, abs=1e-4)
    counted = [near[side][name] for side in ("with_no_vote", "without") for name in ("exceeding", "n")]
    assert tuple(counted) == misses(found)


def _place(one: dict[str, object]) -> int:
    return PILLARS.index(str(one["pillar"]))


def test_the_interval_of_c_and_its_p_always_agree() -> None:
    rng = np.random.default_rng(4)
    for _ in range(400):
        found = concordance([rng.integers(0, 3, (4, 3))])
        if found is None or found.interval is None or found.p is None or found.c in (0, 1):
            continue
        assert found.interval.low <= found.c <= found.interval.high
        assert found.interval.excludes(0.5) == (found.p < 0.05)


def test_one_reader_of_everything_widens_the_interval_of_alpha() -> None:
    patterns = {(2, 0, 0): 10, (1, 1, 0): 6, (0, 2, 0): 12, (0, 1, 1): 5, (0, 0, 2): 9}
    apart = agreement(patterns)
    # Whoever disagrees in one of these disagrees in the others too.
    held = agreement(patterns, [{((1, 1, 0), (1, 1, 0)): 30, ((0, 1, 1), (0, 1, 1)): 20}])
    against = agreement(patterns, [{((1, 1, 0), (2, 0, 0)): 60}])
    assert apart is not None
    assert held is not None
    assert against is not None
    assert apart.interval is not None
    assert held.interval is not None
    assert held.interval.low < apart.interval.low
    assert held.interval.high > apart.interval.high
    assert against.interval == apart.interval  # sharing never narrows


def test_nothing_is_claimed_from_nothing() -> None:
    few = strong_words(sized(Truth(), 15), 300, 11)
    assert few["most"] < 20
    assert few["strong_words"] == 0
    many = strong_words(sized(Truth(), 60), 600, 12)
    assert many["strong_words"] <= 0.05


@pytest.mark.slow
def test_nothing_is_claimed_from_nothing_and_the_harsh_one_is_found_the_whole_way() -> None:
    quiet = no_validity(Truth(candidates=66), 4, 500)
    assert quiet["hires"] < 20
    assert quiet["strong_words"] == 0.0
    found = outliers(Truth(harsh=1), 3, 900)
    assert found["harsh_flagged"] == 1.0
    assert found["any_other_flagged"] <= 0.34


def test_a_history_is_what_it_says() -> None:
    history = draw(Truth(harsh=1), 3)
    again = draw(Truth(harsh=1), 3)
    assert all((history.tables[kind][name] == again.tables[kind][name]).all()
               for kind, columns in history.tables.items() for name in columns)  # fmt: skip
    assert history.reject_rate[0] > 0.8
    assert 0.3 < np.mean(history.reject_rate[1:]) < 0.5
    assert true_severity(history.truth, history.severity).argmax() == 0


def test_words_wait_for_twenty_hires() -> None:
    assert gate(19).words == "compatible with"
    assert gate(20).words == "leans"
