"""Read an interview's last derivation back, to derive it again or to show it."""

from __future__ import annotations

import json

from pipeline.adapters.store.connection import Session
from pipeline.errors import StoreError
from pipeline.records import Draft, Extraction, Flag, Place, ProbeDraft, Record, Recording, Transcript, Word


class Stored(Record):
    """What is needed to derive an interview's evidence again without listening or asking."""

    transcript: Transcript
    recordings: tuple[Recording, ...]
    places: dict[str, Place]
    flags: tuple[Flag, ...]
    extraction: Extraction
    points: str
    candidate_lines: frozenset[int]


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
    extraction, points = _load_extraction(db, interview_id)
    return Stored(
        transcript=load_transcript(db, transcript_hash),
        recordings=tuple(
            Recording.model_validate(row)
            for row in db.rows("SELECT * FROM recordings WHERE interview_id = ?", [interview_id])
        ),
        places={s["speaker"]: Place(recording_id=s["recording_id"], channel=s["channel"]) for s in speakers},
        flags=tuple(Flag(**flag) for flag in flags),
        extraction=extraction,
        points=points,
        candidate_lines=frozenset(row["line"] for row in lines),
    )


def _load_extraction(db: Session, interview_id: str) -> tuple[Extraction, str]:
    """What was pointed at last time, and the fingerprint of what pointed, so that nobody need be asked again."""
    own = [interview_id]
    made = db.rows("SELECT key, made_by FROM stage_runs WHERE interview_id = ? AND stage = 'extract'", own)[0]
    rows = db.rows("SELECT * FROM drafts WHERE interview_id = ?", own)
    fields = ("chunk", "pillar", "request_hash")
    extraction = Extraction(
        **json.loads(made["made_by"]),
        drafts=tuple(
            Draft(**{f: row[f] for f in (*fields, "signal", "first", "last", "prompted_by", "fault")})
            for row in rows
            if row["kind"] == "evidence"
        ),
        probes=tuple(
            ProbeDraft(line=row["first"], **{f: row[f] for f in fields}) for row in rows if row["kind"] == "probe"
        ),
    )
    return extraction, made["key"]


def load_transcript(db: Session, transcript_hash: str) -> Transcript:
    """The transcript as it was assembled."""
    rows = db.rows("SELECT * FROM transcripts WHERE transcript_hash = ?", [transcript_hash])
    if not rows:
        raise StoreError(f"transcript {transcript_hash} is not in the database.", next_step="verbatim run --force")
    row = rows[0]
    columns = json.loads(row.pop("words"))
    words = [
        Word(**dict(zip(Word.__slots__, values, strict=True)))
        for values in zip(*(columns[f] for f in Word.__slots__), strict=True)
    ]
    return Transcript(**row, words=tuple(words))
