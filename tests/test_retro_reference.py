"""Published cases: each statistic must give the figure that its source gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.retro.agreement import agreement, fleiss_kappa, icc
from pipeline.retro.concordance import concordance, cross_table
from pipeline.retro.corrections import case_two, hires_needed, lawley, restrict
from pipeline.retro.impact import Rate, below_four_fifths, cmh, compare, exact_p, highest, shortfall
from pipeline.retro.rank import bonett_wright, spearman, tau_b
from pipeline.retro.rates import bh, koopman, newcombe, spread, unlike_others, wilson
from pipeline.retro.severity import severity


def patterns(columns: list[list[int | None]], levels: int) -> dict[tuple[int, ...], int]:
    found: dict[tuple[int, ...], int] = {}
    for unit in zip(*columns, strict=True):
        key = tuple(sum(value == level for value in unit) for level in range(1, levels + 1))
        found[key] = found.get(key, 0) + 1
    return found


# Krippendorff (2011), "Computing Krippendorff's alpha-reliability": four observers, twelve units, gaps.
CANONICAL: list[list[int | None]] = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def test_krippendorff_canonical_ordinal_alpha() -> None:
    found = agreement(patterns(CANONICAL, 5))
    assert found is not None
    assert found.alpha == pytest.approx(0.8154, abs=5e-5)
    assert found.units == 11  # the twelfth has one observer
    assert found.ac2 == pytest.approx(0.914001, abs=1e-6)  # irrCAC 0.4.4, quadratic weights
    assert found.interval is not None
    assert found.interval.low < 0.8154 < found.interval.high + 1e-9


def test_fleiss_kappa() -> None:
    # Fleiss's ten subjects by fourteen raters as tabulated in textbooks: kappa .210.
    table = """0 0 0 0 14/0 2 6 4 2/0 0 3 5 6/0 3 9 2 0/2 2 8 1 1/7 7 0 0 0/3 2 6 3 0/2 5 3 2 2/6 5 2 1 0/0 2 2 3 7"""
    counts = [tuple(int(v) for v in row.split()) for row in table.split("/")]
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)


def test_shrout_fleiss_icc() -> None:
    # Shrout & Fleiss (1979), six targets by four judges: .17 .29 .71 and .44 .62 .91.
    found = icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    assert found is not None
    assert [round(value, 2) for value in found] == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    # Newcombe (1998a), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(k: int, n: int, low: float, high: float) -> None:
    assert wilson(k, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    # Newcombe (1998b), table II, method 10.
    [((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090), ((10, 10, 0, 10), 0.6075, 1.0)],
)
def test_newcombe(cells: tuple[int, int, int, int], low: float, high: float) -> None:
    assert newcombe(*cells) == pytest.approx((low, high), abs=5e-5)


def test_koopman() -> None:
    # Koopman (1984): 36 of 40 against 16 of 80.
    assert koopman(36, 40, 16, 80) == pytest.approx((2.94, 7.15), abs=5e-3)
    assert koopman(0, 10, 3, 20) is not None
    assert koopman(0, 10, 3, 20).low == 0.0  # type: ignore[union-attr]
    assert math.isinf(koopman(1, 10, 0, 20).high)  # type: ignore[union-attr]


def test_koopman_is_the_inverse_of_its_own_test() -> None:
    # Swapping the groups turns the interval over.
    there, back = koopman(7, 40, 15, 60), koopman(15, 60, 7, 40)
    assert there is not None
    assert back is not None
    assert (1 / back.high, 1 / back.low) == pytest.approx(there, rel=1e-6)


def test_tau_b_spearman_and_concordance_match_scipy_and_a_pair_loop() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 6, 60), rng.integers(0, 3, 60)
    table = cross_table(x, y)
    assert tau_b(table) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
    rho = spearman([table])
    assert rho is not None
    assert rho.r == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    signs = [(x[i] - x[j]) * (y[i] - y[j]) for i in range(60) for j in range(i)]
    good, bad = sum(s > 0 for s in signs), sum(s < 0 for s in signs)
    found = concordance([table])
    assert found is not None
    assert (found.concordant, found.pairs, found.n) == (good, good + bad, 60)


def test_gamma_and_tau_b_published() -> None:
    # Agresti (2002), job satisfaction by income: 1331 concordant, 849 discordant pairs, gamma .221, tau-b .152.
    table = np.array([[1, 3, 10, 6], [2, 3, 10, 7], [1, 6, 14, 12], [0, 1, 9, 11]])
    found = concordance([table])
    assert found is not None
    assert (found.concordant, found.pairs - found.concordant) == (1331, 849)
    assert 2 * found.c - 1 == pytest.approx(0.221, abs=5e-4)  # gamma
    assert tau_b(table) == pytest.approx(0.152, abs=5e-4)


def test_bonett_wright() -> None:
    # sqrt((1 + r^2/2) / (n - 3)) on Fisher's z, by hand for r = .5, n = 30.
    reach = 1.959964 * math.sqrt((1 + 0.125) / 27)
    assert bonett_wright(0.5, 30) == pytest.approx(
        (math.tanh(math.atanh(0.5) - reach), math.tanh(math.atanh(0.5) + reach))
    )


def test_bh() -> None:
    # Benjamini & Hochberg (1995), section 3.3: fifteen p-values, four rejected at .05.
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    q = bh([*p, None])
    assert sum(value is not None and value < 0.05 for value in q) == 4
    assert q[-1] is None


# Davies & Goldsmith (1972), section 6.6: zones of inhibition, 24 plates (rows) by six samples of penicillin.
PENICILLIN = """27 23 26 23 23 21
27 23 26 23 23 21/25 21 25 24 24 20/26 23 25 23 23 20/25 22 26 22 23 20/24 22 25 23 22 19
24 20 23 21 22 19/26 22 26 24 24 21/24 21 24 22 22 20/24 21 24 23 22 19/26 23 26 24 24 21/25 22 26 24 24 20
26 24 26 24 25 22/26 23 26 23 23 20/26 23 25 24 24 22/25 22 25 23 23 20/25 21 24 23 23 20/25 22 24 23 23 19
24 21 23 21 21 19/26 23 26 24 24 21/25 21 24 22 22 18/25 22 25 22 22 20/24 21 24 22 24 19/24 21 24 22 21 18""".replace(
    "\n", "/"
)


def test_penicillin_severity() -> None:
    # lme4: standard deviations .8467 (plate), 1.9316 (sample), .5499 (residual); mean 22.9722; conditional modes.
    zones = np.array([[float(v) for v in row.split()] for row in PENICILLIN.split("/")])
    fit = severity(np.repeat(np.arange(24), 6), np.tile(np.arange(6), 24), zones.ravel())
    assert fit is not None
    assert np.sqrt(fit.components) == pytest.approx([0.8467, 1.9316, 0.5499], abs=2e-4)
    assert fit.mean == pytest.approx(22.9722, abs=1e-4)
    modes = [-one.estimate for one in fit.interviewers if one.estimate is not None]
    assert modes == pytest.approx([2.18706, -1.01048, 1.93790, -0.09689, -0.01384, -3.00374], abs=2e-4)


def test_four_fifths() -> None:
    # Uniform Guidelines, Questions and Answers (1979), 12: 48 of 80 against 12 of 40 selected is half the rate.
    assert compare(Rate(12, 40), Rate(48, 80)).ratio == pytest.approx(0.5)
    assert below_four_fifths(Rate(12, 40), Rate(48, 80))
    assert not below_four_fifths(Rate(48, 100), Rate(60, 100))
    assert below_four_fifths(Rate(47, 100), Rate(60, 100))
    assert shortfall(Rate(12, 40), Rate(48, 80)) == 8  # 20 of 40 is .50, the first whole number at .48 or more


def test_four_fifths_shortfall_is_exact() -> None:
    for advanced in range(11):
        group, reference = Rate(advanced, 25), Rate(18, 40)
        more = shortfall(group, reference)
        assert not below_four_fifths(Rate(advanced + more, 25), reference)
        assert more == 0 or below_four_fifths(Rate(advanced + more - 1, 25), reference)
    assert highest([Rate(1, 10), Rate(3, 20), Rate(0, 0)]) == 1


def test_berkeley_admissions() -> None:
    # Bickel, Hammel & O'Connell (1975), six largest departments, women against men.
    women = [Rate(89, 108), Rate(17, 25), Rate(202, 593), Rate(131, 375), Rate(94, 393), Rate(24, 341)]
    men = [Rate(512, 825), Rate(353, 560), Rate(120, 325), Rate(138, 417), Rate(53, 191), Rate(22, 373)]
    whole = compare(
        Rate(sum(r.advanced for r in women), sum(r.entered for r in women)),
        Rate(sum(r.advanced for r in men), sum(r.entered for r in men)),
    )
    assert whole.ratio == pytest.approx(0.68, abs=5e-3)
    found = cmh(list(zip(women, men, strict=True)))
    assert found is not None
    assert (found.chi2, found.p) == pytest.approx((1.5246, 0.2169), abs=1e-4)  # R's mantelhaen.test without correction


def test_exact_p() -> None:
    # Mehta & Senchaudhuri (2003): vaccine 7 of 15 infected against 12 of 15: unconditional p .034 one-sided (Barnard);
    # Boschloo's two-sided p lies between that and Fisher's .1281.
    p, test = exact_p(Rate(7, 15), Rate(12, 15))
    assert test == "Boschloo"
    assert 0.034 < p < 0.1281
    assert exact_p(Rate(70, 350), Rate(120, 350))[1] == "Fisher"
    assert exact_p(Rate(0, 9), Rate(0, 12)) == (1.0, "none")


def test_thorndike_case_two() -> None:
    # Revelle's psych::rangeCorrection example: r = .33, standard deviations 100.32 (all) and 48.19 (selected).
    assert case_two(0.33, 48.19 / 100.32) == pytest.approx(0.59, abs=5e-3)
    for r in (-0.4, 0.1, 0.7):
        assert case_two(restrict(r, 0.55), 0.55) == pytest.approx(r)


def test_lawley_recovers_the_applicants() -> None:
    # Lawley (1943): selection on x leaves the regression on x as it was, so an exact population comes back exactly.
    full = np.array([[1.0, 0.3, 0.2, 0.4], [0.3, 1.0, 0.1, 0.3], [0.2, 0.1, 1.0, 0.2], [0.4, 0.3, 0.2, 1.0]])
    selected_x = np.array([[0.4, -0.1, 0.0], [-0.1, 0.5, 0.0], [0.0, 0.0, 0.9]])
    slope = np.linalg.solve(full[:3, :3], full[:3, 3:])
    selected = np.zeros((4, 4))
    selected[:3, :3] = selected_x
    selected[:3, 3:] = selected_x @ slope
    selected[3:, :3] = selected[:3, 3:].T
    selected[3:, 3:] = full[3:, 3:] - slope.T @ (full[:3, :3] - selected_x) @ slope
    found = lawley(selected, full[:3, :3])
    assert found is not None
    np.testing.assert_allclose(found, full, atol=1e-12)


def test_lawley_with_one_score_is_case_two() -> None:
    r, u = 0.3, 0.6
    selected = np.array([[u * u, r * u], [r * u, 1.0]])
    found = lawley(selected, np.array([[1.0]]))
    assert found is not None
    assert found[0, 1] / math.sqrt(found[1, 1]) == pytest.approx(case_two(r, u))


@pytest.mark.parametrize(("r", "n"), [(0.10, 783), (0.30, 85)])
def test_power(r: float, n: int) -> None:
    assert hires_needed(r) == n  # Cohen (1992), table 2, power .80


def test_spread_and_outliers() -> None:
    assert spread([5, 5, 5, 5], [10, 10, 10, 10]).rho == 0.0  # type: ignore[union-attr]
    p = unlike_others([27, *[12] * 11], [30] * 12)
    assert p[0] is not None
    assert p[0] < 0.001  # the wording example of the method page: 27 of 30 against 40 %
    assert all(value is not None and value > 0.2 for value in p[1:])
    assert unlike_others([1, 2], [5, 5]) == [None, None]
