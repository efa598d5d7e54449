"""Did strong interviewers become strong employees? Overall, by role, by pillar and by format."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.retro.concordance import Concordance, Ints, concordance
from pipeline.retro.database import Db
from pipeline.retro.gates import COMPATIBLE, TOO_FEW, Gate, gate, words
from pipeline.retro.history import hire_tables
from pipeline.retro.rank import Correlation, spearman, tau_b
from pipeline.retro.rates import Interval, bh, wilson

MOST = 40  # pillars or formats, those with most calls
PANEL = "SELECT candidate_id, score FROM r_panel"
BY_PILLAR = "SELECT candidate_id, sum(total) / sum(calls) AS score FROM r_score WHERE pillar = {} GROUP BY candidate_id"
BY_FORMAT = "SELECT candidate_id, sum(total) / sum(calls) AS score FROM r_score WHERE format = {} GROUP BY candidate_id"


def pair(interval: Interval | None) -> list[float | None] | None:
    """An interval as JSON: [low, high], an infinite end as null."""
    if interval is None:
        return None
    return [value if np.isfinite(value) else None for value in (round(interval.low, 6), round(interval.high, 6))]


def overall(db: Db) -> tuple[dict[str, Any], Gate]:
    """Panel score against outcome: c, Spearman, tau-b, both readings of unknown leavers, and each role."""
    tables = hire_tables(db, PANEL)
    n = sum(int(table.sum()) for table in tables.values())
    largest = max((int(table.sum()) for table in tables.values()), default=0)
    row = gate(largest)
    both = _both(tables, hire_tables(db, PANEL, "y_unknown"), row)
    roles = [
        {"role": role} | _both({role: table}, {role: table}, gate(int(table.sum()))) for role, table in tables.items()
    ]
    found = both | {"n": n, "largest_role": largest, "roles": roles, "levels": _by_level(db)}
    found["tau_b"] = tau_b(next(iter(tables.values()))) if len(tables) == 1 else None
    return found, row


def _both(tables: dict[str, Ints], other: dict[str, Ints], row: Gate) -> dict[str, Any]:
    """One result with its words; numbers are withheld under eight hires."""
    shown = row.least >= 8
    c = concordance(list(tables.values())) if shown else None
    ranks = spearman(list(tables.values())) if shown else None
    otherwise = concordance(list(other.values())) if shown else None
    return _numbers(c, ranks) | {
        "n": sum(int(table.sum()) for table in tables.values()),
        "words": words(row, c, otherwise, ranks),
        "left_unknown_as_struggling": _numbers(otherwise, None) | {"n": sum(int(t.sum()) for t in other.values())},
        "flips": _flips(c, otherwise),
    }


def _numbers(c: Concordance | None, ranks: Correlation | None) -> dict[str, Any]:
    return {
        "c": None if c is None else round(c.c, 6),
        "ci": None if c is None else pair(c.interval),
        "pairs": 0 if c is None else c.pairs,
        "concordant": 0 if c is None else c.concordant,
        "p": None if c is None else c.p,
        "spearman": None if ranks is None else round(ranks.r, 6),
        "spearman_ci": None if ranks is None else pair(ranks.interval),
    }


def _flips(c: Concordance | None, other: Concordance | None) -> bool:
    if c is None or other is None or c.interval is None or other.interval is None:
        return False
    return c.interval.excludes(0.5) != other.interval.excludes(0.5)


def _by_level(db: Db) -> list[dict[str, Any]]:
    """3 x 3: the panel's nearest level by outcome, with the share exceeding and its Wilson interval."""
    rows = db.rows(
        "SELECT CASE WHEN score < 0.5 THEN 'weak' WHEN score < 1.5 THEN 'ok' ELSE 'strong' END AS level, "
        "count(*) FILTER (y = 0) AS struggling, count(*) FILTER (y = 1) AS meeting, "
        "count(*) FILTER (y = 2) AS exceeding "
        "FROM r_hire WHERE y IS NOT NULL AND score IS NOT NULL GROUP BY level"
    )
    by_level = {row["level"]: row for row in rows}
    found = []
    for level in ("weak", "ok", "strong"):
        counts = [int(by_level.get(level, {}).get(name, 0)) for name in ("struggling", "meeting", "exceeding")]
        found.append({"level": level, "counts": counts, "exceeding_ci": pair(wilson(counts[2], sum(counts)))})
    return found


def families(db: Db, column: str, row: Gate, overall_words: str) -> list[dict[str, Any]]:
    """c for each pillar or format (`column`), in the order of their names, as one family for q-values."""
    template = BY_PILLAR if column == "pillar" else BY_FORMAT
    names = sorted(
        one[column]
        for one in db.rows(
            f"SELECT {column} FROM r_score GROUP BY 1 ORDER BY sum(calls) DESC, 1 LIMIT {MOST}"  # noqa: S608
        )
    )
    shares = _level_shares(db, column)
    found: list[dict[str, Any]] = []
    for name in names:
        quoted = "'" + str(name).replace("'", "''") + "'"
        tables, other = (hire_tables(db, template.format(quoted), y) for y in ("y", "y_unknown"))
        largest = max((int(table.sum()) for table in tables.values()), default=0)
        own = gate(largest) if largest < row.least else row
        entry = {column: name} | _both(tables, other, own) | shares.get(name, {})
        if row.name == "8-19":
            entry["dots"] = _dots(db, template.format(quoted))
        found.append(entry)
    for one, q in zip(found, bh([one["p"] for one in found]), strict=True):
        one["q"] = q
        closed = overall_words in (TOO_FEW, COMPATIBLE) or q is None or q >= 0.05
        if closed and one["words"] != TOO_FEW:
            one["words"] = COMPATIBLE
    return found


def _dots(db: Db, score_sql: str) -> list[dict[str, Any]]:
    """Score and outcome of each hire, without names, for a picture."""
    return db.rows(
        f"SELECT round(s.score, 4) AS score, h.y FROM r_hire h JOIN ({score_sql}) s USING (candidate_id) "  # noqa: S608
        "WHERE h.y IS NOT NULL ORDER BY ALL"
    )


def _level_shares(db: Db, column: str) -> dict[str, dict[str, Any]]:
    rows = db.rows(
        f"SELECT {column} AS name, count(*) AS calls, count(*) FILTER (value = 0) AS weak, "  # noqa: S608
        f"count(*) FILTER (value = 1) AS ok, count(*) FILTER (value = 2) AS strong FROM r_call GROUP BY 1"
    )
    levels = ("weak", "ok", "strong")
    return {row["name"]: {"calls": int(row["calls"]), "levels": [int(row[k]) for k in levels]} for row in rows}
