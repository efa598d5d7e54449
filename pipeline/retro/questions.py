"""Questions: how often asked, how the levels fall, and whether a question goes with the rest of the loop.

Item-rest correlation uses every interview, not only hires: the question's level against the mean of the candidate's
other interviews. It is agreement with the rest of the loop and not with the job: a good but unlike question
scores low, a bias that all share scores high. Outcomes enter only where thirty or more exist per question.
"""

from __future__ import annotations

import math
from typing import Any

from pipeline.retro.database import Db
from pipeline.retro.gates import Gate
from pipeline.retro.rank import fisher
from pipeline.retro.rates import bh, wilson
from pipeline.retro.validity import pair

LEAST_ASKED = 20
NEVER_SEPARATES = 0.15  # upper limit of the share of calls that are not the usual level
LEAST_OUTCOMES = 30

# The level on the question, else the interviewer's own call on its pillar in that interview.
_ASKED = """
CREATE OR REPLACE TEMP TABLE r_question AS
SELECT q.interview_id, q.question_id, i.candidate_id, q.pillar,
       coalesce(CASE q.level WHEN 'weak' THEN 0.0 WHEN 'ok' THEN 1.0 WHEN 'strong' THEN 2.0 END, c.value) AS value
FROM (SELECT interview_id, question_id, min(pillar) AS pillar, min(level) AS level FROM question_list GROUP BY ALL) q
LEFT JOIN r_interview i USING (interview_id)
LEFT JOIN (SELECT interview_id, pillar, round(avg(value)) AS value FROM r_call GROUP BY ALL) c
       ON c.interview_id = q.interview_id AND c.pillar = q.pillar
"""
_ITEM_REST = """
WITH held AS (SELECT candidate_id, interview_id, sum(value) AS total, count(*) AS n FROM r_call GROUP BY ALL),
     whole AS (SELECT candidate_id, sum(total) AS total, sum(n) AS n FROM held GROUP BY ALL)
SELECT q.question_id, count(*) AS pairs, corr(q.value, (w.total - coalesce(h.total, 0)) / (w.n - coalesce(h.n, 0))) AS r
FROM r_question q
JOIN whole w USING (candidate_id)
LEFT JOIN held h ON h.interview_id = q.interview_id AND h.candidate_id = q.candidate_id
WHERE q.value IS NOT NULL AND w.n > coalesce(h.n, 0)
GROUP BY q.question_id
"""
_COUNTS = """
SELECT question_id, count(*) AS asked, count(*) FILTER (value = 0) AS weak, count(*) FILTER (value = 1) AS ok,
       count(*) FILTER (value = 2) AS strong, min(pillar) AS pillar
FROM r_question GROUP BY question_id ORDER BY question_id
"""
_OUTCOME = """
SELECT q.question_id, count(*) AS n, corr(q.value, h.y) AS r
FROM r_question q JOIN r_hire h USING (candidate_id) WHERE q.value IS NOT NULL AND h.y IS NOT NULL GROUP BY ALL
"""
# Two readers of the same interview on the question's pillar: do they choose the same level?
_READERS = """
SELECT q.question_id, count(*) AS pairs, count(*) FILTER (a.value = b.value) AS same
FROM r_question q
JOIN r_call a ON a.interview_id = q.interview_id AND a.pillar = q.pillar
JOIN r_call b ON b.interview_id = q.interview_id AND b.pillar = q.pillar AND a.reviewer_id < b.reviewer_id
GROUP BY ALL
"""
_HEARD = """
SELECT q.question_id, median(d.minutes) AS minutes, avg(coalesce(p.probes, 0)) AS follow_ups, count(*) AS recorded
FROM r_question q
JOIN (SELECT interview_id, max(duration_s) / 60 AS minutes FROM transcripts GROUP BY ALL) d USING (interview_id)
LEFT JOIN (SELECT interview_id, sum(probes) AS probes FROM coverage GROUP BY ALL) p USING (interview_id)
GROUP BY ALL
"""


def questions(db: Db, row: Gate) -> list[dict[str, Any]]:
    """Every question that was asked, in the order of their ids."""
    db.execute(_ASKED)
    rest, outcome, readers, heard = (
        {one["question_id"]: one for one in db.rows(sql)} for sql in (_ITEM_REST, _OUTCOME, _READERS, _HEARD)
    )
    found = []
    for one in db.rows(_COUNTS):
        name = one["question_id"]
        levels = [int(one[level]) for level in ("weak", "ok", "strong")]
        called = sum(levels)
        upper = wilson(called - max(levels), called)
        entry: dict[str, Any] = {
            "question_id": name, "pillar": one["pillar"], "asked": int(one["asked"]), "called": called,
            "levels": levels, "share": [round(level / called, 6) for level in levels] if called else None,
            "non_modal_upper": upper.high if upper else None,
            "never_separates": bool(upper and called >= LEAST_ASKED and upper.high < NEVER_SEPARATES),
        }  # fmt: skip
        entry |= _correlation("item_rest", "ci", rest.get(name), "pairs")
        pairs = readers.get(name)
        entry["reader_pairs"] = int(pairs["pairs"]) if pairs else 0
        entry["readers_agree"] = int(pairs["same"]) / int(pairs["pairs"]) if pairs else None
        spoken = heard.get(name)
        entry["minutes"] = spoken["minutes"] if spoken else None
        entry["follow_ups"] = spoken["follow_ups"] if spoken else None
        entry |= _with_outcome(outcome.get(name), row)
        entry["advice"], entry["reason"] = _advice(entry)
        found.append(entry)
    for entry, q in zip(found, bh([entry.pop("outcome_p") for entry in found]), strict=True):
        entry["outcome_q"] = q
    return found


def _correlation(key: str, ends: str, row: dict[str, Any] | None, count: str) -> dict[str, Any]:
    r = row["r"] if row else None
    n = int(row[count]) if row else 0
    if r is None or not math.isfinite(r) or n < 8:
        return {key: None, ends: None, f"{key}_n": n}
    return {key: round(r, 6), ends: pair(fisher(r, n)), f"{key}_n": n}


def _with_outcome(row: dict[str, Any] | None, gate: Gate) -> dict[str, Any]:
    """A coefficient only from 100 hires on, and for a question only from thirty outcomes on."""
    n = int(row["n"]) if row else 0
    found: dict[str, Any] = {"outcome_n": n, "outcome_r": None, "outcome_ci": None, "outcome_p": None}
    if row is None or gate.least < 100 or n < LEAST_OUTCOMES or row["r"] is None or not math.isfinite(row["r"]):
        return found
    from scipy import stats

    r = max(-0.999999, min(0.999999, float(row["r"])))
    p = 2 * float(stats.norm.sf(abs(math.atanh(r)) * math.sqrt(n - 3)))
    return found | {"outcome_r": r, "outcome_ci": pair(fisher(r, n)), "outcome_p": p}


def _advice(entry: dict[str, Any]) -> tuple[str, str]:
    """Retire, sharpen, keep or wait, with the reason."""
    if entry["called"] < LEAST_ASKED:
        return "wait", f"called {entry['called']} times; {LEAST_ASKED} are needed to say anything"
    if entry["never_separates"]:
        return "retire", f"almost every call is the same (others at most {entry['non_modal_upper']:.0%})"
    ci, agree = entry["ci"], entry["readers_agree"]
    if ci is not None and ci[1] is not None and ci[1] < 0.1:
        return "sharpen", "does not go with the rest of the loop; check what it is meant to show before judging it"
    if agree is not None and entry["reader_pairs"] >= 10 and agree < 0.5:
        return "sharpen", f"two readers chose the same level in {agree:.0%} of {entry['reader_pairs']} pairs"
    if ci is not None and ci[0] is not None and ci[0] > 0:
        return "keep", "levels differ and go with the rest of the loop"
    return "keep", "levels differ; whether they go with the rest of the loop cannot be told yet"


def never_asked(db: Db) -> list[str]:
    """Questions of the bank that no interview asked."""
    rows = db.rows(
        "SELECT question_id FROM question_bank ANTI JOIN r_question USING (question_id) ORDER BY question_id LIMIT 200"
    )
    return [str(row["question_id"]) for row in rows]
