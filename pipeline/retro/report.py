"""The whole retrospective as one plain dict: numbers under stable keys, and the sections that say them in words."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import date
from typing import Any

from pipeline.retro import pages_ending, pages_people, pages_results
from pipeline.retro.database import Db
from pipeline.retro.formats import with_rates
from pipeline.retro.gates import strongest
from pipeline.retro.groups import adverse_impact
from pipeline.retro.history import Horizon, prepare
from pipeline.retro.interviewers import interviewers
from pipeline.retro.misses import dots, near_misses
from pipeline.retro.outcomes import outcomes
from pipeline.retro.questions import never_asked, questions
from pipeline.retro.ranking import with_ranks
from pipeline.retro.readers import by_pillar, clashes
from pipeline.retro.seen import seen
from pipeline.retro.selection import lawley_pillars, selection
from pipeline.retro.validity import families, overall

VERSION = 1
SIX_TO_TWELVE = Horizon()


def retrospective(
    db: Db, horizon: Horizon = SIX_TO_TWELVE, as_of: date | None = None, *, names: bool = True
) -> dict[str, Any]:
    """Compute everything from the database. The same data give the same report, in any order and on any day.

    Without `names` interviewers are numbered: for readers who do not own calibration.
    """
    counts = prepare(db, horizon, as_of)
    whole, row = overall(db)
    found: dict[str, Any] = {"version": VERSION, "n": whole["n"], "counts": counts, "horizon": list(horizon)}
    found["gates"] = row._asdict() | {
        "n": whole["largest_role"],
        "roles": {one["role"]: {"n": one["n"], "words": one["words"]} for one in whole["roles"]},
    }  # fmt: skip
    found["overall"] = whole
    found["selection"] = selection(db, whole["n"])
    found["outcomes"] = outcomes(db)
    pillars = families(db, "pillar", row, whole["words"])
    found["pillars"] = with_ranks(db, pillars) if row.least >= 300 else pillars
    found["lawley"] = lawley_pillars(db) if row.least >= 100 else []
    found["formats"] = with_rates(db, families(db, "format", row, whole["words"]), row)
    found["questions"] = questions(db, row)
    found["questions_never_asked"] = never_asked(db)
    found |= interviewers(db)
    found["agreement"] = by_pillar(db)
    found["clashes"] = clashes(db)
    misses = near_misses(db)
    whole["dots"] = dots(db)
    found["near_misses"], found["near_miss_rates"] = misses.pop("near"), misses
    found["adverse_impact"] = adverse_impact(db)
    found["evidence"] = seen(db)
    found["words"] = strongest([whole["words"], *(one["words"] for one in found["pillars"] + found["formats"])])
    found = _plain(found if names else _numbered(found))
    sections = [*pages_results.sections(found), *pages_people.sections(found), *pages_ending.sections(found)]
    return found | {"sections": [asdict(section) for section in sections]}


def _numbered(found: dict[str, Any]) -> dict[str, Any]:
    """Interviewers as person 1, person 2 ... in the order of severity, so that a number tells no name."""
    order = sorted(found["interviewers"], key=lambda one: (one["severity"] is None, one["severity"] or 0.0, one["n"]))
    known = {one["interviewer_id"]: f"person {at}" for at, one in enumerate(order, start=1)}
    people = [one | {"interviewer_id": known[one["interviewer_id"]]} for one in order]
    evidence = dict(found["evidence"])
    evidence["by"] = {name: rows for name, rows in evidence["by"].items() if name != "interviewer"}
    evidence["lint"] = []
    return found | {"interviewers": people, "evidence": evidence}


def _plain(value: Any) -> Any:
    """JSON values only; a number that is none becomes null; six decimals, so that order of addition never shows."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, date):
        return value.isoformat()
    number = float(value)
    return round(number, 6) if math.isfinite(number) else None
