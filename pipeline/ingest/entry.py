"""One entry: the checks that a manifest's table and a folder's files both pass before anything is opened."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import ManifestError
from pipeline.prompting import rubric_ids
from pipeline.records import Interview, Record

AUDIO = frozenset(["wav", "mp3", "m4a", "mp4", "webm", "flac", "ogg", "opus", "mka", "mov", "aac"])
TEXT = frozenset(["vtt", "srt", "json", "txt"])
ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_REQUIRED = ("interview_id", "candidate_id", "consent")
_OPTIONAL = (
    "role_profile",
    "date",
    "format",
    "interviewers",
    "questions",
    "names",
    "recordings",
    "transcript",
    "roles",
)
_KEYS = frozenset((*_REQUIRED, *_OPTIONAL))


class Refusal(Record):
    """An entry that cannot run, with the reason and what to do."""

    interview_id: str
    reason: str
    retry: str


class Intake(Record):
    """What was found: interviews to run, and entries that were refused.

    `sources` are the commands that a refusal of these sources would name: what they refused before is settled now.
    """

    interviews: tuple[Interview, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    sources: tuple[str, ...] = ()


class FieldError(ManifestError):
    """One field of one entry; whoever knows the line adds it."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"{field}: {fault}")
        self.field = field


def join(intakes: Sequence[Intake]) -> Intake:
    """Several intakes as one. An id that two of them use for different entries runs for neither."""
    taken: dict[str, Interview] = {}
    refusals: list[Refusal] = []
    for intake in intakes:
        refusals += intake.refusals
        for interview in intake.interviews:
            first = taken.setdefault(interview.interview_id, interview)
            if first != interview:
                reason = f"interview_id: {interview.interview_id} also stands in {first.folder}"
                retry = "give one of them another id in a manifest, and run again"
                refusals.append(Refusal(interview_id=interview.interview_id, reason=reason, retry=retry))
    refused = {refusal.interview_id for refusal in refusals}
    return Intake(
        interviews=tuple(i for name, i in taken.items() if name not in refused),
        refusals=tuple({r.interview_id: r for r in refusals}.values()),
        sources=tuple(source for intake in intakes for source in intake.sources),
    )


def check_entry(row: dict[str, Any], folder: Path, default_profile: str) -> Interview:
    """The entry as an Interview whose files are there. Raises FieldError."""
    for key in sorted(set(row) - _KEYS):
        raise FieldError(key, f"unknown field (known: {', '.join(sorted(_KEYS))})")
    for key in ("interview_id", "candidate_id"):
        _check_id(key, row.get(key))
    if row.get("consent") is not True:
        raise FieldError("consent", "must be true; without consent nothing is decoded")
    if not row.get("recordings") and not row.get("transcript"):
        raise FieldError("recordings", "give a recording or a transcript")
    fields = {key: value for key, value in row.items() if key != "date"}
    fields.setdefault("role_profile", default_profile)
    if "date" in row:
        fields["held_on"] = row["date"]
    source = "manifest" if row.get("roles") else "proposed"
    try:
        interview = Interview.model_validate({**fields, "folder": str(folder.resolve()), "roles_source": source})
    except ValidationError as error:
        first = error.errors()[0]
        where = ["date" if part == "held_on" else str(part) for part in first["loc"]]
        raise FieldError(".".join(where), first["msg"]) from None
    if interview.role_profile not in rubric_ids():
        raise FieldError("role_profile", f"there is no rubric {interview.role_profile!r} ({', '.join(rubric_ids())})")
    for key in ("interviewers", "questions"):
        for value in getattr(interview, key):
            _check_id(key, value)
    _check_files(interview, folder)
    return interview


def _check_id(field: str, value: object) -> None:
    if not isinstance(value, str) or not ID.fullmatch(value) or ".." in value:
        raise FieldError(field, "letters, digits, dot, dash and underscore, at most 64 (an id is never a path)")


def _check_files(interview: Interview, folder: Path) -> None:
    for name in interview.recordings:
        if suffix(name) in TEXT:
            raise FieldError("recordings", f"{name!r} is a transcript; name it under transcript")
        resolve(folder, name)
    if interview.transcript is not None:
        if suffix(interview.transcript) in AUDIO:
            raise FieldError("transcript", f"{interview.transcript!r} is a recording; name it under recordings")
        resolve(folder, interview.transcript, field="transcript")


def _is_text(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def typed(path: Path) -> str:
    """A path as a person types it in a shell; bytes that are not UTF-8 are shown as escapes."""
    return shlex.quote(str(path).encode("utf-8", "backslashreplace").decode("utf-8"))


def suffix(name: str) -> str:
    """The last suffix of a file name, lower-cased, without its dot."""
    return Path(name).suffix.lower().lstrip(".")


def resolve(folder: Path, name: str, *, field: str = "recordings") -> Path:
    """The regular file `name` inside `folder`; no link, no way out, no URL. Raises FieldError."""
    if "\0" in name or not _is_text(str(folder.resolve() / name)):
        raise FieldError(field, f"{name!a} is not a name in UTF-8")
    if Path(name).is_absolute() or "://" in name or ".." in Path(name).parts:
        raise FieldError(field, f"{name!r} must be a path inside the manifest's folder")
    path = folder / name
    probe = folder
    try:
        for part in Path(name).parts:
            probe = probe / part
            if probe.is_symlink():
                raise FieldError(field, f"{name!r} is a link")
        if not path.exists():
            raise FieldError(field, f"{name!r} does not exist")
        if not path.is_file():
            raise FieldError(field, f"{name!r} is not a file")
    except OSError as error:
        raise FieldError(field, f"{name!r} cannot be read: {error.strerror}") from None
    return path


def sha256_of(path: Path) -> str:
    """Content hash of a regular file, read without following a link. Raises ManifestError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ManifestError(f"{path.name!r} is not a regular file")
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ManifestError(f"{path.name!r} cannot be read: {error.strerror}") from None
