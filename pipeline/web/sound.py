"""The recording itself, in ranges, to who may hear it. Which file that is comes from the record, never from the URL."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from pipeline.adapters.store import reviews
from pipeline.adapters.store.connection import Row
from pipeline.web.house import house_of
from pipeline.web.pages import enter_interview
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
    path, status = find_recording(row)
    kind = KINDS.get(path.suffix.lower(), "application/octet-stream")
    return FileResponse(path, media_type=kind, stat_result=status, content_disposition_type="inline")


def find_recording(row: Row) -> tuple[Path, os.stat_result]:
    """The file of a recording's row. Raises Refused 404 when it is gone, outside its folder, or another one by now."""
    folder = Path(row["folder"] or ".")
    path = folder / row["path"]
    try:
        if not path.resolve().is_relative_to(folder.resolve()) or path.is_symlink():
            raise Refused(404, "The recording does not lie in its interview's folder.")
        status = path.stat()
    except OSError:
        raise Refused(404, "The recording is no longer where it was.") from None
    if not stat.S_ISREG(status.st_mode) or status.st_size != row["size"]:
        raise Refused(404, "The recording's file has changed since it was transcribed; run it again.")
    return path, status


def _range_of(request: Request) -> str:
    asked = request.headers.get("range", "")
    return asked if asked.removeprefix("bytes=").replace("-", "").replace(",", "").isdigit() else ""
