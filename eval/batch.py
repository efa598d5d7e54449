"""Batch files: write every request down, let anybody answer them, read the answers.

A row of the request file is {"custom_id": hash, "body": {model, messages, response_format, ...}}, as batch endpoints
take it; a row of the answer file is {"custom_id": hash, "text": "...", "input_tokens": 0, "output_tokens": 0,
"seconds": 0.0}, all but the first two optional.
"""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import AnswerError
from pipeline.records import ModelAnswer, ModelRequest

NOTHING = '{"evidence":[],"probes":[]}'


class RequestFile:
    """An LLM that asks nobody: it keeps what it would have sent."""

    endpoint = "batch"
    local = True
    temperature: float | None = 0.0
    max_output_tokens = 2000

    def __init__(self, model: str) -> None:
        self.model = model
        self.requests: dict[str, ModelRequest] = {}

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        """Keep the request and answer that there is nothing."""
        self.keep(request)
        return ModelAnswer(text=NOTHING, model=self.model)

    def turn_down(self, request_hash: str) -> None:
        """Nothing was answered."""

    def keep(self, request: ModelRequest) -> None:
        """Remember a request."""
        self.requests[request.hash] = request

    def write(self, path: Path) -> int:
        """The requests as JSON Lines; returns how many."""
        rows = [json.dumps({"custom_id": key, "body": _body(r)}) for key, r in self.requests.items()]
        path.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
        return len(rows)


def _body(request: ModelRequest) -> dict[str, object]:
    schema = {"name": "answer", "strict": True, "schema": request.answer_schema}
    return {
        "model": request.model,
        "messages": list(request.messages),
        "temperature": request.temperature,
        "max_tokens": request.max_output_tokens,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }


class AnswerFile:
    """An LLM that looks answers up by request hash. Raises AnswerError for a request without one."""

    endpoint = "batch"
    local = True
    temperature: float | None = 0.0
    max_output_tokens = 2000

    def __init__(self, path: Path, model: str) -> None:
        self.model = model
        self.path = path
        try:
            rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines() if row.strip()]
            self.answers = {str(row["custom_id"]): row for row in rows}
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError):
            raise AnswerError(f"{path} is not a file of answers, one JSON object a line.") from None

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        """The kept answer."""
        row = self.answers.get(request.hash)
        if row is None:
            raise AnswerError(
                f"{self.path.name} has no answer to request {request.hash}.",
                next_step="write the requests again with --write-requests; prompt, rubric or gold changed.",
            )
        return ModelAnswer(
            text=str(row["text"]),
            model=self.model,
            input_tokens=int(row.get("input_tokens", 0)),
            output_tokens=int(row.get("output_tokens", 0)),
            seconds=float(row.get("seconds", 0.0)),
            cached=True,
        )

    def turn_down(self, request_hash: str) -> None:
        """A file stays as it is."""
