"""Opening what a person or a manifest named: regular files only, through no link, of sane size, never waiting."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import MediaError, TranscriptError


@contextlib.contextmanager
def opened(path: Path, error: type[MediaError] | type[TranscriptError], max_bytes: int) -> Iterator[int]:
    """A descriptor of `path`, or `error` with the reason: missing, a link, no file, empty or too large."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as fault:
        reason = "is a link" if path.is_symlink() else "cannot be opened" if path.exists() else "does not exist"
        raise error(f"{shown(path)} {reason}.", next_step="Name the file itself.") from fault
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise error(f"{shown(path)} is not a file.", next_step="Name a recording or a transcript.")
        if status.st_size == 0:
            raise error(f"{shown(path)} is empty (0 bytes).", next_step="Export or copy it again.")
        if status.st_size > max_bytes:
            raise error(
                f"{shown(path)} has {status.st_size / 1e6:,.0f} MB, more than the {max_bytes / 1e6:,.0f} MB allowed.",
                next_step="Check that it is the right file, or cut it into interviews.",
            )
        yield descriptor
    finally:
        os.close(descriptor)


def shown(path: Path) -> str:
    """A file name fit for a terminal: hostile names keep their letters and lose their powers."""
    return "".join(letter if letter.isprintable() else "?" for letter in path.name or str(path))[:120]


def read_text(path: Path, max_bytes: int = 16_000_000) -> str:
    """A UTF-8 text file a person named. Raises TranscriptError with the reason when it is none."""
    with opened(path, TranscriptError, max_bytes) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
        content = file.read(max_bytes + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise TranscriptError(f"{shown(path)}, line {line}: not UTF-8.", next_step="Save it as UTF-8.") from None
