"""What to take in: a manifest (TOML or CSV), folders, or files. Ids are never paths; a bad entry stops only itself."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import stat
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import ManifestError
from pipeline.records import Interview, Record

AUDIO = frozenset(["wav", "mp3", "m4a", "mp4", "webm", "flac", "ogg", "opus", "mka", "mov", "aac"])
TEXT = frozenset(["vtt", "srt", "json", "txt"])
ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
SAME_LENGTH_S = 2.0  # tracks of one call are as long as each other
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
_LISTS = ("interviewers", "questions", "names", "recordings")


class Refusal(Record):
    """A manifest entry that cannot run, with the reason and what to do."""

    interview_id: str
    reason: str
    retry: str


class Intake(Record):
    """What was found: interviews to run, and entries that were refused."""

    interviews: tuple[Interview, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def take_in(path: Path, *, default_profile: str, consent: bool, duration_of: Callable[[Path], float | None]) -> Intake:
    """Read a manifest, a folder or a single file.

    A folder with `manifest.toml` or `manifest.csv` is read as that manifest. Any other folder is a collection: each
    file is an interview, each sub-folder with recordings is one interview with a track per participant, and so is a
    folder whose recordings are all of the same length. Without a manifest roles are proposed, and `consent` is the
    word of the person at the keyboard. Raises ManifestError when nothing usable is there.
    """
    if path.is_dir():
        for name in ("manifest.toml", "manifest.csv"):
            if (path / name).is_file():
                return read_manifest(path / name, default_profile=default_profile)
        return _collection(path, default_profile, consent, duration_of)
    if not path.exists():
        raise ManifestError(f"{path} does not exist.", next_step="check the spelling.")
    if path.suffix.lower() in (".toml", ".csv"):
        return read_manifest(path, default_profile=default_profile)
    return _entries([[path]], path.parent, default_profile, consent)


def read_manifest(path: Path, *, default_profile: str) -> Intake:
    """Each good entry as an Interview, each bad one as a Refusal that names line and field."""
    rows = list(_rows(path))
    counts = Counter(str(row.get("interview_id")) for _, row in rows)
    interviews: list[Interview] = []
    refusals: list[Refusal] = []
    for line, row in rows:
        name = str(row.get("interview_id", ""))
        try:
            if counts[name] > 1:
                raise ManifestError("interview_id: used twice")
            interviews.append(_interview(row, path.parent, default_profile))
        except ManifestError as error:
            shown = name if ID.fullmatch(name) else f"{path.stem}-line-{line}"
            refusals.append(
                Refusal(
                    interview_id=shown,
                    reason=f"{path.name}, line {line}: {error.what}",
                    retry=f"mend {path.name}, then: verbatim run {path}",
                )
            )
    return Intake(interviews=tuple(interviews), refusals=tuple(refusals))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path} cannot be read: {error}") from None
    if path.suffix.lower() == ".csv":
        yield from _csv_rows(text)
        return
    try:
        entries = tomllib.loads(text).get("interviews", [])
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path} is not valid TOML: {error}", next_step=f"mend {path} and run again.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ManifestError(f"{path}: expected [[interviews]] tables.", next_step="see docs/manifest.md.")
    starts = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*interviews\s*\]\]", line)]
    for i, entry in enumerate(entries):
        yield (starts[i] if i < len(starts) else 1), entry


def _csv_rows(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lists are separated by ';', roles are written as 'left=interviewer; right=candidate'."""
    reader = csv.DictReader(text.splitlines())
    for row in reader:
        entry: dict[str, Any] = {key: value.strip() for key, value in row.items() if key and value and value.strip()}
        for key in _LISTS:
            if key in entry:
                entry[key] = [part.strip() for part in entry[key].split(";") if part.strip()]
        if "roles" in entry:
            pairs = (part.partition("=") for part in entry["roles"].split(";") if part.strip())
            entry["roles"] = {label.strip(): role.strip() for label, _, role in pairs}
        if "consent" in entry:
            entry["consent"] = {"true": True, "yes": True, "1": True}.get(entry["consent"].lower(), False)
        if None in row:
            entry["(more columns than the header)"] = row[None]
        yield reader.line_num, entry


def _interview(row: dict[str, Any], folder: Path, default_profile: str) -> Interview:
    unknown = sorted(set(row) - _KEYS)
    if unknown:
        raise ManifestError(f"{unknown[0]}: unknown field (known: {', '.join(sorted(_KEYS))})")
    for key in ("interview_id", "candidate_id"):
        _check_id(key, row.get(key))
    if row.get("consent") is not True:
        raise ManifestError("consent: must be true; without consent nothing is decoded")
    if not row.get("recordings") and not row.get("transcript"):
        raise ManifestError("recordings: give a recording or a transcript")
    fields = {key: value for key, value in row.items() if key != "date"}
    fields.setdefault("role_profile", default_profile)
    if "date" in row:
        fields["held_on"] = row["date"]
    try:
        interview = Interview.model_validate(
            {**fields, "folder": str(folder.resolve()), "roles_source": "manifest" if row.get("roles") else "proposed"}
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ManifestError(f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}") from None
    for key in ("interviewers", "questions"):
        for value in getattr(interview, key):
            _check_id(key, value)
    for name in (*interview.recordings, *([interview.transcript] if interview.transcript else [])):
        resolve(folder, name)
    return interview


def _check_id(field: str, value: object) -> None:
    if not isinstance(value, str) or not ID.fullmatch(value) or ".." in value:
        raise ManifestError(f"{field}: letters, digits, dot, dash and underscore, at most 64 (an id is never a path)")


def resolve(folder: Path, name: str) -> Path:
    """The regular file `name` inside `folder`; no link, no way out, no URL. Raises ManifestError."""
    if "\0" in name or Path(name).is_absolute() or "://" in name or ".." in Path(name).parts:
        raise ManifestError(f"recordings: {name!r} must be a path inside the manifest's folder")
    path = folder / name
    probe = folder
    for part in Path(name).parts:
        probe = probe / part
        if probe.is_symlink():
            raise ManifestError(f"recordings: {name!r} is a link")
    if not path.exists():
        raise ManifestError(f"recordings: {name!r} does not exist")
    if not path.is_file():
        raise ManifestError(f"recordings: {name!r} is not a file")
    return path


def sha256_of(path: Path) -> str:
    """Content hash of a regular file, read without following a link."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ManifestError(f"{path.name} is not a regular file")
        return hashlib.file_digest(file, "sha256").hexdigest()


def _collection(
    folder: Path, default_profile: str, consent: bool, duration_of: Callable[[Path], float | None]
) -> Intake:
    groups: list[list[Path]] = []
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    audio = [p for p in files if _kind(p) == "audio"]
    if len(audio) > 1 and _same_length(audio, duration_of):
        groups.append([p for p in files if _kind(p)])
    else:
        stems: dict[str, list[Path]] = {}
        for path in files:
            if _kind(path):
                stems.setdefault(path.stem, []).append(path)
        groups += stems.values()
    for sub in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
        inside = sorted(p for p in sub.iterdir() if p.is_file() and _kind(p))
        if inside:
            groups.append(inside)
    if not groups:
        raise ManifestError(
            f"{folder} holds no recording, transcript or manifest.",
            next_step="put recordings there, or write a manifest.toml (docs/manifest.md).",
        )
    return _entries(groups, folder, default_profile, consent)


def _kind(path: Path) -> str:
    suffix = path.suffix.lower().lstrip(".")
    return "audio" if suffix in AUDIO else "transcript" if suffix in TEXT else ""


def _same_length(paths: list[Path], duration_of: Callable[[Path], float | None]) -> bool:
    lengths = [duration_of(path) for path in paths]
    known = [length for length in lengths if length]
    return len(known) == len(paths) and max(known) - min(known) <= SAME_LENGTH_S


def _entries(groups: list[list[Path]], folder: Path, default_profile: str, consent: bool) -> Intake:
    interviews: list[Interview] = []
    refusals: list[Refusal] = []
    names: Counter[str] = Counter()
    for paths in groups:
        name = _slug(paths[0].stem if len({p.stem for p in paths}) == 1 else paths[0].parent.name)
        names[name] += 1
        if names[name] > 1:
            name = f"{name}-{names[name]}"
        recordings = [str(p.relative_to(folder)) for p in paths if _kind(p) == "audio"]
        transcripts = [str(p.relative_to(folder)) for p in paths if _kind(p) == "transcript"]
        if not consent:
            reason = "consent is not recorded: nothing is decoded without it"
            retry = "verbatim run PATH --consent, or a manifest with consent = true"
            refusals.append(Refusal(interview_id=name, reason=reason, retry=retry))
            continue
        try:
            row = {
                "interview_id": name,
                "candidate_id": name,
                "recordings": recordings,
                "transcript": transcripts[0] if transcripts else None,
                "consent": True,
            }
            interviews.append(_interview(row, folder, default_profile))
        except ManifestError as error:
            refusals.append(
                Refusal(interview_id=name, reason=error.what, retry=f"mend the file, then: verbatim run {folder}")
            )
    return Intake(interviews=tuple(interviews), refusals=tuple(refusals))


def _slug(name: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:56].strip("-._").replace("..", ".")
    return cleaned or f"recording-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
