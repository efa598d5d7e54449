"""The recording itself, in ranges, to who may hear it. Which file that is comes from the record, never from the URL."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from pipeline.adapters.store import reviews
from pipeline.errors import MediaError
from pipeline.web.house import house_of
from pipeline.web.pages import enter_interview
from pipeline.web.places import find_recording
from pipeline.web.visits import Refused

router = APIRouter()
KINDS = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".mov": "audio/mp4",
    ".aac": "audio/aac",
    ".webm": "audio/webm",
    ".mka": "audio/x-matroska",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
}


@router.get("/interviews/{interview_id}/audio/{recording_id}")
def audio(request: Request, interview_id: str, recording_id: str) -> Response:
    """The recording's bytes; ranges are served, so a browser can seek."""
    house = house_of(request)
    with house.door.visit(request) as visit:
        _, standing, _ = enter_interview(visit, interview_id)
        if not standing.sees_evidence:
            raise Refused(403, "Make your first call before you listen.")
        row = reviews.recording(visit.db, interview_id, recording_id)
        if row is None:
            raise Refused(404, "There is no such recording.")
        visit.db.journal(visit.reviewer_id, "hear", interview_id, f"{recording_id} {_range_of(request)}".strip())
    try:
        path, status = find_recording(row)
    except MediaError as error:
        raise Refused(404, error.what) from None
    kind = KINDS.get(path.suffix.lower(), "application/octet-stream")
    return FileResponse(path, media_type=kind, stat_result=status, content_disposition_type="inline")


def _range_of(request: Request) -> str:
    asked = request.headers.get("range", "")
    return asked if asked.removeprefix("bytes=").replace("-", "").replace(",", "").isdigit() else ""
