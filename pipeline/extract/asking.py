"""What a model is shown: numbered lines, a pillar, and the form its answer must have.

One request a chunk and pillar: the lines first and the pillar last, so that servers reuse the common prefix and a new
pillar costs that pillar only.
"""

from __future__ import annotations

from typing import Any

from pipeline.answering import closed, request_for
from pipeline.ports import LLM
from pipeline.prompting import PromptTemplate
from pipeline.records import ModelRequest
from pipeline.rubric import Pillar
from pipeline.talk import Talk

MOST_PIECES = 40  # in one answer; a model that repeats itself ends there, real answers have a handful


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
            "pattern": f"^[0-9]{{1,5}}(-[0-9]{{1,5}})? ({'|'.join(signals)})( by [0-9]{{1,5}})?$",
        }
    else:
        piece = closed(
            quote={"type": "string"},
            signal={"type": "string", "enum": signals},
            prompted_by={"anyOf": [{"type": "integer"}, {"type": "null"}]},
        )
    return closed(
        evidence={"type": "array", "items": piece, "maxItems": MOST_PIECES},
        probes={"type": "array", "items": {"type": "integer"}, "maxItems": MOST_PIECES},
    )


def shown_schema() -> dict[str, Any]:
    """The answer of the support check: numbers of the quotes that show their signal."""
    return closed(shown={"type": "array", "items": {"type": "integer"}})


def build_request(
    llm: LLM, template: PromptTemplate, examples: str, talk: Talk, first: int, last: int, pillar: Pillar
) -> ModelRequest:
    """The request that shows lines `first` to `last` and asks about one pillar."""
    messages = template.render(lines=talk.show(first, last), pillar=pillar.for_model(), examples=examples)
    return request_for(llm, answer_schema(pillar, template.answer), messages)
