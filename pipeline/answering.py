"""Ask a model for a closed form, and read what it gives strictly: shared by every stage in which a model points.

An answer is the exact JSON that was asked for, or AnswerError; nothing is salvaged. Error messages name fields of our
own forms and never what the model wrote, which may be somebody's words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import AnswerError
from pipeline.ports import LLM
from pipeline.records import ModelAnswer, ModelCall, ModelRequest

LONGEST_ECHO = 4000  # characters of a bad answer that are shown to the model again
T = TypeVar("T")


class Form(BaseModel):
    """The form of an answer: closed, and silent about its input."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


F = TypeVar("F", bound=Form)


def closed(**properties: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of an object with exactly these fields."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def request_for(llm: LLM, schema: dict[str, Any], messages: Sequence[dict[str, str]]) -> ModelRequest:
    """A request to that endpoint with its own limits."""
    return ModelRequest(
        endpoint=llm.endpoint,
        model=llm.model,
        messages=tuple(messages),
        answer_schema=schema,
        temperature=llm.temperature,
        max_output_tokens=llm.max_output_tokens,
        extra=getattr(llm, "extra", {}),
    )


def ask_again(request: ModelRequest, answer: str, fault: str) -> ModelRequest:
    """The same request with the answer that could not be read and what was wrong with it."""
    more = (
        {"role": "assistant", "content": answer[:LONGEST_ECHO]},
        {"role": "user", "content": f"That is not the JSON that was asked for ({fault}). Answer with that JSON only."},
    )
    return request.model_copy(update={"messages": (*request.messages, *more)})


def parse(form: type[F], text: str, request_hash: str) -> F:
    """`text` as exactly that form. Raises AnswerError for anything else, duplicate keys and odd numbers included."""
    try:
        content = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
        return form.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise AnswerError(f"request {request_hash}: {_where(first['loc'])}: {first['msg']}") from None
    except RecursionError:
        raise AnswerError(f"request {request_hash}: the answer is nested too deeply") from None
    except ValueError as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise AnswerError(f"request {request_hash}: not JSON: {what}") from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key is there twice")
    return content


def _no_constants(_name: str) -> Any:
    raise ValueError("a number is not finite")


def _where(location: tuple[int | str, ...]) -> str:
    known = {field for form in Form.__subclasses__() for field in form.model_fields}
    shown = [
        str(part) if isinstance(part, int) or part in known else "(a field that was not asked for)" for part in location
    ]
    return ".".join(shown) or "the answer"


class Asker:
    """Questions to one endpoint, and the calls they took.

    An answer that cannot be read is asked for once more, with the fault; both stay on disk. `turn_down` is told the
    hashes of answers that came to nothing, so that they are asked for again next time.
    """

    def __init__(self, llm: LLM, turn_down: Callable[[str], None], calls: list[ModelCall] | None = None) -> None:
        self.llm = llm
        self.turn_down = turn_down
        self.calls: list[ModelCall] = [] if calls is None else calls

    async def complete(self, request: ModelRequest) -> ModelAnswer:
        """One answer, counted."""
        try:
            answer = await self.llm.complete(request)
        except AnswerError as error:
            if error.fault != "too-long":
                self.turn_down(request.hash)
            raise
        self.calls.append(
            ModelCall(
                request_hash=request.hash,
                model=request.model,
                cached=answer.cached,
                input_tokens=answer.input_tokens,
                output_tokens=answer.output_tokens,
                seconds=answer.seconds,
                attempts=answer.attempts,
            )
        )
        return answer

    async def read(self, request: ModelRequest, answer: ModelAnswer, reader: Callable[[str, str], T]) -> T:
        """What `reader` (text, request hash) makes of the answer, or of the second one.

        Raises AnswerError when neither can be read.
        """
        try:
            if answer.finish_reason == "length":
                raise AnswerError(f"request {request.hash}: the answer was cut", fault="length")
            return reader(answer.text, request.hash)
        except AnswerError as error:
            fault = error
        again = ask_again(request, answer.text, fault.what.split(": ", 1)[-1])
        try:
            second = await self.complete(again)
            if second.finish_reason == "length":
                raise AnswerError(f"request {again.hash}: the answer was cut", fault="length")
            return reader(second.text, again.hash)
        except AnswerError as error:
            if error.fault == "pending":
                raise
            for name in (request.hash, again.hash):
                self.turn_down(name)
            if error.fault == "format" and "{" not in answer.text:
                raise AnswerError(f"request {request.hash}: the model refused to answer", fault="refused") from None
            raise
