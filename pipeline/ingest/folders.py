"""Files and folders without a manifest: what belongs together, and what it is called."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.errors import ManifestError
from pipeline.ingest.entry import AUDIO, TEXT, Intake, Refusal, check_entry, suffix, typed
from pipeline.ingest.manifest import read_manifest
from pipeline.records import Interview

SAME_LENGTH_S = 2.0  # tracks of one call are as long as each other
TELLS_MOST = ("json", "vtt", "srt", "txt")  # which of one transcript's formats to read
DurationOf = Callable[[Path], float | None]


def take_in(path: Path, *, default_profile: str, consent: bool, duration_of: DurationOf) -> Intake:
    """Read a manifest, a folder or a single file.

    A folder with `manifest.toml` or `manifest.csv` is read as that manifest. Any other folder is a collection: each
    file is an interview, each sub-folder with recordings is one interview with a track per participant, and so is a
    folder whose recordings are all of the same length. Without a manifest roles are proposed, and `consent` is the
    word of the person at the keyboard; without it no file is opened. Raises ManifestError when nothing usable is there.
    """
    try:
        return _take_in(path, default_profile, consent, duration_of)
    except OSError as error:
        raise ManifestError(f"{str(path)!r} cannot be read: {error.strerror}.", next_step="check the path.") from None


def _take_in(path: Path, default_profile: str, consent: bool, duration_of: DurationOf) -> Intake:
    if path.is_dir():
        for name in ("manifest.toml", "manifest.csv"):
            if (path / name).is_file():
                return read_manifest(path / name, default_profile=default_profile)
        return _entries(_collection(path, consent, duration_of), path, path, default_profile, consent)
    if not path.exists():
        raise ManifestError(f"{path} does not exist.", next_step="check the spelling.")
    if path.suffix.lower() in (".toml", ".csv"):
        return read_manifest(path, default_profile=default_profile)
    if not _kind(path):
        known = ", ".join(sorted(AUDIO | TEXT))
        raise ManifestError(f"{path} is no recording, transcript or manifest.", next_step=f"known: {known}.")
    return _entries([[path]], path.parent, path, default_profile, consent)


def _collection(folder: Path, consent: bool, duration_of: DurationOf) -> list[list[Path]]:
    files = _files(folder)
    audio = [p for p in files if _kind(p) == "audio"]
    groups: list[list[Path]] = []
    if consent and len(audio) > 1 and _same_length(audio, duration_of):
        groups.append(files)
    else:
        stems: dict[str, list[Path]] = {}
        for path in files:
            stems.setdefault(path.stem, []).append(path)
        groups += stems.values()
    groups += [inside for sub in sorted(folder.iterdir()) if _shown(sub) and sub.is_dir() and (inside := _files(sub))]
    if not groups:
        raise ManifestError(
            f"{folder} holds no recording, transcript or manifest.",
            next_step="put recordings there, or write a manifest.toml (docs/manifest.md).",
        )
    return groups


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if _shown(p) and p.is_file() and _kind(p))


def _shown(path: Path) -> bool:
    return not path.name.startswith(".")


def _kind(path: Path) -> str:
    return "audio" if suffix(path.name) in AUDIO else "transcript" if suffix(path.name) in TEXT else ""


def _same_length(paths: Sequence[Path], duration_of: DurationOf) -> bool:
    lengths: list[float] = []
    for path in paths:
        length = duration_of(path)
        if not length or max([*lengths, length]) - min([*lengths, length]) > SAME_LENGTH_S:
            return False
        lengths.append(length)
    return True


def _entries(
    groups: Sequence[Sequence[Path]], folder: Path, given: Path, default_profile: str, consent: bool
) -> Intake:
    interviews: list[Interview] = []
    refusals: list[Refusal] = []
    taken: set[str] = set()
    retry = f"verbatim run {typed(given)} --consent"
    for paths in groups:
        name = _free(_slug(_name(paths, folder)), taken)
        taken.add(name)
        transcripts = sorted(
            (p for p in paths if _kind(p) == "transcript"), key=lambda p: TELLS_MOST.index(suffix(p.name))
        )
        row = {
            "interview_id": name,
            "candidate_id": name,
            "recordings": [str(p.relative_to(folder)) for p in paths if _kind(p) == "audio"],
            "transcript": str(transcripts[0].relative_to(folder)) if transcripts else None,
            "consent": True,
        }
        try:
            if not consent:
                raise ManifestError("consent is not recorded: nothing is decoded without it")
            if len({p.stem for p in transcripts}) > 1:
                raise ManifestError("transcript: there are several; name one in a manifest (docs/manifest.md)")
            interviews.append(check_entry(row, folder, default_profile))
        except ManifestError as error:
            refusals.append(Refusal(interview_id=name, reason=error.what, retry=retry))
    return Intake(interviews=tuple(interviews), refusals=tuple(refusals), sources=(retry,))


def _name(paths: Sequence[Path], folder: Path) -> str:
    """A sub-folder names its interview, else the file does, else the folder of tracks."""
    inside = paths[0].parent
    return paths[0].stem if inside == folder and len({p.stem for p in paths}) == 1 else inside.resolve().name


def _free(name: str, taken: set[str]) -> str:
    numbered = (name if n == 1 else f"{name}-{n}" for n in range(1, len(taken) + 2))
    return next(free for free in numbered if free not in taken)


def _slug(name: str) -> str:
    cleaned = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "-", name)).strip("-._")[:56].strip("-._")
    return cleaned or f"recording-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
