"""One hash for names: prompts, rubrics, requests, transcripts, evidence."""

from __future__ import annotations

import hashlib
import json


def content_hash(*parts: object) -> str:
    """SHA-256 over canonical JSON; 16 hex digits, enough for a name and short enough to read."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
