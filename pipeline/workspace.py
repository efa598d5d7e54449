"""The folder a batch lives in: settings, database, and what was costly to get, kept by the hash of all that shaped it.

    verbatim.toml      settings
    verbatim.duckdb    the record
    asr/<hash>.json    what the recogniser heard in one stream
    llm/<hash>.json    what a model answered to one request
    logs/              ids and counts

The folder is 0700 and its files 0600: it holds candidates' words.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from pipeline.adapters.store.connection import Store

TOML = """\
# Verbatim's settings for this workspace. Every key has a default; `verbatim doctor` shows what is in force.

[transcribe]
# model = "base"            # a folder with a faster-whisper model, or a name
# language = "en"           # detected when absent
# glossary = ["PagerDuty"]  # names and terms to expect

[extract]
# rubric = "senior-backend" # the role profile of interviews that name none

[llm]
# model = "..."             # nothing is sent anywhere until this is set
# base_url = "http://127.0.0.1:8080/v1"
# allow_hosts = []          # hosts beyond this machine that may receive transcripts
"""


class Workspace:
    """Paths of a workspace; `create` makes it, `open` expects it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "verbatim.duckdb"
        self.asr = folder / "asr"
        self.llm = folder / "llm"
        self.logs = folder / "logs"

    @classmethod
    def create(cls, folder: Path) -> Workspace:
        """Make the folder and its verbatim.toml where they are missing; existing content stays."""
        workspace = cls(folder)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for sub in (workspace.asr, workspace.llm, workspace.logs):
                sub.mkdir(mode=0o700, exist_ok=True)
            if not (folder / "verbatim.toml").exists():
                write_private(folder / "verbatim.toml", TOML.encode())
        except OSError as error:
            raise SettingsError(
                f"{folder} cannot be made a workspace: {error.strerror}.", next_step="choose another folder with -w."
            ) from None
        return workspace

    @classmethod
    def open(cls, folder: Path) -> Workspace:
        """The workspace at `folder`. Raises SettingsError when there is none."""
        if not (folder / "verbatim.toml").is_file() and not (folder / "verbatim.duckdb").is_file():
            raise SettingsError(
                f"{folder} is not a workspace.", next_step=f"verbatim init {folder}, or name one with -w."
            )
        return cls.create(folder)

    def sweep(self) -> None:
        """Remove what killed programs left half written; what a living one is writing stays."""
        for folder in (self.folder, self.asr, self.llm):
            for path in folder.glob(".writing-*"):
                if not _lives(path.name.split("-")[1]):
                    path.unlink(missing_ok=True)

    def store(self, *, wait_s: float | None = None) -> Store:
        """The database, opened only while it is used; `wait_s` is how long a turn is waited for."""
        from pipeline.adapters.store.connection import WAIT_S, Store

        return Store(self.database, wait_s=WAIT_S if wait_s is None else wait_s)


def write_private(path: Path, content: bytes) -> None:
    """Write one file as `write_together` writes several."""
    write_together({path: content})


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write to temporary names, flush to the disk, rename: each file is whole or not there, mode 0600.

    Several cost little more than one, since the first flush does most of the work for all. Raises StoreError when the
    disk is full or a folder cannot be written; the files that have their name by then stay.
    """
    begun: dict[Path, Path] = {}
    path = Path()
    try:
        try:
            for path, content in files.items():
                begun[path] = path.parent / f".writing-{os.getpid()}-{secrets.token_hex(8)}"
                with open(begun[path], "xb", opener=private) as file:
                    file.write(content)
            for path, written in begun.items():
                _flush(written)
                written.replace(path)
        except BaseException:
            for written in begun.values():
                written.unlink(missing_ok=True)
            raise
        for folder in {path.parent for path in begun}:
            _flush(folder)
    except OSError as error:
        raise StoreError(
            f"{path.name} could not be written: {error.strerror}.",
            kept="everything finished before.",
            next_step="free some space, then run the same command again.",
        ) from None


def private(path: str, flags: int) -> int:
    """An opener for `open`: a new file is its owner's alone."""
    return os.open(path, flags, 0o600)


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        return True
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
