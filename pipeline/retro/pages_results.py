"""Sections 0 to 4: what this can tell, outcomes, strong interviewers, pillars, formats."""

from __future__ import annotations

from typing import Any

from pipeline.retro.gates import GATES
from pipeline.retro.pages import NONE, Section, chance, count, number, share, span, span_share, table, title
from pipeline.retro.wording import expected_line, family_line, headline

Found = dict[str, Any]


def sections(found: Found) -> list[Section]:
    """In the order of the report."""
    return [_telling(found), _outcomes(found), _strong(found), _pillars(found), _formats(found)]


def _telling(found: Found) -> Section:
    counts, gate, n = found["counts"], found["gates"], found["n"]
    status = counts["by_status"]
    low, high = found["horizon"]
    said = [
        f"{count(counts['hires'], 'hire').capitalize()}; {n} of them with calls and an outcome at {low} to {high} "
        f"months that may be used. The largest role has {gate['n']}: what may be shown and said is the row "
        f"{gate['name']} of the table below.",
        expected_line(found["selection"], n),
    ]
    smallest = found["selection"]["smallest_visible_r"]
    if smallest is not None:
        said.append(f"The smallest correlation that {n} hires would have shown four times in five: {number(smallest)}.")
    said += _who_rated(counts, status)
    rows = [
        [row.name, row.overall, row.pillars, row.formats, row.questions, row.correction]
        + ["this report" if row.name == gate["name"] else ""]
        for row in GATES
    ]
    columns = ["hires with an outcome", "overall", "pillars", "formats", "questions", "correction", ""]
    return Section(
        "0",
        "What this can tell you",
        tuple(said),
        (table("What is shown at which number of hires", columns, rows, folded=True, words=tuple(range(7))),),
        ("width",),
        note="Decided before looking at any result. Cuts of the data that are not in this report are exploratory.",
    )


def _who_rated(counts: Found, status: dict[str, int]) -> list[str]:
    said = []
    if status.get("contaminated"):
        said.append(
            f"{count(status['contaminated'], 'outcome').capitalize()} rated by someone who sat in the interviews or "
            "saw the scores: contaminated, listed, and kept out of every figure. No statistic removes that."
        )
    if counts["rater_unknown"]:
        said.append(
            f"Who rated is not recorded for {count(counts['rater_unknown'], 'outcome')}: they may be contaminated."
        )
    open_ = [
        (status.get("not_yet", 0), "not yet six months in"),
        (status.get("missing", 0), "without an outcome though due"),
        (status.get("left_voluntary", 0), "left by choice before a rating (read as missing)"),
        (status.get("left_unknown", 0), "left for an unknown reason (computed both ways)"),
        (counts["hires_without_calls"], "without a call from before the debrief"),
    ]
    parts = [f"{number_} {what}" for number_, what in open_ if number_]
    if parts:
        said.append("Not in the figures: " + "; ".join(parts) + ".")
    if counts["outcome_without_hire"]:
        people = count(counts["outcome_without_hire"], "person", "people")
        said.append(f"{people.capitalize()} with an outcome but no decision to hire: left out; check the ids.")
    return said


def _outcomes(found: Found) -> Section:
    roles = found["outcomes"]["roles"]
    if not roles:
        return Section("1", "Outcomes", ("No hires are recorded: import decisions and outcomes.",))
    names = [
        "struggling",
        "meeting",
        "exceeding",
        "left_performance",
        "left_voluntary",
        "left_unknown",
        "not_yet",
        "missing",
        "contaminated",
    ]
    rows = [[row["role"], row["hires"], *(row[name] for name in names)] for row in roles]
    if len(rows) > 1:
        rows.append(["all roles", *(sum(int(row[at]) for row in rows) for at in range(1, len(names) + 2))])
    columns = ["role", "hires", *(name.replace("_", " ") for name in names)]
    total = rows[-1]
    said = (
        f"Of {count(total[1], 'hire')}: {total[4]} exceeding, {total[3]} meeting, {total[2]} struggling, "
        f"{total[5] + total[6] + total[7]} left, {total[8]} not yet due, {total[9]} missing.",
    )
    return Section(
        "1", "Outcomes", said, (table("Latest rating in the horizon, by role", columns, rows),), ("outcomes",)
    )


def _strong(found: Found) -> Section:
    whole, selection = found["overall"], found["selection"]
    said = headline(whole)
    levels = whole["levels"]
    tables = [
        table(
            f"Panel level by outcome, n = {whole['n']}",
            ["panel", "struggling", "meeting", "exceeding", "share exceeding", "95 % interval"],
            [
                [
                    row["level"],
                    *row["counts"],
                    share(row["counts"][2] / sum(row["counts"]) if sum(row["counts"]) else None),
                    span_share(row["exceeding_ci"]),
                ]
                for row in levels
            ],
        )
    ]
    if whole["c"] is not None:
        other = whole["left_unknown_as_struggling"]
        rows = [_detail("all roles", whole), _detail("left for unknown reason read as struggling", other)]
        if len(whole["roles"]) > 1:
            rows += [_detail(one["role"], one) for one in whole["roles"]]
        columns = ["hires", "n", "pairs", "c", "95 % interval", "Spearman", "95 % interval"]
        tables.append(table("Detail", columns, rows))
        if whole["tau_b"] is not None:
            said.append(
                f"Kendall's tau-b, for comparison with other sources: {number(whole['tau_b'])} (n = {whole['n']})."
            )
    tables += _corrections(selection)
    return Section(
        "2",
        "Did strong interviewers become strong employees?",
        tuple(said),
        tuple(tables),
        ("dots",),
        note="Only people who were hired are here. Nothing follows for those who were rejected.",
    )


def _detail(name: str, one: Found) -> list[str]:
    return [
        name,
        str(one.get("n", NONE)),
        str(one["pairs"]),
        number(one["c"]),
        span(one["ci"]),
        number(one.get("spearman")),
        span(one.get("spearman_ci")),
    ]


def _corrections(selection: Found) -> list[Any]:
    if not selection["corrected"]:
        return []
    rows = [["observed among hires", NONE, number(selection["pearson"]), span(selection["pearson_ci"])]]
    rows += [
        [
            "what if: all applicants, better measured rating",
            number(one["reliability"]),
            number(one["r"]),
            span(one["ci"]),
        ]
        for one in selection["corrected"]
    ]
    if selection["nudged"]:
        rows.append(
            ["literature, nudged by your data", NONE, number(selection["nudged"]["r"]), span(selection["nudged"]["ci"])]
        )
    caption = "What-ifs, never findings: Thorndike's case II, then the rating's reliability"
    return [table(caption, ["correlation", "reliability", "r", "95 % interval"], rows, folded=True)]


def _pillars(found: Found) -> Section:
    rows, gate = found["pillars"], found["gates"]
    if not rows:
        return Section("3", "Pillars", ("No calls are recorded: import calls, or make them on the review page.",))
    body = []
    for one in rows:
        levels = one.get("levels", [0, 0, 0])
        total = sum(levels) or 1
        body.append(
            [title(one["pillar"]), one["n"], one["pairs"], number(one["c"]), span(one["ci"]), chance(one.get("q"))]
            + [share(level / total) for level in levels]
        )
    columns = ["pillar", "n", "pairs", "c", "95 % interval", "q", "weak", "ok", "strong"]
    if any("rank" in one for one in rows):
        columns.append("rank, 95 %")
        body = [[*line, " to ".join(str(rank) for rank in one["rank"])] for line, one in zip(body, rows, strict=True)]
    tables = [
        table("Each pillar's call against the outcome, in fixed order", columns, body, folded=gate["name"] == "8-19")
    ]
    if found["lawley"]:
        tables.append(
            table(
                f"Correlation among hires, and by Lawley among applicants: a what-if, n = {found['lawley'][0]['n']}",
                ["pillar", "observed", "applicants"],
                [[title(one["pillar"]), number(one["observed"]), number(one["applicants"])] for one in found["lawley"]],
                folded=True,
            )
        )
    return Section(
        "3",
        "Pillars",
        (family_line(rows, "pillar"),),
        tuple(tables),
        ("pillars",),
        note="A pillar near one half among hires is not useless: everyone hired passed it, and who was weak on it was "
        "strong elsewhere. The order is the order of the names.",
    )


def _formats(found: Found) -> Section:
    rows = found["formats"]
    if not rows:
        return Section("4", "Formats", ("No interviews are recorded.",))
    body = [
        [
            title(one["format"]),
            one["n"],
            number(one["c"]),
            span(one["ci"]),
            f"{one['yes']} of {one['votes']}",
            span_share(one["pass_ci"]),
            f"{one['withdrawn']} of {one['candidates']}",
            span_share(one["withdrawn_ci"]),
            number(one["minutes"], 0),
        ]
        for one in rows
    ]
    columns = [
        "format",
        "hires",
        "c",
        "95 % interval",
        "yes votes",
        "95 % interval",
        "withdrew after",
        "95 % interval",
        "minutes",
    ]
    tables = [table("Formats", columns, body)]
    if any(one["difference_ci"] for one in rows):
        tables.append(
            table(
                "Does a format tell more than the other rounds of the same people? (difference of c)",
                ["format", "difference", "95 % interval", "c adjusted for pillar and reviewer", "95 % interval"],
                [
                    [
                        title(one["format"]),
                        number(one["difference"]),
                        span(one["difference_ci"]),
                        number(one["adjusted_c"]),
                        span(one["adjusted_ci"]),
                    ]
                    for one in rows
                ],
                folded=True,
            )
        )
    most = max(rows, key=lambda one: one["withdrawn"] / one["candidates"] if one["candidates"] else 0)
    said = [family_line(rows, "format")]
    if most["withdrawn"]:
        said.append(
            f"Most withdrawals came after {most['format']}: {most['withdrawn']} of {most['candidates']} candidates "
            f"({span_share(most['withdrawn_ci'])}). Withdrawal is a question of rates and needs no outcomes."
        )
    return Section("4", "Formats", tuple(said), tuple(tables), ("formats", "passing"))
