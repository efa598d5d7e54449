"""Few-shot examples: proved by the rubric and the lines they show, then rendered as text for the template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from pipeline.errors import RubricError
from pipeline.extract.reading import LineAnswer, QuoteAnswer, QuotedPiece
from pipeline.records import Record
from pipeline.rubric import Pillar, Rubric

MAX_LINES = 3


class Pointer(Record):
    """A piece of evidence in an example: `first` to `last` are C lines, `prompted_by` an I line before them."""

    first: int
    last: int
    signal: str
    prompted_by: int | None = None


class Example(Record):
    """Lines as they would be shown, the pillar, and the answer we would want."""

    pillar: str
    lines: tuple[str, ...] = Field(min_length=1)
    roles: tuple[str, ...]
    evidence: tuple[Pointer, ...]
    probes: tuple[int, ...]


def read_example(table: dict[str, Any]) -> Example:
    """An example from its TOML table; a pointer without `prompted_by` was not prompted."""
    return Example.model_validate(table)


def render_examples(examples: Sequence[Example], rubric: Rubric, form: str = "lines") -> str:
    """The examples whose pillar the rubric has, as text for the template.

    Raises RubricError when an example points at a line or signal that the verifier would not accept.
    """
    known = {pillar.id: pillar for pillar in rubric.pillars}
    parts = []
    for number, example in enumerate(examples, start=1):
        pillar = known.get(example.pillar)
        if pillar is None:
            continue
        fault = _fault(example, pillar)
        if fault is not None:
            raise RubricError(f"example {number} of prompts/examples: {fault}")
        shown = [
            f"{i} {role} {text}" for i, (role, text) in enumerate(zip(example.roles, example.lines, strict=True), 1)
        ]
        parts.append("\n".join([f"Pillar: {example.pillar}", *shown, f"Answer: {answer_text(example, form)}"]))
    return "\n\n".join(parts)


def pointer_text(first: int, last: int, signal: str, prompted_by: int | None) -> str:
    """A piece of evidence as a model writes it: `12-13 edge-cases by 10`."""
    lines = f"{first}" if first == last else f"{first}-{last}"
    return f"{lines} {signal}" + (f" by {prompted_by}" if prompted_by is not None else "")


def answer_text(example: Example, form: str) -> str:
    """The wanted answer in that form."""
    if form == "lines":
        pieces = [pointer_text(p.first, p.last, p.signal, p.prompted_by) for p in example.evidence]
        return LineAnswer(evidence=pieces, probes=list(example.probes)).model_dump_json()
    quoted = [
        QuotedPiece(
            quote=" ".join(text.split(" ", 1)[1] for text in example.lines[p.first - 1 : p.last]),
            signal=p.signal,
            prompted_by=p.prompted_by,
        )
        for p in example.evidence
    ]
    return QuoteAnswer(evidence=quoted, probes=list(example.probes)).model_dump_json()


def _fault(example: Example, pillar: Pillar) -> str | None:
    """Why the verifier would not take the example's answer, or None."""
    if len(example.roles) != len(example.lines):
        return "a role for each line is needed"

    def role(line: int) -> str:
        return example.roles[line - 1] if 1 <= line <= len(example.roles) else ""

    for pointer in example.evidence:
        span = range(pointer.first, pointer.last + 1)
        if pointer.signal not in pillar.by_id:
            return f"{example.pillar} has no signal {pointer.signal}"
        if not 1 <= len(span) <= MAX_LINES or any(role(line) != "C" for line in span):
            return f"lines {pointer.first}-{pointer.last} are not one to three of the candidate's"
        by = pointer.prompted_by
        if by is not None and (role(by) != "I" or by >= pointer.first):
            return f"line {by} is not an interviewer's line before line {pointer.first}"
    if any(role(line) != "I" for line in example.probes):
        return "a probe is not an interviewer's line"
    return None
