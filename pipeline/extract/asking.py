"""What a model is shown: numbered lines, a pillar, and the form its answer must have.

One request a chunk and pillar: the lines first and the pillar last, so that servers reuse the common prefix and a new
pillar costs that pillar only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.ports import LLM
from pipeline.prompting import PromptTemplate
from pipeline.records import Line, ModelRequest, Role
from pipeline.redact import Redacted, Redactor
from pipeline.rubric import Pillar

MARK: dict[Role, str] = {"candidate": "C", "interviewer": "I", "unknown": "?"}
PAUSE_S = 5.0
LONGEST_ECHO = 4000  # characters of a bad answer that are shown to the model again


class Talk:
    """An interview's lines as they are shown, with whatever names people replaced."""

    def __init__(self, lines: Sequence[Line], roles: dict[str, Role], redactor: Redactor | None = None) -> None:
        self.lines = lines
        self.roles = roles
        hide = redactor or Redactor(active=False)
        self.shown: list[Redacted] = [hide.redact(line.text) for line in lines]

    def show(self, first: int, last: int) -> str:
        """Lines `first` to `last`: number, role, time, words; a long pause is shown as such."""
        rows = []
        end_s: float | None = None
        for line in self.lines[first - 1 : last]:
            if end_s is not None and line.start_s - end_s >= PAUSE_S:
                rows.append(f"[{line.start_s - end_s:.0f} s pause]")
            minutes, seconds = divmod(int(line.start_s), 60)
            mark = MARK[self.roles.get(line.speaker, "unknown")]
            rows.append(f"{line.line} {mark} {minutes:02d}:{seconds:02d} {self.words(line.line)}")
            end_s = line.end_s
        return "\n".join(rows)

    def words(self, line: int) -> str:
        """The words of one line on one line."""
        return " ".join(self.shown[line - 1].text.split())

    def halves(self, first: int, last: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Two ranges in place of one, cut where a turn begins if one does near the middle."""
        middle = (first + last + 1) // 2
        starts = [n for n in range(first + 1, last + 1) if self.lines[n - 1].turn != self.lines[n - 2].turn]
        near = [n for n in starts if abs(n - middle) <= (last - first + 1) // 4]
        cut = min(near, key=lambda n: abs(n - middle), default=middle)
        return (first, cut - 1), (cut, last)


def answer_schema(pillar: Pillar, form: str = "lines") -> dict[str, Any]:
    """The closed JSON schema of an answer, with the pillar's signals as the only ones there are.

    `lines`: each piece of evidence is one short string, "12-13 edge-cases by 10": lines, signal, and the interviewer's
    line that prompted it. `quotes` (for comparison): the model writes the words out.
    """
    signals = [signal.id for signal in pillar.signals]
    piece: dict[str, Any]
    if form == "lines":
        piece = {
            "type": "string",
            "pattern": f"^[0-9]{{1,6}}(-[0-9]{{1,6}})? ({'|'.join(signals)})( by [0-9]{{1,6}})?$",
        }
    else:
        piece = _closed(
            quote={"type": "string"},
            signal={"type": "string", "enum": signals},
            prompted_by={"anyOf": [{"type": "integer"}, {"type": "null"}]},
        )
    return _closed(evidence={"type": "array", "items": piece}, probes={"type": "array", "items": {"type": "integer"}})


def shown_schema() -> dict[str, Any]:
    """The answer of the support check: numbers of the quotes that show their signal."""
    return _closed(shown={"type": "array", "items": {"type": "integer"}})


def _closed(**properties: dict[str, Any]) -> dict[str, Any]:
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
    )


def build_request(
    llm: LLM, template: PromptTemplate, examples: str, talk: Talk, first: int, last: int, pillar: Pillar
) -> ModelRequest:
    """The request that shows lines `first` to `last` and asks about one pillar."""
    messages = template.render(lines=talk.show(first, last), pillar=pillar.for_model(), examples=examples)
    return request_for(llm, answer_schema(pillar, template.answer), messages)


def ask_again(request: ModelRequest, answer: str, fault: str) -> ModelRequest:
    """The same request with the answer that could not be read and what was wrong with it."""
    more = (
        {"role": "assistant", "content": answer[:LONGEST_ECHO]},
        {"role": "user", "content": f"That is not the JSON that was asked for ({fault}). Answer with that JSON only."},
    )
    return request.model_copy(update={"messages": (*request.messages, *more)})
