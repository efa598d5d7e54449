"""What a model answered, one file a request: cache, audit trail and cassette in one.

    llm/<request hash>.json      request, dialect, raw answer, attempts, answers that were turned down before
    llm/endpoint-<hash>.json     the dialect an endpoint was found to speak

A file carries a digest of itself. One that was cut or changed is set aside under another name and asked for again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.adapters.llm.dialect import Dialect
from pipeline.hashing import content_hash
from pipeline.records import ModelRequest, Record
from pipeline.workspace import write_private, write_together

FORMAT = 1
LONGEST_FAULT = 20_000  # characters kept of an answer that was a fault


class Attempt(Record):
    """One try: when, how long, the HTTP status, and what went wrong (None: nothing)."""

    at: str
    seconds: float
    status: int | None = None
    fault: str | None = None
    raw: str | None = None


class Kept(Record):
    """One request and what came back.

    `raw` is the response body as received, None while there is none. `too_long`: the prompt did not fit, which asking
    again would not change.
    """

    request: ModelRequest
    dialect: Dialect
    raw: str | None = None
    too_long: bool = False
    via: str = "live"
    attempts: tuple[Attempt, ...] = ()
    turned_down: tuple[str, ...] = ()


class KeptAnswers:
    """The files of a folder, read and written whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, request_hash: str) -> Path:
        """Where the answer to that request is kept."""
        return self.folder / f"{request_hash}.json"

    def read(self, request_hash: str) -> Kept | None:
        """What is kept for that request; None when there is nothing, or nothing whole."""
        content = self._load(self.path(request_hash))
        if content is None:
            return None
        try:
            kept = Kept.model_validate(content)
        except ValidationError:
            self._set_aside(self.path(request_hash))
            return None
        if kept.request.hash != request_hash:
            self._set_aside(self.path(request_hash))
            return None
        return kept

    def write(self, *answers: Kept) -> None:
        """Keep them, on the disk before this returns. Raises StoreError when one cannot be."""
        write_together({self.path(a.request.hash): _sealed(a.model_dump(mode="json")) for a in answers})

    def turn_down(self, request_hash: str) -> None:
        """Do not use this answer again: it is kept under `turned_down`, and the request counts as unanswered."""
        kept = self.read(request_hash)
        if kept is not None and kept.raw is not None:
            self.write(kept.model_copy(update={"raw": None, "turned_down": (*kept.turned_down, kept.raw)}))

    def dialect(self, endpoint: str, model: str) -> Dialect | None:
        """What was learned of that endpoint and model, if anything."""
        content = self._load(self._endpoint_path(endpoint, model))
        try:
            return None if content is None else Dialect.model_validate(content["dialect"])
        except (ValidationError, KeyError):
            return None

    def checked(self, endpoint: str, model: str) -> dict[str, Any]:
        """What the last probe of that endpoint found; empty when it was never probed."""
        found = (self._load(self._endpoint_path(endpoint, model)) or {}).get("checked", {})
        return found if isinstance(found, dict) else {}

    def learn(self, endpoint: str, model: str, dialect: Dialect, checked: dict[str, Any]) -> None:
        """Remember the dialect and what a probe found."""
        content = {"endpoint": endpoint, "model": model, "dialect": dialect.model_dump(), "checked": checked}
        write_private(self._endpoint_path(endpoint, model), _sealed(content))

    def hashes(self) -> Iterator[str]:
        """Hashes of all requests at hand."""
        for path in sorted(self.folder.glob("*.json")):
            if not path.name.startswith("endpoint-"):
                yield path.stem

    def _endpoint_path(self, endpoint: str, model: str) -> Path:
        return self.folder / f"endpoint-{content_hash(endpoint, model)}.json"

    def _load(self, path: Path) -> dict[str, Any] | None:
        try:
            whole = path.read_bytes()
            start = whole[:-SEAL]
            if whole[-SEAL:] != _seal(start):
                raise ValueError("changed")
            content = json.loads(whole.decode("utf-8", "surrogatepass"))
            if content.pop("format") != FORMAT:
                raise ValueError("of another version")
            del content["digest"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, AttributeError, TypeError):
            self._set_aside(path)
            return None
        return dict(content)

    def _set_aside(self, path: Path) -> None:
        path.replace(path.with_suffix(".damaged"))


def _sealed(content: dict[str, Any]) -> bytes:
    text = json.dumps({"format": FORMAT, **content}, ensure_ascii=False, separators=(",", ":"))
    start = text[:-1].encode("utf-8", "surrogatepass")
    return start + _seal(start)


def _seal(start: bytes) -> bytes:
    """The end of a file: a digest over every byte before it."""
    return b',"digest":"%s"}' % hashlib.sha256(start).hexdigest().encode()


SEAL = len(_seal(b""))
