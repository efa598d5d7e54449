"""From a kept response body to the model's own text, or to the name of what is wrong with it.

A refusal, an empty answer, a filtered answer, an unknown ending or another model's name is a fault of its own, never
"no evidence". The text itself is read by `extract`.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

from pipeline.errors import AnswerError
from pipeline.records import ModelAnswer, ModelRequest

_DATED = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|\d{4}|\d{3}|latest)")
MOST_TOKENS = 2**31  # what an endpoint counts beyond that is no count
SHORTEST_TOKENS = 0.75  # share of the expected prompt tokens below which the prompt was cut


def read_json(raw: str) -> Any:
    """JSON from outside. Raises ValueError for what is broken, holds halves of characters or nests past all sense."""
    return from_json(raw)


def read_envelope(
    raw: str, request: ModelRequest, *, answers_as: tuple[str, ...] = (), tokens_per_character: float | None = None
) -> ModelAnswer:
    """The answer in a response body.

    `answers_as` are further names under which the endpoint may report the model; `tokens_per_character` is what a
    probe measured, to notice a prompt that was cut. Raises AnswerError with the fault's name.
    """
    try:
        content = read_json(raw)
    except ValueError:
        raise AnswerError(f"request {request.hash}: the answer cannot be read") from None
    choices = content.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        raise AnswerError(f"request {request.hash}: the answer is empty", fault="empty")
    ending, text = first.get("finish_reason"), message.get("content")
    if message.get("refusal"):
        raise AnswerError(f"request {request.hash}: the model refused to answer", fault="refused")
    if ending == "content_filter":
        raise AnswerError(
            f"request {request.hash}: the endpoint's content filter held the answer back", fault="filtered"
        )
    if text is not None and not isinstance(text, str):
        raise AnswerError(f"request {request.hash}: the answer is not text", fault="finish")
    if ending != "length" and not (text or "").strip():
        raise AnswerError(f"request {request.hash}: the answer is empty", fault="empty")
    if ending not in ("stop", "length"):
        raise AnswerError(f"request {request.hash}: the answer has no known ending", fault="finish")
    reported = content.get("model")
    if not same_model(request.model, reported, answers_as):
        raise AnswerError(f"request {request.hash}: another model answered than the one asked", fault="other-model")
    asked, answered = usage_of(raw)
    if tokens_per_character and asked:
        expected = tokens_per_character * characters(request)
        if asked < SHORTEST_TOKENS * expected:
            raise AnswerError(
                f"request {request.hash}: the endpoint read {asked} tokens of a prompt of about {expected:.0f}; "
                "it cuts long prompts",
                fault="truncated",
                next_step="raise the server's context, or lower extract.chunk_lines.",
            )
    return ModelAnswer(
        text=text or "",
        model=reported if isinstance(reported, str) and reported else request.model,
        finish_reason=ending,
        input_tokens=asked,
        output_tokens=answered,
    )


def too_long(request: ModelRequest) -> AnswerError:
    """The error for a prompt that does not fit."""
    return AnswerError(f"request {request.hash}: the prompt exceeds the endpoint's context", fault="too-long")


def characters(request: ModelRequest) -> int:
    """Length of everything that is shown to the model."""
    return sum(len(message["content"]) for message in request.messages)


def same_model(asked: str, reported: Any, answers_as: tuple[str, ...] = ()) -> bool:
    """True when the reported name is the model that was asked: the same, a dated version of it, its file, or a name
    from `answers_as`. Servers that report none are taken at their word."""
    if reported is None or reported == "":
        return True
    if not isinstance(reported, str):
        return False
    if reported in (asked, *answers_as):
        return True
    if reported.startswith(asked) and _DATED.fullmatch(reported[len(asked) :]):
        return True
    return _stem(reported) == _stem(asked)


def _stem(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".gguf").lower()


def usage_of(raw: str) -> tuple[int, int]:
    """Tokens of the prompt and of the answer as the endpoint counted them; 0 where it does not say."""
    usage = read_json(raw).get("usage")
    counts = [usage.get(key) if isinstance(usage, dict) else None for key in ("prompt_tokens", "completion_tokens")]
    asked, answered = (n if isinstance(n, int) and 0 <= n < MOST_TOKENS else 0 for n in counts)
    return asked, answered
