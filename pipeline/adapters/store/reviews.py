"""Read what the review pages show, write calls and closed steps. Who may see it is decided in pipeline/review."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pipeline.adapters.store.connection import Row, Session
from pipeline.adapters.store.record import now
from pipeline.hashing import content_hash


def candidates(db: Session, reviewer_id: str | None) -> list[Row]:
    """Interviews by candidate; those a reviewer has a seat in, or all of them for None."""
    return db.rows(
        "SELECT i.candidate_id, i.interview_id, i.role_profile, i.held_on, i.format, i.state, i.reason, i.retry, "
        "t.duration_s FROM interviews i LEFT JOIN transcripts t USING (transcript_hash) "
        "WHERE ?::VARCHAR IS NULL OR i.interview_id IN (SELECT interview_id FROM assigned WHERE reviewer_id = ?) "
        "ORDER BY i.candidate_id, i.held_on, i.interview_id",
        [reviewer_id, reviewer_id],
    )


def candidate_known(db: Session, candidate_id: str) -> bool:
    """Whether any interview is with this candidate."""
    return bool(db.value("SELECT count(*) FROM interviews WHERE candidate_id = ?", [candidate_id]))


def interview(db: Session, interview_id: str) -> Row | None:
    """The head of one interview, or None."""
    found = db.rows(
        "SELECT i.* EXCLUDE (entry), t.duration_s, t.language, t.source FROM interviews i "
        "LEFT JOIN transcripts t USING (transcript_hash) WHERE i.interview_id = ?",
        [interview_id],
    )
    return found[0] if found else None


def seats(db: Session, *, candidate_id: str | None = None) -> list[Row]:
    """Every seat, one row each: reviewer, interview, pillars (NULL in the list: all), saved calls, closed steps.

    `saved` holds "step:pillar" strings. Limited to one candidate when given.
    """
    return db.rows(
        """
        WITH a AS (
            SELECT reviewer_id, candidate_id, interview_id, list(pillar ORDER BY pillar NULLS FIRST) AS pillars
            FROM assigned WHERE ?::VARCHAR IS NULL OR candidate_id = ? GROUP BY ALL
        )
        SELECT a.*, i.role_profile, i.state, list_contains(i.interviewers, a.reviewer_id) AS was_there, r.name,
               coalesce(c.saved, []) AS saved, coalesce(k.closed, []) AS closed, k.first_step
        FROM a JOIN interviews i USING (interview_id) JOIN reviewers r USING (reviewer_id)
        LEFT JOIN (SELECT reviewer_id, interview_id, list(DISTINCT step || ':' || pillar) AS saved
                   FROM calls WHERE source = 'review' GROUP BY ALL) c
               ON c.reviewer_id = a.reviewer_id AND c.interview_id = a.interview_id
        LEFT JOIN (SELECT reviewer_id, interview_id, list(step ORDER BY step) AS closed, min(first_step) AS first_step
                   FROM step_locks GROUP BY ALL) k
               ON k.reviewer_id = a.reviewer_id AND k.interview_id = a.interview_id
        ORDER BY a.candidate_id, a.interview_id, a.reviewer_id
        """,
        [candidate_id, candidate_id],
    )


def openings(db: Session, candidate_id: str) -> list[Row]:
    """Debriefs that were opened although something was missing: by whom, what, why."""
    return db.rows("SELECT * FROM debrief_openings WHERE candidate_id = ? ORDER BY created_at", [candidate_id])


def open_debrief(db: Session, candidate_id: str, by: str, missing: str, reason: str) -> None:
    """Note that a lead opened a debrief early, and why."""
    row = {"candidate_id": candidate_id, "opened_by": by, "missing": missing, "reason": reason, "created_at": now()}
    with db.transaction():
        db.insert("debrief_openings", [row])
        db.journal(by, "open-debrief", candidate_id, reason)


def lines(db: Session, transcript_hash: str) -> list[Row]:
    """The transcript's lines with their text, in order."""
    return db.rows(
        'SELECT l.line, l.turn, l.speaker, l.start, l."end", l.start_s, l.end_s, '
        'substring(t.text, l.start + 1, l."end" - l.start) AS text '
        "FROM lines l JOIN transcripts t USING (transcript_hash) WHERE l.transcript_hash = ? ORDER BY l.line",
        [transcript_hash],
    )


def speakers(db: Session, interview_id: str) -> list[Row]:
    """Who speaks, in which role, on which recording."""
    return db.rows("SELECT * FROM speakers WHERE interview_id = ? ORDER BY speaker", [interview_id])


def evidence(db: Session, interview_ids: Sequence[str]) -> list[Row]:
    """All that was pointed at in these interviews, with its quote and the last word of people on it (`standing`)."""
    return db.rows(
        'SELECT e.*, substring(t.text, e.start + 1, e."end" - e.start) AS quote, s.recording_id, '
        "x.kind AS standing, x.reason AS standing_reason, x.author AS standing_author "
        "FROM evidence_pointed e JOIN transcripts t USING (transcript_hash) "
        "LEFT JOIN speakers s ON s.interview_id = e.interview_id AND s.speaker = e.speaker "
        "LEFT JOIN evidence_standing x ON x.interview_id = e.interview_id AND x.evidence_id = e.evidence_id "
        "WHERE list_contains(?::VARCHAR[], e.interview_id) "
        'ORDER BY e.interview_id, e.start, e."end", e.signal, e.evidence_id',
        [list(interview_ids)],
    )


def cited_before(db: Session, evidence_ids: Sequence[str]) -> list[Row]:
    """Pieces that calls cite although they are no longer found; with their quotes."""
    return db.rows(
        'SELECT e.*, substring(t.text, e.start + 1, e."end" - e.start) AS quote, NULL AS recording_id '
        "FROM evidence e JOIN transcripts t USING (transcript_hash) "
        "WHERE NOT e.current AND list_contains(?::VARCHAR[], e.evidence_id) "
        "QUALIFY row_number() OVER (PARTITION BY e.evidence_id ORDER BY e.created_at DESC) = 1 ORDER BY e.evidence_id",
        [list(evidence_ids)],
    )


def coverage(db: Session, interview_ids: Sequence[str]) -> list[Row]:
    """Coverage after people's corrections."""
    return db.rows(
        "SELECT * FROM coverage_by_pillar WHERE list_contains(?::VARCHAR[], interview_id) ORDER BY ALL",
        [list(interview_ids)],
    )


def probes(db: Session, interview_id: str) -> list[Row]:
    """Interviewers' lines that ask about a pillar."""
    return db.rows("SELECT pillar, line FROM probes WHERE interview_id = ? ORDER BY line, pillar", [interview_id])


def flags(db: Session, interview_id: str) -> list[Row]:
    """What to know about the recording."""
    return db.rows(
        "SELECT kind, detail, first_line, last_line FROM flags WHERE interview_id = ? ORDER BY first_line, kind",
        [interview_id],
    )


def calls(db: Session, candidate_id: str) -> list[Row]:
    """The call that counts of each step, of everybody, with its basis and whether its step is closed.

    Whoever shows them filters by standing first.
    """
    return db.rows(
        """
        SELECT c.call_id, c.candidate_id, c.interview_id, c.reviewer_id, coalesce(r.name, c.reviewer_id) AS name,
               c.pillar, c.step, c.level, c.rationale, c.evidence_ids, b.basis, c.source, c.created_at,
               c.source = 'import' OR k.step IS NOT NULL AS closed, k.first_step
        FROM calls c
        LEFT JOIN call_bases b USING (call_id)
        LEFT JOIN reviewers r ON r.reviewer_id = c.reviewer_id
        LEFT JOIN step_locks k ON k.interview_id = c.interview_id AND k.reviewer_id = c.reviewer_id AND k.step = c.step
        WHERE c.candidate_id = ?
        QUALIFY row_number() OVER (PARTITION BY c.interview_id, c.reviewer_id, c.pillar, c.step
                                   ORDER BY c.created_at DESC, c.call_id DESC) = 1
        ORDER BY c.interview_id, c.pillar, c.reviewer_id, c.step
        """,
        [candidate_id],
    )


def save_call(db: Session, call: Row) -> bool:
    """Add a call with its basis in one transaction; the same call sent twice stays one. True when it was new."""
    basis = call["basis"]
    row = {key: value for key, value in call.items() if key != "basis"}
    same = db.rows(
        "SELECT c.level, c.rationale, c.evidence_ids, b.basis FROM calls c LEFT JOIN call_bases b USING (call_id) "
        "WHERE c.interview_id = ? AND c.reviewer_id = ? AND c.pillar = ? AND c.step = ? AND c.source = 'review' "
        "ORDER BY c.created_at DESC, c.call_id DESC LIMIT 1",
        [row["interview_id"], row["reviewer_id"], row["pillar"], row["step"]],
    )
    cited = list(row["evidence_ids"])
    if same and same[0] == {**_picked(row), "evidence_ids": cited, "basis": basis}:
        return False
    stamp = now()
    call_id = f"call-{content_hash(row, basis, stamp)}"
    with db.transaction():
        added = {**row, "evidence_ids": cited, "call_id": call_id, "source": "review", "created_at": stamp}
        db.insert("calls", [added])
        db.insert("call_bases", [{"call_id": call_id, "basis": basis}])
        db.journal(row["reviewer_id"], "call", row["interview_id"], f"step {row['step']} {row['pillar']} {call_id}")
    return True


def _picked(row: Row) -> Row:
    return {"level": row["level"], "rationale": row["rationale"]}


def close_step(db: Session, interview_id: str, reviewer_id: str, step: int, first_step: int) -> None:
    """Close a step for good; from here on its calls may be shown to those who closed theirs."""
    own = {"interview_id": interview_id, "reviewer_id": reviewer_id, "step": step}
    there = db.value(
        "SELECT count(*) FROM step_locks WHERE interview_id = ? AND reviewer_id = ? AND step = ?", list(own.values())
    )
    if there:
        return
    with db.transaction():
        db.insert("step_locks", [{**own, "first_step": first_step, "created_at": now()}])
        note = "" if first_step == 1 else ", was not in the interview"
        db.journal(reviewer_id, "close-step", interview_id, f"step {step}{note}")


def feedback(db: Session, interview_ids: Sequence[str], interviewer_id: str | None = None) -> list[Row]:
    """Written feedback on these interviews, of one person when given."""
    return db.rows(
        "SELECT feedback_id, interview_id, interviewer_id, text FROM feedback "
        "WHERE list_contains(?::VARCHAR[], interview_id) AND (?::VARCHAR IS NULL OR interviewer_id = ?) "
        "ORDER BY interview_id, interviewer_id, feedback_id",
        [list(interview_ids), interviewer_id, interviewer_id],
    )


def feedback_doubts(db: Session, interview_ids: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """Lint findings, and claims that the recording does not bear out, of the feedback on these interviews."""
    own = [list(interview_ids)]
    findings = db.rows(
        "SELECT b.interview_id, b.interviewer_id, f.code, f.name, f.severity, f.text, f.question, f.source "
        "FROM findings f JOIN feedback b USING (feedback_id) WHERE list_contains(?::VARCHAR[], b.interview_id) "
        "ORDER BY b.interview_id, b.interviewer_id, f.start, f.code",
        own,
    )
    claims = db.rows(
        'SELECT b.interview_id, b.interviewer_id, substring(b.text, c.start + 1, c."end" - c.start) AS text, c.state, '
        "c.first_line, c.last_line, c.counted, c.claimed, c.source FROM claims c JOIN feedback b USING (feedback_id) "
        "WHERE list_contains(?::VARCHAR[], b.interview_id) AND c.state <> 'supported' "
        "ORDER BY b.interview_id, b.interviewer_id, c.start",
        own,
    )
    return findings, claims


def recording(db: Session, interview_id: str, recording_id: str) -> Row | None:
    """Where a recording lies, by id; nothing of a URL's path ever names a file."""
    found = db.rows(
        "SELECT r.path, r.size, r.mtime_ns, i.folder, i.candidate_id FROM recordings r JOIN interviews i "
        "USING (interview_id) WHERE r.interview_id = ? AND r.recording_id = ? AND r.kind = 'audio'",
        [interview_id, recording_id],
    )
    return found[0] if found else None


def recording_files(db: Session, interview_id: str) -> list[Row]:
    """Where the sound files of an interview lie."""
    return db.rows(
        "SELECT r.recording_id, r.path, r.size, r.mtime_ns, i.folder FROM recordings r JOIN interviews i "
        "USING (interview_id) WHERE r.interview_id = ? AND r.kind = 'audio' ORDER BY r.recording_id",
        [interview_id],
    )


def recordings(db: Session, interview_id: str) -> list[Row]:
    """The sound files of an interview."""
    return db.rows(
        "SELECT recording_id, duration_s, channels FROM recordings WHERE interview_id = ? AND kind = 'audio' "
        "ORDER BY recording_id",
        [interview_id],
    )


def words(db: Session, transcript_hash: str) -> dict[str, list[Any]]:
    """The words' columns as stored: start, end, start_s, end_s, speaker, probability."""
    found = db.value("SELECT words FROM transcripts WHERE transcript_hash = ?", [transcript_hash])
    return dict(json.loads(found)) if found else {}
