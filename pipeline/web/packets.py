"""The packet from the record to bytes: gathered in one session, clips cut from the recordings, printed in four forms.

The HTML file stands alone: style and sound are inside, no script, and its own policy forbids everything else.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.adapters.store import reviews
from pipeline.adapters.store.connection import Row, Session
from pipeline.debrief import Packet, Quote, assemble, blockers
from pipeline.errors import MediaError, ReviewError
from pipeline.web import drawing
from pipeline.web.outputs import as_csv, as_markdown, as_text
from pipeline.web.places import find_recording
from pipeline.web.printing import HERE, make_templates
from pipeline.web.standings import rubric_of, seat_of

if TYPE_CHECKING:
    from jinja2 import Environment

LEAD_S = 0.5  # a clip begins this long before the first word
KINDS = {
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
Clips = Mapping[str, str]


def gather(db: Session, candidate_id: str, may_show: Callable[[Row], bool]) -> tuple[Packet, dict[str, Row]]:
    """The packet of a candidate and where its recordings lie, by recording id.

    `may_show` decides which closed calls the reader may see. Raises ReviewError for an unknown candidate.
    """
    interviews = [row for row in reviews.candidates(db) if row["candidate_id"] == candidate_id]
    if not interviews:
        raise ReviewError(f"there is no candidate '{candidate_id}' here.", next_step="verbatim status")
    names = [row["interview_id"] for row in interviews]
    seats = reviews.seats(db, candidate_id=candidate_id)
    coverage = reviews.coverage(db, names)
    calls = [call for call in reviews.calls(db, candidate_id) if call["closed"] and may_show(call)]
    evidence = reviews.evidence(db, names)
    known = {piece["evidence_id"] for piece in evidence}
    lost = sorted({name for call in calls for name in call["evidence_ids"]} - known)
    packet = assemble(
        candidate_id,
        rubrics={profile: rubric_of(profile) for profile in sorted({row["role_profile"] or "" for row in interviews})},
        interviews=interviews,
        seats=seats,
        calls=calls,
        evidence=evidence,
        gone=reviews.cited_before(db, lost),
        coverage=coverage,
        doubts=reviews.feedback_doubts(db, names),
        missing=what_is_missing(seats, coverage),
        opened=reviews.openings(db, candidate_id),
    )
    places = {row["recording_id"]: row for name in names for row in reviews.recording_files(db, name)}
    return packet, places


def what_is_missing(seats: Sequence[Row], coverage: Sequence[Row]) -> list[str]:
    """The reasons why this debrief should wait."""
    asked = {(row["reviewer_id"], row["interview_id"]): seat_of(row).pillars for row in seats}
    return blockers(seats, coverage, asked)


def counted(missing: Sequence[str]) -> str:
    """How much was missing when a debrief was opened."""
    return "1 thing" if len(missing) == 1 else f"{len(missing)} things"


def clips_of(packet: Packet, places: Mapping[str, Row], workdir: Path) -> Clips:
    """Cited quotes as sound, evidence id -> data URI; each recording is decoded once, by the jailed decoder.

    A recording that is gone leaves its quotes without sound.
    """
    from pipeline.adapters.media import decode

    by_recording: dict[str, list[Quote]] = defaultdict(list)
    for quote in packet.cited:
        if quote.recording_id is not None and quote.recording_id in places:
            by_recording[quote.recording_id].append(quote)
    clips: dict[str, str] = {}
    for name, quotes in sorted(by_recording.items()):
        try:
            path, _ = find_recording(places[name])
            with decode(path, workdir=workdir) as sound:
                for quote in quotes:
                    content = sound.clip(max(0.0, quote.start_s - LEAD_S), quote.end_s)
                    clips[quote.evidence_id] = f"data:audio/mpeg;base64,{base64.b64encode(content).decode()}"
        except MediaError:
            continue
    return clips


def printed(packet: Packet, kind: str, clips: Clips) -> bytes:
    """The packet as bytes in one of KINDS; the same packet and clips give the same bytes."""
    if kind == "csv":
        return as_csv(packet).encode("utf-8-sig")
    if kind == "md":
        return as_markdown(packet).encode()
    if kind == "txt":
        return as_text(packet).encode()
    style = (HERE / "static" / "packet.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; media-src data:; base-uri 'none'; form-action 'none'"
    template = _templates().get_template("packet.html")
    return template.render(packet=packet, clips=clips, style=style, policy=policy, paths=paths_of(packet)).encode()


def paths_of(packet: Packet) -> dict[str, list[drawing.Path]]:
    """The movement of calls by pillar, one path a position, ready to be drawn."""
    return {part.pillar: [drawing.movement(position) for position in part.positions] for part in packet.parts}


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return make_templates()
