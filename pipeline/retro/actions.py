"""Section 10: what to change before the next cycle, why, what will be measured, and how much is needed."""

from __future__ import annotations

from typing import Any

from pipeline.retro.pages import count, number, share, span_share, title

Found = dict[str, Any]
DOUBLE_READ = 30


def actions(found: Found) -> list[dict[str, str]]:
    """Proposals that follow from this report's own figures; people decide."""
    return [*_measuring(found), *_interviewers(found), *_questions(found), *_coverage(found), *_groups(found)]


def _one(change: str, reason: str, measure: str, needed: str) -> dict[str, str]:
    return {"change": change, "reason": reason, "measure": measure, "needed": needed}


def _measuring(found: Found) -> list[dict[str, str]]:
    counts, status = found["counts"], found["counts"]["by_status"]
    rows = []
    if counts["hires"] and status.get("missing"):
        rows.append(
            _one(
                "Collect the missing outcomes",
                f"{count(status['missing'], 'hire')} due without one",
                "hires with an outcome",
                "all that are due",
            )
        )
    if status.get("contaminated") or counts["rater_unknown"]:
        rows.append(
            _one(
                "Have outcomes rated by someone who saw neither interview nor scores, and record who",
                f"{status.get('contaminated', 0)} contaminated, {counts['rater_unknown']} unknown",
                "share of outcomes with a known, independent rater",
                "all",
            )
        )
    if status.get("left_unknown"):
        rows.append(
            _one(
                "Ask why people left, and record it",
                f"{status['left_unknown']} left for an unknown reason",
                "reasons recorded",
                "all",
            )
        )
    expected = found["selection"]["expected"]
    if expected and found["n"] < expected["hires_needed"]:
        rows.append(
            _one(
                "Keep scoring and rating the same way, and pool years",
                f"{found['n']} hires cannot show a correlation of {number(expected['r'])}",
                "hires with scores and an outcome",
                str(expected["hires_needed"]),
            )
        )
    read = sum(one["double_read"] for one in found["agreement"] if one["pillar"] != "all")
    if counts["calls"] and read < DOUBLE_READ:
        rows.append(
            _one(
                "Have two people read some interviews independently",
                f"{read} doubly read calls so far",
                "alpha per pillar",
                f"{DOUBLE_READ} doubly read calls, better 100",
            )
        )
    return rows


def _interviewers(found: Found) -> list[dict[str, str]]:
    return [
        _one(
            f"Calibrate with {one['interviewer_id']}: shared examples of OK and Strong",
            f"rejected {one['rejected']} of {one['n']} ({share(one['rate'])}), others {share(one['others_rate'])}",
            "difference from the others' rate, severity",
            "10 or more votes, better 30",
        )
        for one in found["interviewers"]
        if one["flag"]
    ]


def _questions(found: Found) -> list[dict[str, str]]:
    return [
        _one(
            f"{one['advice'].capitalize()} question {one['question_id']}",
            one["reason"],
            "share of each level, agreement of readers",
            "20 or more calls on it",
        )
        for one in found["questions"]
        if one["advice"] in ("retire", "sharpen")
    ][:20]


def _coverage(found: Found) -> list[dict[str, str]]:
    return [
        _one(
            f"Give {title(one['pillar'])} an owner and a question in the loop",
            f"never asked in {one['not_asked']} of {one['interviews']} recorded interviews",
            "interviews in which it was asked",
            "the next 10 interviews",
        )
        for one in found["evidence"]["coverage"]
        if one["not_asked"] * 2 > one["interviews"]
    ]


def _groups(found: Found) -> list[dict[str, str]]:
    clear = [one for one in found["adverse_impact"] if one["role"] == "all roles" and one["below_four_fifths"]]
    rows = [
        _one(
            f"Look at the stage {one['stage']} for {one['group']} with a specialist",
            f"ratio {number(one['ratio'])}, rate {span_share(one['rate_ci'])}, q = {number(one['q'], 3)}",
            "ratio with its interval, within roles",
            "pool several cycles",
        )
        for one in clear
        if one["q"] is not None and one["q"] < 0.05
    ]
    withdrew = [one for one in found["formats"] if one["withdrawn"] and one["candidates"] >= 20]
    others = {one["format"]: one["withdrawn"] / one["candidates"] for one in withdrew}
    for one in withdrew:
        low = one["withdrawn_ci"][0]
        rest = [rate for name, rate in others.items() if name != one["format"]]
        if rest and low > max(rest):
            rows.append(
                _one(
                    f"Shorten {one['format']} or offer another format instead",
                    f"{one['withdrawn']} of {one['candidates']} withdrew after it ({span_share(one['withdrawn_ci'])})",
                    "withdrawals after each format",
                    "50 or more candidates",
                )
            )
    return rows
