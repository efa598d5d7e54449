"""What to take in: a manifest (TOML or CSV), folders, or files. Ids are never paths; a bad entry stops only itself."""

from __future__ import annotations

from pipeline.ingest.entry import AUDIO, Intake, Refusal, join, resolve, sha256_of, typed
from pipeline.ingest.folders import take_in
from pipeline.ingest.manifest import read_manifest

__all__ = ["AUDIO", "Intake", "Refusal", "join", "read_manifest", "resolve", "sha256_of", "take_in", "typed"]
