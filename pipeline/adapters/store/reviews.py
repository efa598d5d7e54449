"""Read what the review pages show, write calls and closed steps. Who may see it is decided in pipeline/review."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pipeline.adapters.store.connection import Row, Session
from pipeline.adapters.store.record import now
from pipeline.hashing import content_hash

Sound = dict[tuple[str, str], str]  # (interview, speaker) -> recording


def put(db: Session, table: str, row: Row) -> None:
    """Add one row; a quarter of the time of `Session.insert`, which is made for many."""
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" for _ in row)
    db.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(row.values()))  # noqa: S608 - our own names


def candidates(db: Session) -> list[Row]:
    """Every interview with how far the machine is, by candidate."""
    return db.rows(
        "SELECT i.candidate_id, i.interview_id, i.role_profile, i.held_on, i.format, i.state, i.reason, i.retry, "
        "t.duration_s FROM interviews i LEFT JOIN transcripts t USING (transcript_hash) "
        "ORDER BY i.candidate_id, i.held_on, i.interview_id"
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


def seats(db: Session, candidate_id: str | None = None) -> list[Row]:
    """Every seat, one row each: who is asked about which interview, by an assignment, else by having held it.

    `pillars` holds None for all of them, `saved` (step, pillar) pairs with a call, `closed` steps. Limited to one
    candidate when given. Plain questions and a join here: a fifth of the time of one large question.
    """
    wanted, own = ("WHERE candidate_id = ?", [candidate_id]) if candidate_id is not None else ("", [])
    names = {row["reviewer_id"]: row["name"] for row in db.rows("SELECT reviewer_id, name FROM reviewers")}
    asked = db.rows(f"SELECT * FROM assignments {wanted}", own)  # noqa: S608 - our own words
    saved: dict[tuple[str, str], set[tuple[int, str]]] = {}
    for call in db.rows("SELECT DISTINCT reviewer_id, interview_id, step, pillar FROM calls WHERE source = 'review'"):
        saved.setdefault((call["reviewer_id"], call["interview_id"]), set()).add((call["step"], call["pillar"]))
    closed: dict[tuple[str, str], list[Row]] = {}
    for lock in db.rows("SELECT interview_id, reviewer_id, step, first_step FROM step_locks ORDER BY step"):
        closed.setdefault((lock["reviewer_id"], lock["interview_id"]), []).append(lock)
    found = []
    for held in db.rows(
        "SELECT candidate_id, interview_id, interviewers, role_profile, state "  # noqa: S608 - our own words
        f"FROM interviews {wanted} ORDER BY candidate_id, interview_id",
        own,
    ):
        for reviewer, pillars in sorted(_asked_about(held, asked, names).items()):
            key = (reviewer, held["interview_id"])
            locks = closed.get(key, [])
            found.append(
                {
                    "reviewer_id": reviewer,
                    "name": names[reviewer],
                    "candidate_id": held["candidate_id"],
                    "interview_id": held["interview_id"],
                    "role_profile": held["role_profile"],
                    "state": held["state"],
                    "was_there": reviewer in held["interviewers"],
                    "pillars": pillars,
                    "saved": saved.get(key, set()),
                    "closed": [lock["step"] for lock in locks],
                    "first_step": locks[0]["first_step"] if locks else None,
                }
            )
    return found


def _asked_about(held: Row, asked: Sequence[Row], names: dict[str, str]) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = {}
    for row in asked:
        fits = row["candidate_id"] == held["candidate_id"] and row["interview_id"] in (None, held["interview_id"])
        if fits and row["reviewer_id"] in names:
            found.setdefault(row["reviewer_id"], []).append(row["pillar"])
    for reviewer in held["interviewers"]:
        if reviewer in names:
            found.setdefault(reviewer, [None])
    return found


def openings(db: Session, candidate_id: str) -> list[Row]:
    """Debriefs that were opened although something was missing: by whom, what, why."""
    return db.rows("SELECT * FROM debrief_openings WHERE candidate_id = ? ORDER BY created_at", [candidate_id])


def open_debrief(db: Session, candidate_id: str, by: str, missing: str, reason: str) -> None:
    """Note that a lead opened a debrief early, and why."""
    row = {"candidate_id": candidate_id, "opened_by": by, "missing": missing, "reason": reason, "created_at": now()}
    with db.transaction():
        put(db, "debrief_openings", row)
        db.journal(by, "open-debrief", candidate_id, reason)


def lines(db: Session, transcript_hash: str) -> list[Row]:
    """The transcript's lines with their text, in order."""
    return db.rows(
        'SELECT l.line, l.turn, l.speaker, l.start, l."end", l.start_s, l.end_s, '
        'substring(t.text, l.start + 1, l."end" - l.start) AS text '
        "FROM lines l JOIN transcripts t USING (transcript_hash) WHERE l.transcript_hash = ? ORDER BY l.line",
        [transcript_hash],
    )


def line_count(db: Session, transcript_hash: str) -> int:
    """How many lines a transcript has."""
    return int(db.value("SELECT count(*) FROM lines WHERE transcript_hash = ?", [transcript_hash]) or 0)


def speakers(db: Session, interview_id: str, sound: Sound | None = None) -> list[Row]:
    """Who speaks, in which role, and the sound file they are heard on, if there is one."""
    rows = db.rows("SELECT * FROM speakers WHERE interview_id = ? ORDER BY speaker", [interview_id])
    sound = sound_of(db, [interview_id]) if sound is None else sound
    return [{**row, "recording_id": sound.get((interview_id, row["speaker"]))} for row in rows]


def evidence(db: Session, interview_ids: Sequence[str], sound: Sound | None = None) -> list[Row]:
    """All that was pointed at in these interviews, with its quote and the last word of people on it (`standing`)."""
    own = [list(interview_ids)]
    among = "list_contains(?::VARCHAR[], e.interview_id)"
    sound = sound_of(db, interview_ids) if sound is None else sound
    words = {
        (row["interview_id"], row["evidence_id"]): row
        for row in db.rows(f"SELECT * FROM evidence_standing e WHERE {among}", own)  # noqa: S608 - our own words
    }
    texts = dict(
        db.connection.execute(
            "SELECT transcript_hash, text FROM transcripts WHERE transcript_hash IN "
            "(SELECT transcript_hash FROM interviews e WHERE list_contains(?::VARCHAR[], e.interview_id))",
            own,
        ).fetchall()
    )
    pieces = db.rows(f"SELECT * FROM evidence_pointed e WHERE {among}", own)  # noqa: S608 - our own words
    found = []
    for piece in pieces:
        word = words.get((piece["interview_id"], piece["evidence_id"]), {})
        more = {
            f"standing{end}": word.get(key) for end, key in (("", "kind"), ("_reason", "reason"), ("_author", "author"))
        }
        quote = texts[piece["transcript_hash"]][piece["start"] : piece["end"]]
        found.append(
            {**piece, "quote": quote, "recording_id": sound.get((piece["interview_id"], piece["speaker"])), **more}
        )
    return sorted(found, key=lambda e: (e["interview_id"], e["start"], e["end"], e["signal"], e["evidence_id"]))


def sound_of(db: Session, interview_ids: Sequence[str]) -> Sound:
    """(interview, speaker) -> the sound file on which they are heard, where there is one."""
    rows = db.rows(
        "SELECT DISTINCT s.interview_id, s.speaker, s.recording_id FROM speakers s JOIN recordings r "
        "ON r.interview_id = s.interview_id AND r.recording_id = s.recording_id AND r.kind = 'audio' "
        "WHERE list_contains(?::VARCHAR[], s.interview_id)",
        [list(interview_ids)],
    )
    return {(row["interview_id"], row["speaker"]): row["recording_id"] for row in rows}


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
    rows = db.rows(
        "SELECT call_id, candidate_id, interview_id, reviewer_id, pillar, step, level, rationale, evidence_ids, "
        "source, created_at FROM calls WHERE candidate_id = ? ORDER BY created_at, call_id",
        [candidate_id],
    )
    if not rows:
        return []
    names = {row["reviewer_id"]: row["name"] for row in db.rows("SELECT reviewer_id, name FROM reviewers")}
    bases = {row["call_id"]: row["basis"] for row in db.rows("SELECT call_id, basis FROM call_bases")}
    locks = {
        (row["interview_id"], row["reviewer_id"], row["step"])
        for row in db.rows("SELECT interview_id, reviewer_id, step FROM step_locks")
    }
    latest = {(row["interview_id"], row["pillar"], row["reviewer_id"], row["step"]): row for row in rows}
    return [
        {
            **row,
            "name": names.get(row["reviewer_id"], row["reviewer_id"]),
            "basis": bases.get(row["call_id"]),
            "closed": row["source"] == "import" or (interview, reviewer, step) in locks,
        }
        for (interview, _, reviewer, step), row in sorted(latest.items())
    ]


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
        put(db, "calls", added)
        put(db, "call_bases", {"call_id": call_id, "basis": basis})
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
        put(db, "step_locks", {**own, "first_step": first_step, "created_at": now()})
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
    """Lint findings, and claims that a view does not hold borne out, of the feedback on these interviews.

    `other` names the view, if any, that does hold the claim supported, `other_line` the first of its lines.
    """
    own = [list(interview_ids)]
    findings = db.rows(
        "SELECT b.interview_id, b.interviewer_id, f.code, f.name, f.severity, f.text, f.question, f.source, "
        "f.downgraded_from "
        "FROM findings f JOIN feedback b USING (feedback_id) WHERE list_contains(?::VARCHAR[], b.interview_id) "
        "ORDER BY b.interview_id, b.interviewer_id, f.start, f.code",
        own,
    )
    claims = db.rows(
        'SELECT b.interview_id, b.interviewer_id, substring(b.text, c.start + 1, c."end" - c.start) AS text, c.state, '
        "c.first_line, c.last_line, c.counted, c.claimed, c.source, o.source AS other, o.first_line AS other_line "
        "FROM claims c JOIN feedback b USING (feedback_id) LEFT JOIN claims o "
        "ON o.feedback_id = c.feedback_id AND o.claim = c.claim AND o.source <> c.source AND o.state = 'supported' "
        "WHERE list_contains(?::VARCHAR[], b.interview_id) AND c.state <> 'supported' "
        "ORDER BY b.interview_id, b.interviewer_id, c.start, c.source DESC",
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
