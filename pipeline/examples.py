"""The demo's material: beside the code in a checkout, inside the package when installed."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.errors import SettingsError

WANTED = ("manifest.toml", "PROVENANCE.md", "*.ogg", "i-*/*.ogg", "feedback/*.md")


def copy_examples(target: Path) -> Path:
    """Copy recordings, manifest and feedback into `target`, so that the demo's quotes keep playing; returns it."""
    here = Path(__file__).parent
    source = next((p for p in (here / "_examples", here.parent / "examples") if (p / "manifest.toml").is_file()), None)
    if source is None:
        raise SettingsError("the demo's recordings are not installed.", next_step="install Verbatim again.")
    for pattern in WANTED:
        for path in sorted(source.glob(pattern)):
            copy = target / path.relative_to(source)
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not copy.exists() or copy.read_bytes() != path.read_bytes():
                shutil.copyfile(path, copy)
    return target
