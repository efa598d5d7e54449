"""What the database shows about a loop: pillars never asked, questions that never separate, rates, look-backs due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.audit.check import finding, pillars_of
from pipeline.audit.loop import Loop
from pipeline.audit.rules import Finding

LEAST_INTERVIEWS = 3
Facts = Mapping[str, Any]
Raw = tuple[str, str, str]


def shown(facts: Facts, loop: Loop, lines: dict[str, int]) -> list[Finding]:
    """Findings from what was recorded and imported (`pipeline.retro.facts`). An empty database shows nothing."""
    raw = [
        *_never_asked(facts, loop), *_never_separates(facts, loop), *_outlying(facts, loop), *_overdue(facts),
        *_silent_owners(facts, loop),
    ]  # fmt: skip
    return [finding(code, where, text, lines.get(where), database=True) for code, where, text in raw]


def _never_asked(facts: Facts, loop: Loop) -> Iterator[Raw]:
    place = {pillar: f"rounds.{one.id}" for one in loop.rounds for pillar in one.pillars}
    for row in facts["coverage"]:
        pillar, held = row["pillar"], row["interviews"]
        if pillar in pillars_of(loop) and held >= LEAST_INTERVIEWS and row["never"] * 2 > held:
            text = f"{pillar} was never asked in {row['never']} of {held} recorded interviews"
            yield "AL701", place.get(pillar, "rounds"), text


def _never_separates(facts: Facts, loop: Loop) -> Iterator[Raw]:
    known = {one.id for one in loop.questions}
    for one in facts["questions"]:
        if one["never_separates"] and one["question_id"] in known:
            text = (
                f"{max(one['levels'])} of {one['called']} calls are the same level "
                f"(others at most {one['non_modal_upper']:.0%})"
            )
            yield "AL702", f"questions.{one['question_id']}", text


def _outlying(facts: Facts, loop: Loop) -> Iterator[Raw]:
    known = {one.id for one in loop.interviewers}
    for one in facts["interviewers"]:
        if one["flag"] and one["interviewer_id"] in known:
            low, high = one["wilson"]
            text = (
                f"rejected {one['rejected']} of {one['n']} ({low:.0%} to {high:.0%}), others {one['others_rate']:.0%}; "
                f"{one['flag']} after allowing for whom they saw"
            )
            yield "AL703", f"interviewers.{one['interviewer_id']}", text


def _overdue(facts: Facts) -> Iterator[Raw]:
    """Somebody has been on the job for a year, and nobody has looked back in the last one."""
    if facts["old_hires"] and not facts["looked_back"]:
        yield "AL704", "practice", f"{facts['old_hires']} hired over a year ago, no retrospective in twelve months"


def _silent_owners(facts: Facts, loop: Loop) -> Iterator[Raw]:
    for one in loop.rounds:
        held = facts["held"].get(one.owner, 0)
        for pillar in one.pillars:
            if one.owner and held >= LEAST_INTERVIEWS and (one.owner, pillar) not in facts["called"]:
                text = f"{one.owner} owns {pillar}, held {held} interviews and never made a call on it"
                yield "AL705", f"interviewers.{one.owner}", text
