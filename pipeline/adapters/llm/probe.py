"""Look an endpoint over before any candidate's words go there: three questions about made-up text.

    form      asked for a sentence under a schema that has no room for one: a server that enforces schemas cannot obey
    short     a code at the very start of a short prompt must come back
    long      the same at the length of real prompts; servers that cut prompts cut the front and answer 200

Tokens counted by the endpoint for the short and the long prompt show a cut even where the model cannot repeat a code.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.adapters.llm.envelope import SHORTEST_TOKENS, characters, read_envelope, read_json
from pipeline.adapters.llm.post import Fault
from pipeline.errors import AnswerError
from pipeline.records import ModelAnswer, ModelRequest, Record

if TYPE_CHECKING:
    from pipeline.adapters.llm.kept import Attempt
    from pipeline.adapters.llm.live import LiveLLM

CODE = "K7-ORCHID-52"
_CODE = "^[A-Z0-9-]{4,16}$"  # a small model's babble ends there
SHORT = 3_000  # characters
_FILLER = (
    "the kettle by the window is still warm",
    "a grey van stands across the street again",
    "we moved the shelf and found two keys behind it",
    "somebody should water the plant on the landing",
    "the train was late so we walked along the canal",
    "there is a draught from the small door at the back",
    "he counted eleven boats and one of them was blue",
)


class Check(Record):
    """One thing that was looked at. `ok` is None where it cannot be told."""

    name: str
    ok: bool | None
    detail: str
    next_step: str = ""


class Findings(Record):
    """What a probe found; `tokens_per_character` as the endpoint counts."""

    checks: tuple[Check, ...]
    tokens_per_character: float | None = None
    longest: int = 0

    @property
    def fault(self) -> Check | None:
        """The first check that failed."""
        return next((check for check in self.checks if check.ok is False), None)

    def kept(self) -> dict[str, Any]:
        """For the endpoint's file."""
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "longest": self.longest,
            "tokens_per_character": self.tokens_per_character,
        }


async def probe(llm: LiveLLM, longest: int) -> Findings:
    """Ask the three questions, the last one with a prompt of `longest` characters.

    Raises Fault when the endpoint gives no answer at all.
    """
    form = await _form(llm)
    short, short_tokens = await _canary(llm, SHORT)
    if short is None:
        return Findings(
            checks=(form, Check(name="front of the prompt", ok=None, detail="the short probe had no answer"))
        )
    try:
        long, long_tokens = await _canary(llm, longest)
    except Fault as fault:
        if fault.kind != "too-long":
            raise
        limit = Check(
            name="context",
            ok=None,
            detail=f"a prompt of {longest:,} characters does not fit and is refused openly; such chunks are halved",
            next_step="raise the server's context, or lower extract.chunk_lines, to save requests.",
        )
        return Findings(checks=(form, limit), tokens_per_character=_ratio(short_tokens, SHORT), longest=longest)
    ratio = _ratio(short_tokens, SHORT)
    front = _front(short, long, _ratio(long_tokens, longest), ratio, longest)
    return Findings(checks=(form, front), tokens_per_character=ratio, longest=longest)


async def answers(llm: LiveLLM) -> bool:
    """Whether the endpoint answers a question about nothing at all, be it well or badly."""
    try:
        await _ask(llm, "Answer with JSON.", "What colour is the sky at noon?", _closed(colour={"type": "string"}))
    except Fault:
        return False
    except AnswerError:
        pass
    return True


async def _form(llm: LiveLLM) -> Check:
    """With a schema: an instruction that contradicts it. Without: a plain request for JSON."""
    while True:
        dialect = llm.dialect
        strict = dialect.answer_format in ("json_schema", "plain_schema")
        want = "Answer with one English sentence." if strict else 'Answer with JSON only: {"colour":"blue"} or "green".'
        answer = await _ask(
            llm, want, "What colour is the sky at noon?", _closed(colour={"type": "string", "enum": ["blue", "green"]})
        )
        if llm.dialect == dialect:
            break
    name = f"answers under {dialect.answer_format}"
    if answer is not None and _field(answer, "colour") in ("blue", "green"):
        return Check(name=name, ok=True, detail="enforced" if strict else "as asked")
    if strict:
        return Check(
            name=name,
            ok=False,
            detail="a schema is accepted and not enforced",
            next_step='set [llm] profile = "text-only" to go without one (answers are checked all the same), '
            "or use a server that enforces schemas.",
        )
    return Check(name=name, ok=False, detail="the model gives no JSON when asked", next_step="use another model.")


async def _canary(llm: LiveLLM, length: int) -> tuple[bool | None, int]:
    """Whether the code at the front came back, and the tokens counted; None for an answer that says nothing."""
    head = f"The code is {CODE}. Keep it in mind. Some talk follows that does not matter."
    filler = _talk(length - len(head) - 60)
    answer = await _ask(llm, head, f"{filler}\nWhat is the code?", _closed(code={"type": "string", "pattern": _CODE}))
    if answer is None:
        return None, 0
    return _field(answer, "code") == CODE, answer.input_tokens


def _front(short: bool, long: bool | None, long_ratio: float | None, ratio: float | None, longest: int) -> Check:
    name, size = "front of the prompt", f"a prompt of {longest:,} characters"
    cut = Check(
        name=name,
        ok=False,
        detail=f"the endpoint cuts {size} without saying so",
        next_step="raise the server's context (Ollama: OLLAMA_CONTEXT_LENGTH), or lower extract.chunk_lines.",
    )
    if ratio and long_ratio:
        if long_ratio < SHORTEST_TOKENS * ratio:
            return cut
        counted = f"{long_ratio:.2f} tokens a character, as in a short one"
        if long or not short:
            return Check(name=name, ok=True, detail=f"{size} is read whole ({counted})")
        return Check(name=name, ok=None, detail=f"the token count is plausible ({counted}); the code did not come back")
    if short and not long:
        return cut
    return Check(
        name=name,
        ok=True if long else None,
        detail=f"the code at the front of {size} came back; the endpoint counts no tokens"
        if long
        else "cannot be told",
    )


async def _ask(llm: LiveLLM, system: str, user: str, schema: dict[str, Any]) -> ModelAnswer | None:
    """One probing request, outside the kept answers but counted; None when its answer cannot be read."""
    request = ModelRequest(
        endpoint=llm.endpoint,
        model=llm.model,
        messages=({"role": "system", "content": system}, {"role": "user", "content": user}),
        answer_schema=schema,
        temperature=llm.temperature,
        max_output_tokens=llm.max_output_tokens,
    )
    attempts: list[Attempt] = []
    _, raw = await llm.speak(request, attempts)
    llm.count(request, raw, attempts)
    try:
        return read_envelope(raw, request, answers_as=llm.settings.answers_as)
    except AnswerError as error:
        if error.fault == "other-model":
            raise
        return None


def _closed(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _field(answer: ModelAnswer, field: str) -> Any:
    try:
        content = read_json(answer.text)
    except ValueError:
        return None
    return content.get(field) if isinstance(content, dict) and set(content) == {field} else None


def _talk(length: int) -> str:
    """Numbered lines of nothing in particular, in the form in which transcripts are shown."""
    rows: list[str] = []
    size = 0
    while size < length:
        n = len(rows)
        rows.append(f"{n + 1} C {n // 12:02d}:{n * 5 % 60:02d} {_FILLER[(n * 3 + n // 7) % len(_FILLER)]}")
        size += len(rows[-1]) + 1
    return "\n".join(rows)


def _ratio(tokens: int, length: int) -> float | None:
    return tokens / length if tokens else None


def longest_for(request: ModelRequest) -> int:
    """How long a probe must be for requests like this one."""
    return max(round(characters(request) * 1.25), 2 * SHORT)
