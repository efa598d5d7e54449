"""How one endpoint wants to be spoken to: facts from prompts/providers.toml, corrected by what it refuses.

A request's hash does not cover the dialect: how the answer's form was asked for is kept beside the answer, so that a
dialect learned in the middle of a run makes no second call for what was answered before.
"""

from __future__ import annotations

import json
import tomllib
from fnmatch import fnmatch
from typing import Any, Literal

from pydantic import Field, ValidationError

from pipeline.errors import RubricError, SettingsError
from pipeline.prompting import prompts_folder
from pipeline.records import ModelRequest, Record

AnswerFormat = Literal["json_schema", "plain_schema", "json_object", "prompt"]
LADDER: tuple[AnswerFormat, ...] = ("json_schema", "plain_schema", "json_object", "prompt")
_OPTIONAL_KEYWORDS = frozenset(["pattern", "maxItems"])  # not every endpoint knows them; `plain_schema` goes without


class Profile(Record):
    """One provider's entry of prompts/providers.toml; prices are for a million tokens."""

    name: str
    about: str = ""
    hosts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    answer_format: AnswerFormat = "json_schema"
    context: int | None = None
    key_env: str = "OPENAI_API_KEY"
    input_price: float = 0.0
    output_price: float = 0.0
    currency: str = ""
    extra: dict[str, Any] = Field(default_factory=dict)

    def fits(self, host: str, model: str) -> bool:
        """True where host and model are this provider's; an entry that names neither fits nothing by itself."""
        at_host = not self.hosts or any(host == h or host.endswith(f".{h}") for h in self.hosts)
        has_model = not self.models or any(fnmatch(model, pattern) for pattern in self.models)
        return bool(self.hosts or self.models) and at_host and has_model


class Dialect(Record):
    """What was learned of an endpoint; kept in llm/ and used for every further request."""

    answer_format: AnswerFormat = "json_schema"
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The request's JSON body, the same for a live call and for a batch file."""
        messages = [dict(message) for message in request.messages]
        body: dict[str, Any] = {"model": request.model, "messages": messages, **request.extra}
        body[self.max_tokens] = request.max_output_tokens
        if self.temperature and request.temperature is not None:
            body["temperature"] = request.temperature
        if self.answer_format in ("json_schema", "plain_schema"):
            schema = request.answer_schema if self.answer_format == "json_schema" else _plain(request.answer_schema)
            named = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
            return body
        form = json.dumps(request.answer_schema, separators=(",", ":"), ensure_ascii=False)
        messages[0]["content"] += f"\n\nYour answer is one JSON object that satisfies this JSON Schema:\n{form}"
        if self.answer_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def after_refusal(self, hints: str) -> Dialect | None:
        """The dialect to try next after a 400 that spoke of `hints` (lower case); None when there is none left."""
        other = "max_completion_tokens" if self.max_tokens == "max_tokens" else "max_tokens"
        if "max_tokens" in hints and "max_completion_tokens" in hints and self.max_tokens == "max_tokens":
            return self.model_copy(update={"max_tokens": other})
        if "temperature" in hints and self.temperature:
            return self.model_copy(update={"temperature": False})
        spoke = any(word in hints for word in ("response_format", "json_schema", "json_object", "schema", "grammar"))
        step = LADDER.index(self.answer_format) + 1
        if spoke and step < len(LADDER):
            return self.model_copy(update={"answer_format": LADDER[step]})
        return None


def _plain(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _plain(value) for key, value in schema.items() if key not in _OPTIONAL_KEYWORDS}
    return [_plain(part) for part in schema] if isinstance(schema, list) else schema


def load_profiles() -> dict[str, Profile]:
    """All entries of prompts/providers.toml, in the file's order. Raises RubricError on a fault in the file."""
    path = prompts_folder() / "providers.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Profile(name=name, **entry) for name, entry in table.items()}
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise RubricError(f"{path} cannot be used: {error}") from None


def choose_profile(name: str | None, host: str, model: str) -> Profile:
    """The profile of that name, else the first that fits, else `compatible`. Raises SettingsError for unknown names."""
    profiles = load_profiles()
    if name is not None and name not in profiles:
        raise SettingsError(
            f"there is no provider profile '{name}'.", next_step=f"choose one of: {', '.join(sorted(profiles))}."
        )
    if name is not None:
        return profiles[name]
    return next((p for p in profiles.values() if p.fits(host, model)), profiles["compatible"])
