"""Batch files: open requests out as OpenAI Batch API JSONL, results in, in whatever order and state they come.

A row's `custom_id` is the request's hash and its `body` is what a live call would send. The requests themselves stay
in llm/ without an answer, so that results can be read by any later process. Nothing that fails is lost: an entry that
expired, failed or never came back is simply still open and stands in the next file that is written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.adapters.llm.envelope import read_json
from pipeline.adapters.llm.kept import LONGEST_FAULT, Attempt, Kept, KeptAnswers
from pipeline.adapters.llm.pending import PendingLLM
from pipeline.adapters.llm.post import TOO_LONG
from pipeline.errors import EndpointError, VerbatimError
from pipeline.hashing import content_hash
from pipeline.records import Record
from pipeline.workspace import write_private

MOST_REQUESTS = 50_000  # in one file, the limit of the hosted service
MOST_BYTES = 200_000_000
URL = "/v1/chat/completions"


class BatchRead(Record):
    """What became of the rows of result files. `open` requests were written and have no answer yet."""

    taken: int = 0
    already: int = 0
    failed: int = 0
    expired: int = 0
    unknown: int = 0
    broken: int = 0
    open: int = 0


def write(
    folder: Path, pending: PendingLLM, *, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES
) -> list[Path]:
    """Write the open requests as requests-001.jsonl and so on, each within both limits. Raises StoreError.

    Request files of an earlier round go: what is still open in them stands in the new ones.
    Raises EndpointError for a request that alone exceeds the limit of bytes.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths: list[Path] = []
    rows: list[bytes] = []
    size = 0

    def flush() -> None:
        if rows:
            path = folder / f"requests-{len(paths) + 1:03d}.jsonl"
            write_private(path, b"".join(rows))
            paths.append(path)

    for name, request in pending.requests.items():
        row = {
            "custom_id": name,
            "method": "POST",
            "url": URL,
            "body": pending.dialect.body(request),
        }
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        if len(line) > most_bytes:
            raise EndpointError(f"request {name} alone exceeds {most_bytes:,} bytes.")
        if len(rows) == most_requests or size + len(line) > most_bytes:
            flush()
            rows, size = [], 0
        rows.append(line)
        size += len(line)
        if pending.kept.read(name) is None:
            pending.kept.write(Kept(request=request, dialect=pending.dialect, via="batch"))
    flush()
    for path in set(folder.glob("requests-[0-9][0-9][0-9].jsonl")) - set(paths):
        path.unlink()
    return paths


def read(files: Iterable[Path], kept: KeptAnswers) -> BatchRead:
    """Take results in, from result and error files in any order. Raises VerbatimError for one that cannot be."""
    counts: Counter[str] = Counter()
    for row in _rows(files):
        counts["broken" if row is None else _take(row, kept)] += 1
    left = sum(1 for name in kept.hashes() if (found := kept.read(name)) and found.raw is None and not found.too_long)
    return BatchRead(**counts, open=left)


def _rows(files: Iterable[Path]) -> Iterator[dict[str, Any] | None]:
    for path in files:
        try:
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    if not line.strip():
                        continue
                    try:
                        row = read_json(line)
                    except ValueError:
                        row = None
                    yield row if isinstance(row, dict) and isinstance(row.get("custom_id"), str) else None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise VerbatimError(f"{path} cannot be read: {reason}.", kept="every row read before.") from None


def _take(row: dict[str, Any], kept: KeptAnswers) -> str:
    """Keep one result; the name of what became of it."""
    name = row["custom_id"]
    before = kept.read(name) if _is_hash(name) else None
    if before is None:
        return "unknown"
    if before.raw is not None or before.too_long:
        return "already"
    body, status, code = _result(row, before)
    if body is not None:
        attempt = Attempt(at=_now(), seconds=0.0, status=status)
        raw = json.dumps(body, ensure_ascii=False)
        kept.write(before.model_copy(update={"raw": raw, "via": "batch", "attempts": (*before.attempts, attempt)}))
        return "taken"
    fault = "expired" if "expired" in code else "failed"
    raw = json.dumps(row, ensure_ascii=False)[:LONGEST_FAULT]
    attempt = Attempt(at=_now(), seconds=0.0, status=status, fault=f"batch-{fault}", raw=raw)
    if attempt.raw not in {past.raw for past in before.attempts}:  # a file that is read twice says nothing new
        too_long = status in (400, 413) and bool(TOO_LONG.search(raw.lower()))
        kept.write(before.model_copy(update={"attempts": (*before.attempts, attempt), "too_long": too_long}))
    return fault


def _result(row: dict[str, Any], before: Kept) -> tuple[dict[str, Any] | None, int | None, str]:
    """(chat answer or None, HTTP status, error code) of a row; a bare `text` is taken as the model's answer."""
    if isinstance(row.get("text"), str):
        message = {"role": "assistant", "content": row["text"]}
        usage = {"prompt_tokens": row.get("input_tokens", 0), "completion_tokens": row.get("output_tokens", 0)}
        choice = {"index": 0, "message": message, "finish_reason": row.get("finish_reason", "stop")}
        return {"model": row.get("model", before.request.model), "choices": [choice], "usage": usage}, 200, ""
    error, response = row.get("error"), row.get("response")
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    if not isinstance(response, dict):
        return None, None, code
    status, body = response.get("status_code"), response.get("body")
    status = status if isinstance(status, int) else None
    if error or status != 200 or not isinstance(body, dict) or not body.get("choices"):
        return None, status, code
    return body, status, code


def _is_hash(name: str) -> bool:
    return len(name) == 16 and all(character in "0123456789abcdef" for character in name)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def fingerprint(path: Path) -> str:
    """Names a request file's content, to find its batch again at the service."""
    return content_hash([json.loads(line)["custom_id"] for line in path.read_text(encoding="utf-8").splitlines()])
