"""Agreement, as two different numbers that are never averaged: two people who read the same interview, and two
interviews of one candidate (where different behaviour was on show, and less agreement is expected)."""

from __future__ import annotations

from typing import Any, NamedTuple

from pipeline.retro.agreement import Pattern, agreement
from pipeline.retro.database import Db
from pipeline.retro.validity import pair

# One reading a row: two readers of one interview, or the interviews of one candidate.
_SAME = "SELECT pillar, interview_id AS unit, candidate_id, reviewer_id, value FROM r_call"
_ACROSS = """
SELECT pillar, candidate_id AS unit, candidate_id, min(reviewer_id) AS reviewer_id, round(avg(value))::INTEGER AS value
FROM r_call WHERE own GROUP BY pillar, candidate_id, interview_id
"""
# How many readers chose each level, for each pillar and once more for all together.
_UNITS = """
CREATE OR REPLACE TEMP TABLE r_unit AS
WITH unit AS (
    SELECT pillar, candidate_id, list(reviewer_id) AS readers,
           [count(*) FILTER (value = 0), count(*) FILTER (value = 1), count(*) FILTER (value = 2)] AS pattern
    FROM ({reading}) GROUP BY pillar, unit, candidate_id)
FROM unit UNION ALL SELECT * REPLACE ('all' AS pillar) FROM unit
"""
_PATTERNS = "SELECT pillar, pattern, count(*) AS units FROM r_unit GROUP BY ALL ORDER BY ALL"
# Ordered pairs of different units that have `who` in common.
_SHARED = """
WITH held AS (
    SELECT pillar, pattern, who, count(*) AS n
    FROM (SELECT pillar, pattern, {who} AS who FROM r_unit WHERE len(readers) > 1) GROUP BY ALL)
SELECT a.pillar, a.pattern AS one, b.pattern AS other, sum(a.n * (b.n - (a.pattern = b.pattern)::INTEGER)) AS pairs
FROM held a JOIN held b USING (pillar, who) GROUP BY ALL ORDER BY ALL
"""
DOMINANT = 0.8  # share of one level above which raw agreement and AC2 stand beside alpha
# Printed only when the whole interval lies in one (Krippendorff 2004).
BANDS = (
    (0.8, 1.01, "The whole interval lies above .80, which is customarily asked for"),
    (0.667, 0.8, "The whole interval lies between .667 and .80, which allows tentative conclusions only"),
    (-1.01, 0.667, "The whole interval lies under .667, too low to rely on single readings"),
)


class _Read(NamedTuple):
    """Units of one pillar by pattern, and pairs of units that share a reader or the candidate."""

    patterns: dict[Pattern, int]
    shared: list[dict[tuple[Pattern, Pattern], int]]


def by_pillar(db: Db) -> list[dict[str, Any]]:
    """Agreement per pillar and over all pillars ("all")."""
    same, across = _read(db, _SAME), _read(db, _ACROSS)
    nobody = _Read({}, [])
    return [
        _one(pillar, same.get(pillar, nobody), across.get(pillar, nobody))
        for pillar in sorted(same | across, key=_last_all)
    ]


def _last_all(pillar: str) -> tuple[bool, str]:
    return pillar == "all", pillar


def _read(db: Db, reading: str) -> dict[str, _Read]:
    db.execute(_UNITS.format(reading=reading))
    found: dict[str, _Read] = {}
    for row in db.rows(_PATTERNS):
        own = found.setdefault(str(row["pillar"]), _Read({}, [{}, {}]))
        own.patterns[tuple(row["pattern"])] = int(row["units"])
    for at, who in enumerate(("unnest(readers)", "candidate_id")):
        for row in db.rows(_SHARED.format(who=who)):
            found[str(row["pillar"])].shared[at][tuple(row["one"]), tuple(row["other"])] = int(row["pairs"])
    return found


def _one(pillar: str, read: _Read, across: _Read) -> dict[str, Any]:
    here, elsewhere = agreement(*read), agreement(*across)
    same = read.patterns
    levels = [sum(pattern[level] * units for pattern, units in same.items()) for level in range(3)]
    found: dict[str, Any] = {"pillar": pillar, "alpha": None, "ci": None, "ac2": None, "raw": None, "double_read": 0}
    if here is not None:
        found |= {
            "alpha": here.alpha,
            "ci": pair(here.interval),
            "ac2": here.ac2,
            "raw": here.raw,
            "double_read": here.units,
        }
    found["across_interviews"] = (
        None if elsewhere is None
        else {"alpha": elsewhere.alpha, "ci": pair(elsewhere.interval), "units": elsewhere.units}
    )  # fmt: skip
    found["pairs"] = _pairs(same)
    found["one_level_dominates"] = bool(sum(levels)) and max(levels) / sum(levels) > DOMINANT
    found["band"] = _band(found["ci"])
    return found


def _band(ci: list[float] | None) -> str | None:
    if ci is None:
        return None
    return next((name for low, high, name in BANDS if low <= ci[0] and ci[1] < high), None)


def _pairs(patterns: dict[Pattern, int]) -> list[list[int]]:
    """3 x 3 counts of unordered pairs of readers of one interview, the lower level first."""
    table = [[0] * 3 for _ in range(3)]
    for pattern, units in patterns.items():
        for low in range(3):
            table[low][low] += units * pattern[low] * (pattern[low] - 1) // 2
            for high in range(low + 1, 3):
                table[low][high] += units * pattern[low] * pattern[high]
    return table


def clashes(db: Db, limit: int = 5) -> list[dict[str, Any]]:
    """Interviews in which one reader said weak and another strong, with a quote for each side: to calibrate on."""
    return db.rows(
        """
        WITH met AS (
            SELECT interview_id, pillar FROM r_call GROUP BY ALL HAVING min(value) = 0 AND max(value) = 2
            ORDER BY ALL LIMIT ?),
        quoted AS (
            SELECT interview_id, pillar, polarity, arg_min(quote, start_s) AS quote, min(start_s) AS start_s
            FROM evidence_quotes SEMI JOIN met USING (interview_id, pillar) GROUP BY ALL)
        SELECT m.interview_id, m.pillar, w.quote AS weak, w.start_s AS weak_s, s.quote AS strong, s.start_s AS strong_s
        FROM met m
        LEFT JOIN quoted w ON w.interview_id = m.interview_id AND w.pillar = m.pillar AND w.polarity = 'weak'
        LEFT JOIN quoted s ON s.interview_id = m.interview_id AND s.pillar = m.pillar AND s.polarity = 'strong'
        ORDER BY m.interview_id, m.pillar
        """,
        [limit],
    )
