"""Compiled rules kept in the user's cache folder, so that a run starts at once. They are valid while the sources are.

The file holds the project's own rules as plain values in Python's serial form, nothing of any feedback. It is read only
when it belongs to the user and nobody else can write it. Without a folder to write to, all works and starts later.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
from pathlib import Path
from typing import Any

_MAKERS = ("rules.py", "pattern.py", "alphabet.py", "index.py", "kept.py")


def folder() -> Path | None:
    """Where compiled rules are kept: `$XDG_CACHE_HOME/verbatim`, else `~/.cache/verbatim`."""
    chosen = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(chosen) if chosen else Path.home() / ".cache") / "verbatim"
    except RuntimeError:  # no home
        return None


def _place(source: Path) -> Path | None:
    home = folder()
    return home / f"{source.stem}.{sys.implementation.cache_tag}.bin" if home else None


def _stamp(source: Path) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Which rules, and when they and the code that compiles them were last changed, with their sizes."""
    here = Path(__file__).parent
    states = [path.stat() for path in (source, *(here / name for name in _MAKERS))]
    return str(source.resolve()), tuple((state.st_mtime_ns, state.st_size) for state in states)


def load(source: Path) -> dict[str, Any] | None:
    """What was kept for this source, or None when there is nothing, or nothing to be trusted, or it is out of date."""
    place = _place(source)
    try:
        if place is None or not _own(place):
            return None
        stamp, compiled = marshal.loads(place.read_bytes())  # noqa: S302 - our own file, see above
        kept: dict[str, Any] | None = compiled if stamp == _stamp(source) else None
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return kept


def _own(place: Path) -> bool:
    state = place.lstat()
    mine = not hasattr(os, "getuid") or state.st_uid == os.getuid()
    return mine and stat.S_ISREG(state.st_mode) and not state.st_mode & 0o022


def save(source: Path, compiled: dict[str, Any]) -> None:
    """Keep it; where that is not possible, do nothing."""
    place = _place(source)
    if place is None:
        return
    draft = place.with_suffix(f".{os.getpid()}.tmp")
    try:
        content = marshal.dumps((_stamp(source), compiled))
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        draft.replace(place)
    except OSError:
        draft.unlink(missing_ok=True)
