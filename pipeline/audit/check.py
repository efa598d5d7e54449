"""The checks: a loop in, findings out. Pure; what the database shows comes from `shown`."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.audit.loop import Loop, Round
from pipeline.audit.rules import Finding, rules

TOGETHER = ("pair", "live", "debug", "system-design", "review")
LIVE = ("pair", "live", "debug")
Raw = tuple[str, str, str]  # code, where, text


def audit(loop: Loop, lines: dict[str, int]) -> list[Finding]:
    """Findings in the order of the checklist, each with its line in the file when it is about one entry."""
    raw = [*_clarity(loop), *_realism(loop), *_structure(loop), *_calibration(loop), *_bias(loop), *_experience(loop)]
    return [finding(code, where, text, lines.get(where)) for code, where, text in sorted(raw, key=lambda one: one[0])]


def finding(code: str, where: str, text: str, line: int | None = None, *, database: bool = False) -> Finding:
    """A finding of a rule, with the rule's question as the suggestion."""
    rule = rules()[code]
    return Finding(
        code=code, name=rule.name, severity=rule.severity, where=where, line=line, text=text, suggestion=rule.asks,
        source="database" if database else "loop",
    )  # fmt: skip


def pillars_of(loop: Loop) -> list[str]:
    """Every pillar that the loop names anywhere, in order of appearance."""
    named = [pillar for one in loop.success for pillar in one.pillars]
    named += [pillar for one in loop.rounds for pillar in one.pillars]
    return list(dict.fromkeys(named))


def _asked(loop: Loop) -> set[str]:
    """Pillars that some question of some round is about."""
    used = {name for one in loop.rounds for name in one.questions}
    return {one.pillar for one in loop.questions if one.pillar and one.id in used}


def _clarity(loop: Loop) -> Iterator[Raw]:
    if not loop.success:
        yield (
            "AL101",
            "success",
            f"nothing says what success in {loop.role} looks like after {loop.success_months} months",
        )
    used = {name for one in loop.rounds for name in one.questions}
    served = {name for one in loop.questions if one.id in used for name in one.success}
    for one in loop.success:
        if not one.pillars:
            yield "AL102", f"success.{one.id}", f"“{one.text}” belongs to no pillar"
        if one.id not in served:
            yield "AL103", f"success.{one.id}", f"no question of any round is about “{one.text}”"
    for question in loop.questions:
        if loop.success and not question.success:
            yield "AL104", f"questions.{question.id}", f"“{question.text[:60]}” informs no success criterion"
    for pillar in pillars_of(loop):
        if pillar not in _asked(loop):
            yield "AL105", "rounds", f"no round asks a question about {pillar}"
    yield from _names(loop)


def _names(loop: Loop) -> Iterator[Raw]:
    questions, people = {one.id for one in loop.questions}, {one.id for one in loop.interviewers}
    for one in loop.rounds:
        for name in one.questions:
            if name not in questions:
                yield "AL106", f"rounds.{one.id}", f"question {name} is not described"
        for name in _people(one):
            if name not in people:
                yield "AL106", f"rounds.{one.id}", f"interviewer {name} is not described"
    criteria = {one.id for one in loop.success}
    for question in loop.questions:
        for name in question.success:
            if name not in criteria:
                yield "AL106", f"questions.{question.id}", f"success criterion {name} is not described"


def _people(one: Round) -> list[str]:
    """Interviewers of a round and its owner, each once."""
    return list(dict.fromkeys([*one.interviewers, *([one.owner] if one.owner else [])]))


def _realism(loop: Loop) -> Iterator[Raw]:
    yield from _said(loop, ("AL201", "AL202", "AL205"))
    if loop.rounds and not any(one.format.startswith(TOGETHER) for one in loop.rounds):
        yield "AL203", "rounds", "no round has candidate and interviewer working on something together"
    if loop.rounds and not any(one.real_work for one in loop.rounds):
        yield "AL204", "rounds", "no round uses code or problems like the job's"


def _said(loop: Loop, codes: tuple[str, ...]) -> Iterator[Raw]:
    """Rules that look for words in questions, titles and criteria."""
    texts = [(f"questions.{one.id}", one.text) for one in loop.questions]
    texts += [(f"rounds.{one.id}", f"{one.title} ({one.format})") for one in loop.rounds]
    texts += [(f"success.{one.id}", one.text) for one in loop.success]
    for where, text in texts:
        for code in codes:
            phrase = rules()[code].match(text)
            if phrase is not None:
                yield code, where, f"“{phrase}”"


def _structure(loop: Loop) -> Iterator[Raw]:
    owned = {pillar for one in loop.rounds if one.owner for pillar in one.pillars}
    for pillar in pillars_of(loop):
        if pillar not in owned:
            yield "AL301", "rounds", f"nobody owns {pillar}"
    people = {one.id: one for one in loop.interviewers}
    for name in dict.fromkeys(name for one in loop.rounds for name in _people(one)):
        if name in people and not people[name].pillars:
            yield "AL302", f"interviewers.{name}", f"{name} is on a round and has no pillar"
    for one in loop.rounds:
        parts = (("questions", one.questions), ("guide", one.guide), ("pillars", one.pillars))
        missing = [what for what, there in parts if not there]
        if missing:
            yield "AL303", f"rounds.{one.id}", f"{one.title or one.id} has no {' and no '.join(missing)}"
    if not loop.practice.signal_matrix:
        yield "AL304", "practice", "no signal matrix says what Weak, OK and Strong look like"
    if not loop.practice.calls_before_debrief:
        yield "AL305", "practice", "calls are not written down before the debrief"
    if not loop.practice.debrief_on_evidence:
        yield "AL306", "practice", "the debrief is not held on evidence"


def _calibration(loop: Loop) -> Iterator[Raw]:
    months = loop.practice.retrospective_months
    if months is None or months > 12:
        yield (
            "AL401",
            "practice",
            f"a look back {'is not planned' if months is None else f'every {months} months is rare'}",
        )
    for one in loop.interviewers:
        if not one.calibrated:
            yield "AL402", f"interviewers.{one.id}", f"{one.id} has not compared calls with others"


def _bias(loop: Loop) -> Iterator[Raw]:
    yield from _said(loop, ("AL501", "AL502", "AL504", "AL505"))
    if not loop.practice.tracks_acceptance_rates:
        yield "AL503", "practice", "nobody looks at acceptance rates per interviewer"


def _experience(loop: Loop) -> Iterator[Raw]:
    for one in loop.rounds:
        where, hours = f"rounds.{one.id}", one.minutes / 60
        if one.format.startswith("take-home"):
            if hours > loop.take_home_cap_hours:
                yield "AL601", where, f"{hours:g} hours of take-home, the cap is {loop.take_home_cap_hours:g}"
            if not one.alternative:
                yield "AL602", where, "the take-home has no live alternative"
        elif one.format.startswith(LIVE) and not 45 <= one.minutes <= 120:
            yield "AL606", where, f"{one.minutes} minutes of live work"
    hours = sum(_hours(one) for one in loop.rounds)
    if hours > loop.loop_cap_hours:
        yield "AL603", "rounds", f"{hours:g} hours of a candidate's time, the cap is {loop.loop_cap_hours:g}"
    days = loop.practice.answer_within_days
    if days is None or days > 7:
        yield "AL604", "practice", "no answer is promised" if days is None else f"an answer may take {days} days"
    if not loop.practice.tells_candidates_what_is_looked_at:
        yield "AL605", "practice", "candidates are not told what is looked at and why"


def _hours(one: Round) -> float:
    return one.minutes / 60
