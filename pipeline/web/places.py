"""Where a recording lies: by its row in the record and its interview's folder, never by anything from a URL."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pipeline.adapters.store.connection import Row
from pipeline.errors import MediaError


def find_recording(row: Row) -> tuple[Path, os.stat_result]:
    """The file of a recording's row. Raises MediaError when it is gone, outside its folder, or another one by now."""
    folder = Path(row["folder"] or ".")
    path = folder / row["path"]
    try:
        if not path.resolve().is_relative_to(folder.resolve()) or path.is_symlink():
            raise MediaError("The recording does not lie in its interview's folder.")
        status = path.stat()
    except OSError:
        raise MediaError("The recording is no longer where it was.") from None
    if not stat.S_ISREG(status.st_mode) or status.st_size != row["size"]:
        raise MediaError("The recording's file has changed since it was transcribed; run it again.")
    return path, status
