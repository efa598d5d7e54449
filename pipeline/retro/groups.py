"""Adverse impact by stage, role and group, from the groups that candidates gave of themselves.

The figures help an independent look; they are not an audit. Groups under five people are counted but not rated, groups
under two per cent stay out of the ratios, and people without a group are counted as such.
"""

from __future__ import annotations

from typing import Any

from pipeline.retro.database import Db
from pipeline.retro.impact import BOSCHLOO_UP_TO, Cmh, Comparison, Rate, cmh, compare, highest, selections_to_even
from pipeline.retro.rates import bh, wilson
from pipeline.retro.validity import pair

LEAST_PEOPLE = 5
LEAST_SHARE = 0.02
ALL_ROLES = "all roles"
SMALL = "groups under five people"
MOST = 30  # roles with a table of their own, the largest

# (stage, who could advance, who did); the last is the share above the median score, as LL144 asks.
_STAGES = """
WITH person AS (
    SELECT p.candidate_id, p.role, coalesce(p."group", '') AS "group", i.candidate_id IS NOT NULL AS interviewed,
           d.decision IN ('hire', 'declined') AS offered,
           d.decision IS NOT NULL AND d.decision <> 'withdrawn' AS decided,
           s.score > median(s.score) OVER () AS above
    FROM r_person p
    LEFT JOIN (SELECT DISTINCT candidate_id FROM r_interview) i USING (candidate_id)
    LEFT JOIN r_decision d USING (candidate_id)
    LEFT JOIN r_panel s USING (candidate_id)),
stage AS (
    SELECT 'applied to interviewed' AS stage, role, "group", interviewed AS advanced FROM person
    UNION ALL SELECT 'interviewed to offer', role, "group", coalesce(offered, false)
              FROM person WHERE interviewed AND decided
    UNION ALL SELECT 'applied to offer', role, "group", coalesce(offered, false) FROM person WHERE decided
    UNION ALL SELECT 'score above the median', role, "group", above FROM person WHERE above IS NOT NULL)
SELECT stage, role, "group", count(*) FILTER (advanced) AS advanced, count(*) AS entered FROM stage
GROUP BY ALL ORDER BY ALL
"""
STAGES = ("applied to interviewed", "interviewed to offer", "applied to offer", "score above the median")
Cells = dict[tuple[str, str, str], Rate]


def adverse_impact(db: Db) -> list[dict[str, Any]]:
    """One row per stage, role (and all roles together) and group; empty when nobody gave a group."""
    cells: Cells = {
        (row["stage"], row["role"], row["group"]): Rate(int(row["advanced"]), int(row["entered"]))
        for row in db.rows(_STAGES)
    }
    cells = _merged(cells)
    groups = sorted({group for _, _, group in cells if group})
    if not groups:
        return []
    roles = sorted({role for _, role, _ in cells})
    shown = set(
        sorted(roles, key=lambda role: -sum(rate.entered for key, rate in cells.items() if key[1] == role))[:MOST]
    )
    found: list[dict[str, Any]] = []
    for stage in STAGES:
        if not any(key[0] == stage and rate.advanced < rate.entered for key, rate in cells.items()):
            continue  # everybody advanced, or nobody entered: nothing to compare
        whole = {group: _total(cells, stage, roles, group) for group in ["", *groups]}
        found += _block(stage, ALL_ROLES, whole, groups, cells, roles)
        if len(roles) > 1:
            for role in (role for role in roles if role in shown):
                here = {group: cells.get((stage, role, group), Rate(0, 0)) for group in ["", *groups]}
                found += _block(stage, role, here, groups, cells, [role])
    whole_p = [one["p"] if one["role"] == ALL_ROLES else None for one in found]
    for one, q in zip(found, bh(whole_p), strict=True):
        one["q"] = q
    return found


def _merged(cells: Cells) -> Cells:
    """Groups that never reach five people are counted together, so that nobody can be picked out."""
    largest: dict[str, int] = {}
    for (stage, _, group), rate in cells.items():
        if stage == STAGES[0]:
            largest[group] = largest.get(group, 0) + rate.entered
    found: Cells = {}
    for (stage, role, group), rate in cells.items():
        name = group if not group or largest.get(group, 0) >= LEAST_PEOPLE else SMALL
        before = found.get((stage, role, name), Rate(0, 0))
        found[stage, role, name] = Rate(before.advanced + rate.advanced, before.entered + rate.entered)
    return found


def _total(cells: Cells, stage: str, roles: list[str], group: str) -> Rate:
    rates = [cells.get((stage, role, group), Rate(0, 0)) for role in roles]
    return Rate(sum(rate.advanced for rate in rates), sum(rate.entered for rate in rates))


def _block(
    stage: str, role: str, rates: dict[str, Rate], groups: list[str], cells: Cells, roles: list[str]
) -> list[dict[str, Any]]:
    everybody = sum(rate.entered for rate in rates.values())
    rated = [
        group for group in groups
        if group != SMALL and rates[group].entered >= LEAST_PEOPLE and rates[group].entered >= LEAST_SHARE * everybody
    ]  # fmt: skip
    best = highest([rates[group] for group in rated])
    reference = rated[best] if best is not None else None
    found = [_row(stage, role, group, rates[group], group in rated) for group in groups if rates[group].entered]
    for one in found:
        group = one["group"]
        if reference is None or group == reference or group not in rated:
            one["reference"] = group == reference
            continue
        strata = [
            (cells.get((stage, r, group), Rate(0, 0)), cells.get((stage, r, reference), Rate(0, 0))) for r in roles
        ]
        # The slow exact test for the whole; with a table for each role the quicker one from 60 people on.
        found_here = compare(rates[group], rates[reference], BOSCHLOO_UP_TO if role == ALL_ROLES else 60)
        one |= _comparison(found_here, rates[group], rates[reference], cmh(strata))
        one["compared_with"] = reference
    if rates[""].entered:
        found.append(_row(stage, role, "not given", rates[""], False) | {"reason_not_rated": "no group given"})
    return found


def _row(stage: str, role: str, group: str, rate: Rate, rated: bool) -> dict[str, Any]:
    small = rate.entered < LEAST_PEOPLE or group == SMALL
    return {
        "stage": stage, "role": role, "group": group, "entered": rate.entered,
        "advanced": None if small else rate.advanced,
        "rate": None if small or not rate.entered else rate.advanced / rate.entered,
        "rate_ci": None if small else pair(wilson(rate.advanced, rate.entered)),
        "reference": False, "compared_with": None, "ratio": None, "ratio_ci": None, "p": None, "q": None, "test": None,
        "cmh_p": None, "odds_ratio": None, "below_four_fifths": None, "shortfall": 0, "ratio_with_one_more": None,
        "reason_not_rated": None if rated else ("fewer than five people" if small else "under two per cent"),
    }  # fmt: skip


def _comparison(found: Comparison, group: Rate, reference: Rate, strata: Cmh | None) -> dict[str, Any]:
    return {
        "ratio": found.ratio, "ratio_ci": pair(found.interval), "p": found.p, "test": found.test,
        "cmh_p": strata.p if strata else None, "odds_ratio": strata.odds_ratio if strata else None,
        "below_four_fifths": found.below_four_fifths, "shortfall": found.shortfall,
        "ratio_with_one_more": selections_to_even(group, reference),
    }  # fmt: skip
