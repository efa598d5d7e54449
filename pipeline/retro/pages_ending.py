"""Sections 8 to 10, the evidence side and the method: near misses, adverse impact, actions."""

from __future__ import annotations

from typing import Any

from pipeline.retro.actions import actions
from pipeline.retro.pages import (
    NONE,
    Quote,
    Section,
    Table,
    chance,
    count,
    minutes,
    number,
    share,
    span,
    table,
    title,
)

Found = dict[str, Any]
LISTED = 40
UNKNOWN = "What the people you rejected would have done is unknown and not estimated."


def sections(found: Found) -> list[Section]:
    """In the order of the report."""
    return [_misses(found), _impact(found), _seen(found), _actions(found), _method(found)]


def _misses(found: Found) -> Section:
    near, rates = found["near_misses"], found["near_miss_rates"]["rates"]
    if not near:
        return Section(
            "8", "Near misses", ("No hire had a no vote or a score close to the bar, as far as is recorded.",)
        )
    with_no, without = rates["with_no_vote"], rates["without"]
    said = []
    if with_no["n"] and without["n"]:
        points = [100 * value for value in (rates["difference"], *rates["difference_ci"])]
        low, high = rates["difference_ci"]
        ending = (
            "So a no vote did not visibly separate them."
            if low <= 0 <= high
            else "A no vote went with a different outcome among those hired anyway; why they were hired anyway matters."
        )
        said.append(
            f"{with_no['exceeding']} of {count(with_no['n'], 'hire')} with a no vote exceed; {without['exceeding']} of "
            f"{without['n']} without one do (difference {number(points[0], 0)} points, {number(points[1], 0)} to "
            f"{number(points[2], 0)}). {ending} {UNKNOWN}"
        )
    else:
        said.append(UNKNOWN)
    struggled = found["near_miss_rates"]["struggled"]
    total = found["near_miss_rates"]["total"]
    tables = [_cases(f"Near misses ({min(len(near), LISTED)} of {total})", near)]
    if struggled:
        tables.append(_cases("Strong interview, struggled", struggled))
    quotes = [
        Quote(
            piece["quote"],
            f"{one['candidate_id']} ({one['outcome']}), {title(piece['pillar'])}, {piece['polarity']}, "
            f"{piece['interview_id']} {minutes(piece['start_s'])}",
        )
        for one in (near + struggled)[:LISTED]
        for piece in one["evidence"]
    ]
    return Section(
        "8",
        "Near misses",
        tuple(said),
        tuple(tables),
        ("misses",),
        tuple(quotes[:LISTED]),
        note="Survivors only: one near miss who excelled does not show the bar too high, and one strong interview that "
        "struggled does not show a question bad.",
    )


def _cases(caption: str, rows: list[Found]) -> Table:
    body = [
        [
            one["candidate_id"],
            one["role"],
            ", ".join(one["why"]),
            one["outcome"],
            NONE if one["months"] is None else one["months"],
        ]
        for one in rows[:LISTED]
    ]
    return table(caption, ["hire", "role", "why listed", "outcome", "months"], body, words=(0, 1, 2, 3))


def _impact(found: Found) -> Section:
    rows = found["adverse_impact"]
    if not rows:
        return Section(
            "9",
            "Adverse impact",
            ("No groups are recorded, or nobody advanced or was stopped at any stage: nothing can be compared.",),
        )
    whole = [one for one in rows if one["role"] == "all roles"]
    compared = [one for one in whole if one["ratio"] is not None]
    said = [
        "Ratios move by whole people: at 20 and 10 applicants they fall under .80 for one side or the other in 72 of "
        "100 years without any difference. At or above .80 clears nothing, and under .80 proves nothing, at such "
        "sizes."
    ]
    for one in compared:
        if not one["below_four_fifths"]:
            continue
        more = one["ratio_with_one_more"]
        said.append(
            f"{title(one['stage'])}, {one['group']} against {one['compared_with']}: ratio {number(one['ratio'])} "
            f"({one['advanced']} of {one['entered']}; interval {span(one['ratio_ci'])}; "
            f"{count(one['shortfall'], 'more selection')} would bring it to .80"
            + (f"; one more would make it {number(more)}" if more is not None else "")
            + ")."
        )
    body = [
        [
            one["stage"],
            one["role"],
            one["group"],
            "under 5" if one["advanced"] is None else f"{one['advanced']} of {one['entered']}",
            share(one["rate"]),
            number(one["ratio"]) if one["ratio"] is not None else ("highest" if one["reference"] else NONE),
            span(one["ratio_ci"]),
            chance(one["p"]),
            chance(one["q"]),
            chance(one["cmh_p"]),
            one["shortfall"] or NONE,
        ]
        for one in rows
    ]
    columns = [
        "stage",
        "role",
        "group",
        "advanced",
        "rate",
        "ratio",
        "95 % interval",
        "p",
        "q",
        "p within roles",
        "shortfall",
    ]
    return Section(
        "9",
        "Adverse impact",
        tuple(said),
        (table("Selection by stage and group", columns, body, words=(0, 1, 2)),),
        ("ratios",),
        note="Rates pooled over roles can reverse; the column p within roles keeps roles apart. "
        "This is no independent audit.",
    )


def _seen(found: Found) -> Section:
    seen = found["evidence"]
    said, tables = [], []
    if seen["signals"]:
        total = sum(one["n"] for one in seen["signals"])
        said.append(f"{count(total, 'piece')} of evidence on record.")
        body = [
            [
                title(one["pillar"]),
                title(one["signal"].replace("-", " ")),
                one["polarity"],
                one["n"],
                one["prompted"],
                one["interviews"],
            ]
            for one in seen["signals"]
        ]
        columns = ["pillar", "signal", "side", "seen", "of these prompted", "interviews"]
        tables.append(table("Signals", columns, body, words=(0, 1, 2), folded=len(body) > 12))
        for name, rows in seen["by"].items():
            if rows:
                lines = [
                    [
                        title(one["name"]) if name == "pillar" else one["name"],
                        one["strong"],
                        one["weak"],
                        one["prompted"],
                        one["interviews"],
                    ]
                    for one in rows[:LISTED]
                ]
                tables.append(
                    table(f"By {name}", [name, "strong", "weak", "prompted", "interviews"], lines, folded=True)
                )
    else:
        said.append("No recordings have been read: this section stays empty until `verbatim run` has found evidence.")
    if seen["coverage"]:
        lines = [
            [
                title(one["pillar"]),
                one["interviews"],
                one["evidence"],
                one["asked_none_seen"],
                one["not_asked"],
                one["not_assessable"],
            ]
            for one in seen["coverage"]
        ]
        columns = ["pillar", "interviews", "evidence", "asked, none seen", "never asked", "not assessable"]
        tables.append(table("Coverage: what was never asked", columns, lines))
        said += [
            f"{title(one['pillar'])} was never asked in {one['not_asked']} of {one['interviews']} interviews."
            for one in seen["coverage"]
            if one["not_asked"] * 2 > one["interviews"]
        ]
    late = seen["last_ten_minutes"]
    if late["n"]:
        said.append(
            f"{share(late['share'])} of {count(late['n'], 'piece')} come from the last ten minutes; "
            f"evenly spread it would be {share(late['share_if_even'])}."
        )
    if seen["lint"]:
        lines = [
            [
                one["interviewer_id"],
                one["month"],
                one["notes"],
                one["findings"],
                number(one["findings"] / one["notes"], 1),
            ]
            for one in seen["lint"][:LISTED]
        ]
        columns = ["interviewer", "month", "notes", "findings", "findings per note"]
        tables.append(table("Gut feel in written feedback", columns, lines, words=(0, 1), folded=True))
    if seen["moved"]:
        steps = {1: "own notes", 2: "after the evidence", 3: "after the debrief"}
        lines = [
            [
                f"{steps.get(one['from_step'], one['from_step'])} to {steps.get(one['to_step'], one['to_step'])}",
                one["n"],
                one["up"],
                one["down"],
                one["n"] - one["up"] - one["down"],
            ]
            for one in seen["moved"]
        ]
        tables.append(table("How calls moved", ["from, to", "calls", "up", "down", "same"], lines))
    return Section("E", "What the recordings show", tuple(said), tuple(tables))


def _actions(found: Found) -> Section:
    rows = actions(found)
    if not rows:
        return Section("10", "Actions", ("Nothing in this report calls for a change.",))
    body = [[one["change"], one["reason"], one["measure"], one["needed"]] for one in rows]
    columns = ["change", "reason", "what will be measured", "n needed"]
    return Section(
        "10",
        "Actions",
        ("Proposals, for people to accept or strike. What is accepted now is the plan of the next report.",),
        (table("Before the next cycle", columns, body, words=(0, 1, 2, 3)),),
    )


def _method(found: Found) -> Section:
    counts = found["counts"]
    low, high = found["horizon"]
    said = (
        f"Everything comes from the database: {count(counts['candidates'], 'candidate')}, "
        f"{count(counts['interviews'], 'interview')}, {count(counts['calls'], 'call')}, "
        f"{count(counts['votes'], 'vote')}, {count(counts['hires'], 'hire')}. "
        f"Made as of {counts['as_of'] or 'an unknown date'}; report version {found['version']}. "
        "Nothing is drawn at random.",
        f"Calls: first version before the debrief, by the interview's own interviewers where they called. Left out: "
        f"{count(counts['calls_after_debrief'], 'call')} made after the debrief, "
        f"{count(counts['calls_replaced'], 'call')} replaced later, "
        f"{count(counts['not_assessable'], 'call')} not assessable.",
        f"Outcome: latest rating at {low} to {high} months; left for performance is the lowest rating; pairs only "
        "within a role.",
        "c: share of comparable pairs in which the higher score did better; Wilson's interval at the number of "
        "independent pairs that each hire's own influence allows, t(n - 1). Spearman: Bonett & Wright 2000. "
        "Shares: Wilson; differences: Newcombe; ratios: Koopman.",
        "Interviewers: flagged only with 10 votes, q under .05 against a beta-binomial of all others, 15 points from "
        "the others, and a severity interval that excludes 0. Severity: crossed random effects of candidate and "
        "interviewer on each reading of an interview, by restricted maximum likelihood.",
        "Agreement: ordinal Krippendorff alpha, interval from each unit's own influence and from what units of the "
        "same reader or candidate have in common. Families for "
        "q-values: pillars, formats, interviewers, groups by stage. The page docs/retro.md has the sources and what "
        "must not be concluded.",
    )
    return Section("A", "Method", said)
