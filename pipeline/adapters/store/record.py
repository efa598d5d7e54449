"""Write and read what the pipeline makes: one transaction an interview, so that half of one never looks done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pipeline.adapters.store.connection import Row, Session
from pipeline.errors import StoreError
from pipeline.hashing import content_hash
from pipeline.records import (
    Derived,
    Draft,
    Extraction,
    Flag,
    Interview,
    Line,
    ModelCall,
    Place,
    ProbeDraft,
    Record,
    Recording,
    Role,
    Transcript,
    Word,
)

_DERIVED = ("recordings", "speakers", "flags", "drafts", "rejections", "probes", "coverage", "stage_runs")
_WORD_FIELDS = ("start", "end", "start_s", "end_s", "speaker", "probability")


class Stored(Record):
    """What is needed to derive an interview's evidence again without listening or asking."""

    transcript: Transcript
    recordings: tuple[Recording, ...]
    places: dict[str, Place]
    flags: tuple[Flag, ...]
    extraction: Extraction | None
    candidate_lines: frozenset[int]


def now() -> str:
    """UTC, as DuckDB's TIMESTAMP reads it."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat()


def register(db: Session, interviews: Iterable[Interview]) -> None:
    """Make the entries known, in state pending, unless an entry is there already unchanged."""
    known = {
        row["interview_id"]: json.loads(row["entry"] or "null")
        for row in db.rows("SELECT interview_id, entry FROM interviews")
    }
    for interview in interviews:
        entry = interview.model_dump(mode="json")
        if interview.interview_id not in known:
            db.insert("interviews", [_interview_row(interview, entry, "pending")])
        elif known[interview.interview_id] != entry:
            db.execute(
                "UPDATE interviews SET candidate_id = ?, role_profile = ?, held_on = ?, format = ?, interviewers = ?, "
                "questions = ?, consent = ?, folder = ?, entry = ? WHERE interview_id = ?",
                [
                    interview.candidate_id,
                    interview.role_profile,
                    interview.held_on,
                    interview.format,
                    list(interview.interviewers),
                    list(interview.questions),
                    interview.consent,
                    interview.folder,
                    json.dumps(entry),
                    interview.interview_id,
                ],
            )


def _interview_row(interview: Interview, entry: Row, state: str) -> Row:
    return {
        "interview_id": interview.interview_id,
        "candidate_id": interview.candidate_id,
        "role_profile": interview.role_profile,
        "held_on": interview.held_on,
        "format": interview.format,
        "interviewers": list(interview.interviewers),
        "questions": list(interview.questions),
        "consent": interview.consent,
        "folder": interview.folder,
        "entry": entry,
        "state": state,
    }


def known_interviews(db: Session) -> list[Interview]:
    """Every entry of the workspace that can run, by id."""
    rows = db.rows("SELECT entry FROM interviews WHERE entry IS NOT NULL ORDER BY interview_id")
    return [Interview.model_validate_json(row["entry"]) for row in rows]


def mark(db: Session, interview_id: str, state: str, *, stage: str, reason: str | None, retry: str | None) -> None:
    """Set an interview's state; an entry that was refused before it had a record gets one."""
    if db.value("SELECT count(*) FROM interviews WHERE interview_id = ?", [interview_id]) == 0:
        blank = {"interview_id": interview_id, "candidate_id": "", "interviewers": [], "questions": []}
        db.insert("interviews", [{**blank, "state": state}])
    db.execute(
        "UPDATE interviews SET state = ?, stage = ?, reason = ?, retry = ? WHERE interview_id = ?",
        [state, stage, reason, retry, interview_id],
    )


def finished_keys(db: Session) -> dict[str, str]:
    """interview_id -> key of its finished work."""
    rows = db.rows(
        "SELECT s.interview_id, s.key FROM stage_runs s JOIN interviews i USING (interview_id) WHERE i.state = 'done'"
    )
    return {row["interview_id"]: row["key"] for row in rows}


def recordings_of(db: Session, interview_id: str) -> list[Recording]:
    """The recordings as last seen, for telling whether a file changed without reading it."""
    rows = db.rows("SELECT * FROM recordings WHERE interview_id = ?", [interview_id])
    return [Recording.model_validate(row) for row in rows]


def confirmed_roles(db: Session, interview_id: str) -> dict[str, Role]:
    """Roles that people set, the last word winning."""
    rows = db.rows(
        "SELECT speaker, role FROM corrections WHERE interview_id = ? AND kind = 'role' "
        "ORDER BY created_at, correction_id",
        [interview_id],
    )
    return {row["speaker"]: row["role"] for row in rows}


def line_speakers(db: Session, interview_id: str) -> list[tuple[int, int, str]]:
    """Lines that people gave to another speaker: first line, last line, speaker, in the order they were set."""
    rows = db.rows(
        "SELECT first_line, last_line, speaker FROM corrections WHERE interview_id = ? AND kind = 'line_speaker' "
        "ORDER BY created_at, correction_id",
        [interview_id],
    )
    return [(row["first_line"], row["last_line"], row["speaker"]) for row in rows]


def save(db: Session, run_id: str, key: str, seconds: float, derived: Derived) -> None:
    """Replace what the interview gave before, in one transaction.

    Evidence that is no longer found stays with `current = false`, because calls may cite it.
    """
    interview_id = derived.interview.interview_id
    with db.transaction():
        for table in _DERIVED:
            db.execute(f'DELETE FROM "{table}" WHERE interview_id = ?', [interview_id])  # noqa: S608 - our own names
        _save_transcript(db, derived.transcript, derived.lines)
        _save_found(db, run_id, derived)
        db.insert("stage_runs", [_stage_row(interview_id, key, run_id, seconds)])
        db.insert(
            "llm_calls", [_call_row(run_id, interview_id, call.model_dump()) for call in derived.extraction.calls]
        )
        db.execute(
            "UPDATE interviews SET state = 'done', stage = 'stored', reason = NULL, retry = NULL, transcript_hash = ? "
            "WHERE interview_id = ?",
            [derived.transcript.transcript_hash, interview_id],
        )


def spend(db: Session, run_id: str, interview_id: str, calls: Iterable[ModelCall]) -> None:
    """Count calls of an interview that gave nothing to keep."""
    db.insert("llm_calls", [_call_row(run_id, interview_id, call.model_dump()) for call in calls])


def _stage_row(interview_id: str, key: str, run_id: str, seconds: float) -> Row:
    return {"interview_id": interview_id, "stage": "evidence", "key": key, "run_id": run_id, "seconds": seconds}


def _call_row(run_id: str, interview_id: str, call: dict[str, Any]) -> Row:
    return {"run_id": run_id, "interview_id": interview_id, **call}


def _save_transcript(db: Session, transcript: Transcript, lines: Sequence[Line]) -> None:
    if not db.value("SELECT count(*) FROM transcripts WHERE transcript_hash = ?", [transcript.transcript_hash]):
        words = {name: [getattr(word, name) for word in transcript.words] for name in _WORD_FIELDS}
        row = transcript.model_dump(exclude={"words"})
        db.insert("transcripts", [{**row, "words": words}])
    db.execute("DELETE FROM lines WHERE transcript_hash = ?", [transcript.transcript_hash])
    shown = [line.model_dump(exclude={"text"}) for line in lines]
    db.insert("lines", [{"transcript_hash": transcript.transcript_hash, **row} for row in shown])


def _save_found(db: Session, run_id: str, derived: Derived) -> None:
    interview_id = derived.interview.interview_id
    found, extraction = derived.verified, derived.extraction
    made = {"extractor": extraction.extractor, "model": extraction.model, "prompt_hash": extraction.prompt_hash}
    own = {"interview_id": interview_id}

    def rows(records: Iterable[Record], **more: Any) -> list[Row]:
        return [{**own, **record.model_dump(), **more} for record in records]

    db.insert("recordings", rows(derived.recordings))
    db.insert(
        "speakers",
        [
            {**own, **speaker.model_dump(), **derived.places.get(speaker.speaker, Place()).model_dump()}
            for speaker in derived.speakers
        ],
    )
    db.insert("flags", rows(derived.flags))
    db.insert("coverage", rows(derived.coverage))
    db.insert("probes", rows(found.probes, extractor=extraction.extractor))
    db.insert("rejections", rows(found.rejections, extractor=extraction.extractor, run_id=run_id))
    probes = [{**p.model_dump(exclude={"line"}), "first": p.line, "last": p.line} for p in extraction.probes]
    db.insert("drafts", rows(extraction.drafts, kind="evidence", **made))
    db.insert("drafts", [{**own, **probe, "kind": "probe", **made} for probe in probes])
    db.execute("UPDATE evidence SET current = false WHERE interview_id = ? AND current", [interview_id])
    ids = [evidence.evidence_id for evidence in found.evidence]
    db.execute(
        "DELETE FROM evidence WHERE interview_id = ? AND list_contains(?::VARCHAR[], evidence_id)", [interview_id, ids]
    )
    more = {**made, "transcript_hash": derived.transcript.transcript_hash, "run_id": run_id, "created_at": now()}
    db.insert("evidence", rows(found.evidence, current=True, **more))


def start_run(db: Session, run_id: str, version: str, settings: Mapping[str, Any]) -> None:
    """Note a run once it has something to keep."""
    if not db.value("SELECT count(*) FROM runs WHERE run_id = ?", [run_id]):
        db.insert("runs", [{"run_id": run_id, "started_at": now(), "version": version, "settings": dict(settings)}])


def load_transcript(db: Session, transcript_hash: str) -> Transcript:
    """The transcript as it was assembled."""
    rows = db.rows("SELECT * FROM transcripts WHERE transcript_hash = ?", [transcript_hash])
    if not rows:
        raise StoreError(f"transcript {transcript_hash} is not in the database.", next_step="verbatim run --force")
    row = rows[0]
    columns = json.loads(row.pop("words"))
    words = [
        Word(**dict(zip(_WORD_FIELDS, values, strict=True)))
        for values in zip(*(columns[f] for f in _WORD_FIELDS), strict=True)
    ]
    return Transcript(**row, words=tuple(words))


def load_drafts(db: Session, interview_id: str) -> Extraction | None:
    """What was pointed at last time, so that it can be proved again without asking anybody."""
    rows = db.rows("SELECT * FROM drafts WHERE interview_id = ?", [interview_id])
    head = db.rows("SELECT extractor, model, prompt_hash FROM drafts WHERE interview_id = ? LIMIT 1", [interview_id])
    if not head:
        return None
    fields = ("chunk", "pillar", "request_hash")
    return Extraction(
        **head[0],
        drafts=tuple(
            Draft(**{f: row[f] for f in (*fields, "signal", "first", "last", "prompted_by", "fault")})
            for row in rows
            if row["kind"] == "evidence"
        ),
        probes=tuple(
            ProbeDraft(line=row["first"], **{f: row[f] for f in fields}) for row in rows if row["kind"] == "probe"
        ),
    )


def load_interview(db: Session, interview_id: str) -> Interview:
    """The checked entry. Raises StoreError, naming what there is, when the id is unknown."""
    entry = db.value("SELECT entry FROM interviews WHERE interview_id = ?", [interview_id])
    if entry is None:
        known = ", ".join(
            row["interview_id"] for row in db.rows("SELECT interview_id FROM interviews ORDER BY 1 LIMIT 8")
        )
        raise StoreError(
            f"there is no interview '{interview_id}' here.", next_step=f"choose one of: {known or 'none yet'}."
        )
    return Interview.model_validate_json(entry)


def load_stored(db: Session, interview_id: str) -> Stored:
    """The last finished derivation of an interview. Raises StoreError when there is none."""
    transcript_hash = db.value("SELECT transcript_hash FROM interviews WHERE interview_id = ?", [interview_id])
    if transcript_hash is None:
        raise StoreError(f"{interview_id} has no transcript yet.", next_step="verbatim run")
    speakers = db.rows("SELECT speaker, recording_id, channel FROM speakers WHERE interview_id = ?", [interview_id])
    flags = db.rows("SELECT kind, detail, first_line, last_line FROM flags WHERE interview_id = ?", [interview_id])
    lines = db.rows(
        "SELECT l.line FROM lines l JOIN speakers s ON s.speaker = l.speaker AND s.interview_id = ? "
        "WHERE l.transcript_hash = ? AND s.role = 'candidate'",
        [interview_id, transcript_hash],
    )
    return Stored(
        transcript=load_transcript(db, transcript_hash),
        recordings=tuple(recordings_of(db, interview_id)),
        places={s["speaker"]: Place(recording_id=s["recording_id"], channel=s["channel"]) for s in speakers},
        flags=tuple(Flag(**flag) for flag in flags),
        extraction=load_drafts(db, interview_id),
        candidate_lines=frozenset(row["line"] for row in lines),
    )


def correct_role(db: Session, interview_id: str, speaker: str, role: Role, author: str) -> None:
    """Note a person's word on who somebody is; the last word wins, earlier ones stay."""
    known = [r["speaker"] for r in db.rows("SELECT speaker FROM speakers WHERE interview_id = ?", [interview_id])]
    if speaker not in known:
        raise StoreError(f"nobody in {interview_id} is labelled '{speaker}'.", next_step=f"labels: {', '.join(known)}.")
    correction = {"interview_id": interview_id, "kind": "role", "speaker": speaker, "role": role, "author": author}
    stamp = now()
    key = content_hash(correction, stamp)
    db.insert("corrections", [{**correction, "correction_id": f"k-{key}", "reason": "", "created_at": stamp}])
    db.journal(author, "role", interview_id, f"{speaker}={role}")
