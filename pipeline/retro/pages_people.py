"""Sections 5 to 7: questions, interviewers, agreement."""

from __future__ import annotations

from typing import Any

from pipeline.retro.interviewers import LEAST_VOTES
from pipeline.retro.pages import (
    NONE,
    Quote,
    Section,
    chance,
    count,
    equals,
    minutes,
    number,
    share,
    span,
    span_share,
    table,
    title,
)

Found = dict[str, Any]
LISTED = 60  # rows of a table on paper; every row is in the JSON


def sections(found: Found) -> list[Section]:
    """In the order of the report."""
    return [_questions(found), _interviewers(found), _agreement(found)]


def _questions(found: Found) -> Section:
    rows, unused = found["questions"], found["questions_never_asked"]
    if not rows:
        return Section("5", "Questions", ("No questions are recorded: import questions and the question bank.",))
    order = {"retire": 0, "sharpen": 1, "keep": 2, "wait": 3}
    listed = sorted(rows, key=lambda one: (order[one["advice"]], one["question_id"]))[:LISTED]
    with_outcome = any(one["outcome_r"] is not None for one in rows)
    body = [
        [
            one["question_id"],
            one["advice"],
            one["reason"],
            one["asked"],
            NONE if one["share"] is None else " / ".join(f"{100 * level:.0f}" for level in one["share"]),
            number(one["item_rest"]),
            span(one["ci"]),
            share(one["readers_agree"]),
            number(one["minutes"], 0),
            number(one["follow_ups"], 1),
            *([number(one["outcome_r"]), span(one["outcome_ci"]), chance(one["outcome_q"])] if with_outcome else []),
        ]
        for one in listed
    ]
    columns = [
        "question",
        "advice",
        "reason",
        "asked",
        "weak / ok / strong, %",
        "goes\u00a0with the\u00a0rest of\u00a0the\u00a0loop (not\u00a0with the\u00a0job):\u00a0r",
        "95 % interval",
        "readers agree",
        "minutes",
        "follow-ups",
        *(["with the outcome: r", "95 % interval", "q"] if with_outcome else []),
    ]
    tally = {name: sum(one["advice"] == name for one in rows) for name in order}
    said = [
        f"{count(len(rows), 'question').capitalize()} asked: retire {tally['retire']}, sharpen {tally['sharpen']}, "
        f"keep {tally['keep']}, {tally['wait']} asked too rarely to say.",
    ]
    if unused:
        said.append(
            f"{count(len(unused), 'question').capitalize()} of the bank never asked: {', '.join(unused[:12])}"
            f"{' and others' if len(unused) > 12 else ''}."
        )
    if not with_outcome:
        said.append("No correlation with outcomes is shown: that takes 100 hires, and 30 outcomes per question.")
    caption = "Questions" if len(listed) == len(rows) else f"The first {len(listed)} of {len(rows)} questions"
    return Section(
        "5",
        "Questions",
        tuple(said),
        (table(caption, columns, body, words=(0, 1, 2)),),
        ("questions",),
        note="Going with the rest of the loop is not going with the job: a good question unlike the others scores low, "
        "and a bias that all rounds share scores high.",
    )


def _interviewers(found: Found) -> Section:
    rows, panel = found["interviewers"], found["panel"]
    if not rows:
        return Section("6", "Interviewers: harshness", ("No votes and no calls are recorded: import votes and calls.",))
    flagged = [one for one in rows if one["flag"]]
    said = [_panel_line(panel, rows)]
    said += [_flag_line(one, len([row for row in rows if row["n"] >= LEAST_VOTES])) for one in flagged]
    thin = [one for one in rows if 0 < one["n"] < LEAST_VOTES]
    if not flagged:
        said.append("Nobody stands out beyond chance and beyond whom they happened to see.")
    if thin:
        one = max(thin, key=lambda row: (row["n"], row["rejected"]))
        said.append(
            f"{count(len(thin), 'interviewer').capitalize()} with under {LEAST_VOTES} votes: too few to say (for "
            f"example {one['rejected']} of {one['n']} rejected: {share(one['rate'])}, {span_share(one['wilson'])})."
        )
    lost = [one for one in rows if not one["comparable"]]
    if lost:
        said.append(
            f"{count(len(lost), 'interviewer').capitalize()} not comparable: they share no candidate with the rest."
        )
    listed = sorted(rows, key=lambda one: (one["flag"] is None, -(one["n"]), one["interviewer_id"]))[:LISTED]
    body = [
        [
            one["interviewer_id"],
            f"{one['rejected']} of {one['n']}" if one["n"] else NONE,
            span_share(one["wilson"]),
            share(one["shrunk"]),
            number(one["severity"]),
            span(one["severity_ci"]),
            chance(one["q"]),
            _state(one),
        ]
        for one in sorted(listed, key=lambda one: one["interviewer_id"])
    ]
    columns = [
        "interviewer",
        "rejected",
        "95 % interval",
        "drawn to the panel",
        "severity, levels",
        "95 % interval",
        "q",
        "flag",
    ]
    caption = (
        "Interviewers" if len(listed) == len(rows) else f"{len(listed)} of {len(rows)} interviewers; all in the JSON"
    )
    return Section(
        "6",
        "Interviewers: harshness",
        tuple(said),
        (table(caption, columns, body, words=(0, 7)),),
        ("funnel", "severity"),
        note="Severity may be compared, whose judgement is better may not. A harsh interviewer is not wrong by that. "
        "This section names people: it is for whoever owns calibration.",
    )


def _panel_line(panel: Found, rows: list[Found]) -> str:
    if not panel["n"]:
        return "No votes are recorded; severity is read from calls alone."
    return (
        f"{panel['rejected']} of {panel['n']} votes were no ({share(panel['rate'])}), by "
        f"{count(len([one for one in rows if one['n']]), 'interviewer')}."
    )


def _flag_line(one: Found, judged: int) -> str:
    harsher = "harsher" if one["flag"] == "harsh" else "more lenient"
    size = number(abs(one["severity_sd"]), 1) if one["severity_sd"] is not None else NONE
    return (
        f"{one['interviewer_id']}: rejected {one['rejected']} of {one['n']} ({share(one['rate'])}, interval "
        f"{span_share(one['wilson'])}); others together {share(one['others_rate'])}. After allowing for which "
        f"candidates they saw, still {size} standard deviations of a call {harsher}. Unlikely to be chance among "
        f"{judged} interviewers (q {equals(one['q'])}). "
        "Reason unknown: start with shared examples of OK and Strong."
    )


def _state(one: Found) -> str:
    if one["flag"]:
        return str(one["flag"])
    if 0 < one["n"] < LEAST_VOTES:
        return "too few to say"
    return "" if one["comparable"] else "not comparable"


def _agreement(found: Found) -> Section:
    rows = found["agreement"]
    read = [one for one in rows if one["double_read"]]
    across = [one for one in rows if one["across_interviews"]]
    if not read and not across:
        return Section(
            "7", "Agreement", ("No interview has calls by two people on the same pillar: agreement is unknown.",)
        )
    said = []
    for one in read:
        if one["pillar"] != "all" or len(read) == 1:
            continue
        band = f" {one['band']}." if one["band"] else ""
        said.append(
            f"Readers of the same interview: alpha {number(one['alpha'])} ({span(one['ci'])}), "
            f"{count(one['double_read'], 'doubly read call')}.{band}"
        )
    said.append(
        "Two people on one interview and two interviews of one person are different questions; the second is "
        "expected to be far lower (published: .74 and .44)."
    )
    body = [
        [
            title(one["pillar"]),
            one["double_read"],
            number(one["alpha"]),
            span(one["ci"]),
            share(one["raw"]),
            number(one["ac2"]) if one["one_level_dominates"] else NONE,
            number((one["across_interviews"] or {}).get("alpha")),
            span((one["across_interviews"] or {}).get("ci")),
        ]
        for one in rows
    ]
    columns = [
        "pillar",
        "doubly read",
        "alpha",
        "95 % interval",
        "same level",
        "AC2 where one level dominates",
        "alpha across interviews",
        "95 % interval",
    ]
    quotes = []
    for one in found["clashes"]:
        for side in ("weak", "strong"):
            if one[side]:
                where = f"{one['interview_id']}, {title(one['pillar'])}, {minutes(one[side + '_s'])}: {side}"
                quotes.append(Quote(one[side], where))
    if found["clashes"]:
        named = ", ".join(f"{one['interview_id']} ({title(one['pillar'])})" for one in found["clashes"])
        said.append(f"Weak met Strong on the same interview in: {named}. Good material to calibrate on.")
    return Section(
        "7",
        "Agreement",
        tuple(said),
        (table("Agreement by pillar", columns, body),),
        ("readers",),
        tuple(quotes),
        note="Agreement is not accuracy: two readers can share one bias.",
    )
