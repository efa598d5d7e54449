"""A slice of the study in eval/retro_sim.py: intervals cover, no claim from nothing, the harsh one is found."""

from __future__ import annotations

import numpy as np
import pytest

from eval.retro_history import Truth, draw
from eval.retro_sim import no_validity, outliers, true_severity
from pipeline.retro.agreement import agreement
from pipeline.retro.concordance import concordance, cross_table
from pipeline.retro.rank import spearman


def hires(rng: np.random.Generator, n: int, validity: float) -> tuple[np.ndarray, np.ndarray]:
    """The upper part of a pool by a panel of eight three-level calls, and a three-level outcome."""
    standing = rng.normal(size=4 * n)
    calls = np.digitize(0.7 * standing + 0.7 * rng.normal(size=(8, 4 * n)), [-0.6, 0.5])
    score = calls.mean(0)
    kept = np.argsort(-(score + 0.3 * rng.normal(size=4 * n)))[: 2 * n]
    kept = rng.permutation(kept)[:n]
    job = validity * standing + np.sqrt(1 - validity**2) * rng.normal(size=4 * n)
    return score[kept], np.digitize(job[kept], [-0.9, 0.6])


@pytest.mark.parametrize("validity", [0.0, 0.5])
@pytest.mark.parametrize("n", [15, 40, 150])
def test_intervals_of_c_and_spearman_cover(n: int, validity: float) -> None:
    rng = np.random.default_rng([n, int(10 * validity)])
    big = cross_table(*hires(rng, 40_000, validity))
    aim_c, aim_r = concordance([big]), spearman([big])
    assert aim_c is not None
    assert aim_r is not None
    held = []
    for _ in range(600):
        table = cross_table(*hires(rng, n, validity))
        c, r = concordance([table]), spearman([table])
        if c is None or r is None or c.interval is None or r.interval is None:
            continue
        held.append((c.interval.low <= aim_c.c <= c.interval.high, r.interval.low <= aim_r.r <= r.interval.high))
    covered = np.mean(held, axis=0)
    assert len(held) > 570
    # 600 draws leave a standard error of .009: two of these beyond 93 to 97 %.
    assert np.all(covered >= 0.912), covered
    assert np.all(covered <= 0.988), covered


def test_the_interval_of_alpha_covers() -> None:
    rng = np.random.default_rng(8)

    def patterns(units: int) -> dict[tuple[int, ...], int]:
        seen = np.digitize(rng.normal(size=(units, 1)) + 0.75 * rng.normal(size=(units, 2)), [-0.8, 0.8])
        rows, counts = np.unique(
            np.stack([(seen == level).sum(1) for level in range(3)], 1), axis=0, return_counts=True
        )
        return {tuple(row.tolist()): int(count) for row, count in zip(rows, counts, strict=True)}

    aim = agreement(patterns(300_000))
    assert aim is not None
    assert aim.alpha is not None
    for units in (20, 60):
        found = [agreement(patterns(units)) for _ in range(300)]
        held = [one.interval.low <= aim.alpha <= one.interval.high for one in found if one and one.interval]
        assert 0.91 <= np.mean(held) <= 0.99, units


@pytest.mark.slow
def test_nothing_is_claimed_from_nothing_and_the_harsh_one_is_found() -> None:
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
    true = true_severity(history)
    assert max(true, key=lambda name: true[name]) == "iv-000000"
