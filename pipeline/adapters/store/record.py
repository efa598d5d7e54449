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
    Interview,
    Line,
    ModelCall,
    Place,
    Record,
    Recording,
    Role,
    Transcript,
    Word,
)

_DERIVED = ("recordings", "speakers", "flags", "drafts", "rejections", "probes", "coverage", "stage_runs")
_MADE = ("extractor", "model", "prompt_hash")
REFUSED = "refused"  # the stage of an entry that may not run as it stands


def now() -> str:
    """UTC, as DuckDB's TIMESTAMP reads it."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat()


def register(db: Session, interviews: Iterable[Interview]) -> None:
    """Make the entries known, in state pending; a changed entry takes the place of the old one, its state stays.

    An entry that was refused before and holds now is pending again.
    """
    known = {row["interview_id"]: row for row in db.rows("SELECT interview_id, entry, stage FROM interviews")}
    rows = {i.interview_id: _interview_row(i, i.model_dump(mode="json")) for i in interviews}
    db.insert("interviews", [{**row, "state": "pending"} for name, row in rows.items() if name not in known])
    for name, row in rows.items():
        if name not in known:
            continue
        if known[name]["stage"] == REFUSED:
            _replace_entry(db, name, {**row, "state": "pending", "stage": None, "reason": None, "retry": None})
        elif json.loads(known[name]["entry"] or "null") != row["entry"]:
            _replace_entry(db, name, row)


def forget_refusals(db: Session, retries: Sequence[str]) -> None:
    """Drop what stands for entries that never ran and whose refusal named one of `retries`: it is read anew."""
    db.execute(
        "DELETE FROM interviews WHERE stage = ? AND entry IS NULL AND list_contains(?::VARCHAR[], retry)",
        [REFUSED, list(retries)],
    )


def _replace_entry(db: Session, interview_id: str, row: Row) -> None:
    fields = [field for field in row if field != "interview_id"]
    assignments = ", ".join(f"{field} = ?" for field in fields)
    values = [json.dumps(row[field]) if field == "entry" else row[field] for field in fields]
    db.execute(f"UPDATE interviews SET {assignments} WHERE interview_id = ?", [*values, interview_id])  # noqa: S608


def _interview_row(interview: Interview, entry: Row) -> Row:
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
    }


class Known(Record):
    """A checked entry with what the record holds beside it: files as last seen, and what people corrected.

    `refused`: its manifest was changed to something that cannot run, so that it does not run as it stood before.
    """

    interview: Interview
    refused: bool = False
    recordings: tuple[Recording, ...] = ()
    confirmed: dict[str, Role]
    moved_lines: tuple[tuple[int, int, str], ...] = ()


def known_interviews(db: Session, only: Sequence[str] = ()) -> list[Known]:
    """Every entry that can run, by id, or those of `only`; three queries, however many there are."""
    files: dict[str, list[Recording]] = {}
    for row in db.rows("SELECT * FROM recordings"):
        files.setdefault(row["interview_id"], []).append(Recording.model_validate(row))
    roles: dict[str, dict[str, Role]] = {}
    moved: dict[str, list[tuple[int, int, str]]] = {}
    for row in db.rows(
        "SELECT * FROM corrections WHERE kind IN ('role', 'line_speaker') ORDER BY created_at, correction_id"
    ):
        if row["kind"] == "role":
            roles.setdefault(row["interview_id"], {})[row["speaker"]] = row["role"]
        else:
            moved.setdefault(row["interview_id"], []).append((row["first_line"], row["last_line"], row["speaker"]))
    rows = db.rows(
        "SELECT interview_id, entry, stage FROM interviews "
        "WHERE entry IS NOT NULL AND (len(?::VARCHAR[]) = 0 OR list_contains(?::VARCHAR[], interview_id)) "
        "ORDER BY interview_id",
        [list(only), list(only)],
    )
    return [
        Known(
            interview=Interview.model_validate_json(row["entry"]),
            refused=row["stage"] == REFUSED,
            recordings=tuple(files.get(row["interview_id"], ())),
            confirmed=roles.get(row["interview_id"], {}),
            moved_lines=tuple(moved.get(row["interview_id"], ())),
        )
        for row in rows
    ]


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
        "SELECT s.interview_id, s.key FROM stage_runs s JOIN interviews i USING (interview_id) "
        "WHERE i.state = 'done' AND s.stage = 'evidence'"
    )
    return {row["interview_id"]: row["key"] for row in rows}


def save(db: Session, run_id: str, key: str, points: str, seconds: float, derived: Derived) -> None:
    """Replace what the interview gave before, in one transaction.

    Evidence that is no longer found stays with `current = false`, because calls may cite it.
    """
    interview_id = derived.interview.interview_id
    with db.transaction():
        for table in _DERIVED:
            db.execute(f'DELETE FROM "{table}" WHERE interview_id = ?', [interview_id])  # noqa: S608 - our own names
        _save_transcript(db, derived.transcript, derived.lines)
        _save_found(db, run_id, derived)
        made = derived.extraction.model_dump(include=set(_MADE))
        stages = {"evidence": (key, None), "extract": (points, made)}
        db.insert(
            "stage_runs",
            [
                {
                    "interview_id": interview_id,
                    "stage": stage,
                    "key": k,
                    "made_by": by,
                    "run_id": run_id,
                    "seconds": seconds,
                }
                for stage, (k, by) in stages.items()
            ],
        )
        spend(db, run_id, interview_id, derived.extraction.calls)
        db.execute(
            "UPDATE interviews SET state = 'done', stage = 'stored', reason = NULL, retry = NULL, transcript_hash = ? "
            "WHERE interview_id = ?",
            [derived.transcript.transcript_hash, interview_id],
        )


def spend(db: Session, run_id: str, interview_id: str, calls: Iterable[ModelCall]) -> None:
    """Count calls, each answer once: one on disk that no row counts yet was paid for by a run that died."""
    rows = [{"run_id": run_id, "interview_id": interview_id, **call.model_dump()} for call in calls]
    asked = [row["request_hash"] for row in rows]
    found = db.rows("SELECT request_hash FROM llm_calls WHERE list_contains(?::VARCHAR[], request_hash)", [asked])
    counted = {row["request_hash"] for row in found}
    db.insert("llm_calls", [{**row, "cached": row["cached"] and row["request_hash"] in counted} for row in rows])


def _save_transcript(db: Session, transcript: Transcript, lines: Sequence[Line]) -> None:
    if not db.value("SELECT count(*) FROM transcripts WHERE transcript_hash = ?", [transcript.transcript_hash]):
        words = {name: [getattr(word, name) for word in transcript.words] for name in Word.__slots__}
        row = transcript.model_dump(exclude={"words"})
        db.insert("transcripts", [{**row, "words": words}])
    db.execute("DELETE FROM lines WHERE transcript_hash = ?", [transcript.transcript_hash])
    shown = [line.model_dump(exclude={"text"}) for line in lines]
    db.insert("lines", [{"transcript_hash": transcript.transcript_hash, **row} for row in shown])


def _save_found(db: Session, run_id: str, derived: Derived) -> None:
    interview_id = derived.interview.interview_id
    found, extraction = derived.verified, derived.extraction
    made = extraction.model_dump(include=set(_MADE))
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


def load_interview(db: Session, interview_id: str) -> Known:
    """One checked entry. Raises StoreError, naming what there is, when the id is unknown."""
    found = known_interviews(db, [interview_id])
    if not found:
        ids = [row["interview_id"] for row in db.rows("SELECT interview_id FROM interviews ORDER BY 1 LIMIT 8")]
        raise StoreError(
            f"there is no interview '{interview_id}' here.", next_step=f"choose one of: {', '.join(ids) or 'none yet'}."
        )
    return found[0]


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
