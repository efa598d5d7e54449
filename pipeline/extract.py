"""Ask a model to point at lines, and read what it pointed at.

One request per chunk and pillar: the transcript's numbered lines first and the pillar last, so that servers reuse the
common prefix and a new pillar costs that pillar only. The answer is line numbers and signal ids under a closed schema;
there is no field in which a quote, a level or an opinion could be returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import AnswerError, RubricError
from pipeline.hashing import content_hash
from pipeline.ports import LLM
from pipeline.prompting import PromptTemplate
from pipeline.records import (
    Chunk,
    Draft,
    Extraction,
    Line,
    ModelAnswer,
    ModelCall,
    ModelRequest,
    ProbeDraft,
    Record,
    Role,
)
from pipeline.rubric import Pillar, Rubric

VERSION = 1
MARK: dict[Role, str] = {"candidate": "C", "interviewer": "I", "unknown": "?"}
PAUSE_S = 5.0
_LARGEST = 2**31 - 1


class Pointer(BaseModel):
    """One piece of evidence: `first` to `last` are the candidate's lines, `prompted_by` an interviewer's."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
    first: int
    last: int
    signal: str
    prompted_by: int | None


class Answer(BaseModel):
    """All that a model can say."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
    evidence: list[Pointer]
    probes: list[int]


def show_lines(lines: Sequence[Line], roles: dict[str, Role]) -> str:
    """Numbered lines as a model sees them: number, role, time, words; a long pause is shown as such."""
    rows = []
    end_s: float | None = None
    for line in lines:
        if end_s is not None and line.start_s - end_s >= PAUSE_S:
            rows.append(f"[{line.start_s - end_s:.0f} s pause]")
        minutes, seconds = divmod(int(line.start_s), 60)
        words = " ".join(line.text.split())
        rows.append(f"{line.line} {MARK[roles.get(line.speaker, 'unknown')]} {minutes:02d}:{seconds:02d} {words}")
        end_s = line.end_s
    return "\n".join(rows)


def answer_schema(pillar: Pillar) -> dict[str, Any]:
    """The closed JSON schema of an answer, with the pillar's signals as the only ones there are."""
    schema = Answer.model_json_schema()
    schema["$defs"]["Pointer"]["properties"]["signal"] = {"type": "string", "enum": [s.id for s in pillar.signals]}
    schema.pop("description", None)
    schema["$defs"]["Pointer"].pop("description", None)
    return schema


def build_request(
    llm: LLM,
    template: PromptTemplate,
    examples: str,
    lines: Sequence[Line],
    roles: dict[str, Role],
    chunk: Chunk,
    pillar: Pillar,
) -> ModelRequest:
    """The request for one chunk and pillar."""
    shown = show_lines(lines[chunk.first_line - 1 : chunk.last_line], roles)
    messages = template.render(lines=shown, pillar=pillar.for_model(), examples=examples)
    return ModelRequest(
        endpoint=llm.endpoint,
        model=llm.model,
        messages=tuple(messages),
        answer_schema=answer_schema(pillar),
        temperature=llm.temperature,
        max_output_tokens=llm.max_output_tokens,
    )


def read_answer(text: str, chunk: Chunk, pillar: str, request_hash: str) -> tuple[list[Draft], list[ProbeDraft]]:
    """Drafts and probes from a raw answer. Raises AnswerError when it is not exactly what the schema asks for."""
    try:
        answer = Answer.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "answer"
        raise AnswerError(f"request {request_hash}: {where}: {first['msg']}") from None
    numbers = [n for p in answer.evidence for n in (p.first, p.last, p.prompted_by or 0)] + answer.probes
    if any(abs(n) > _LARGEST for n in numbers):
        raise AnswerError(f"request {request_hash}: a line number has more than nine digits")
    drafts = [
        Draft(
            chunk=chunk.chunk,
            pillar=pillar,
            signal=pointer.signal,
            first=pointer.first,
            last=pointer.last,
            prompted_by=pointer.prompted_by,
            request_hash=request_hash,
        )
        for pointer in answer.evidence
    ]
    probes = [ProbeDraft(chunk=chunk.chunk, pillar=pillar, line=n, request_hash=request_hash) for n in answer.probes]
    return drafts, probes


class ModelExtractor:
    """The Extractor that asks a model. Every request is on its own; all of them are under way together."""

    name = "model"

    def __init__(self, llm: LLM, template: PromptTemplate, examples: str = "") -> None:
        self.llm = llm
        self.model = llm.model
        self.template = template
        self.examples = examples

    def fingerprint(self, rubric: Rubric) -> str:
        """Endpoint, model, prompt and what the rubric sends."""
        sent = [pillar.for_model() for pillar in rubric.pillars]
        return content_hash(
            VERSION,
            self.llm.endpoint,
            self.model,
            self.llm.temperature,
            self.llm.max_output_tokens,
            self.template.hash,
            self.examples,
            sent,
        )

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        """Ask about each chunk and pillar. One answer that cannot be accepted fails the interview, the rest is kept."""
        import anyio

        pairs = [(chunk, pillar) for chunk in chunks for pillar in rubric.pillars]
        answers: list[ModelAnswer | AnswerError | None] = [None] * len(pairs)
        requests = [
            build_request(self.llm, self.template, self.examples, lines, roles, chunk, pillar)
            for chunk, pillar in pairs
        ]

        async def ask(i: int) -> None:
            try:
                answers[i] = await self.llm.complete(requests[i])
            except AnswerError as error:
                answers[i] = error

        async with anyio.create_task_group() as group:
            for i in range(len(pairs)):
                group.start_soon(ask, i)

        drafts: list[Draft] = []
        probes: list[ProbeDraft] = []
        faults: list[str] = []
        for (chunk, pillar), request, answer in zip(pairs, requests, answers, strict=True):
            try:
                if not isinstance(answer, ModelAnswer):
                    raise answer or AnswerError(f"request {request.hash}: no answer")
                found, asked = read_answer(answer.text, chunk, pillar.id, request.hash)
            except AnswerError as error:
                faults.append(f"chunk {chunk.chunk}, {pillar.id}: {error.what}")
                continue
            drafts += found
            probes += asked
        if faults:
            raise AnswerError(f"{len(faults)} of {len(pairs)} answers cannot be accepted; the first: {faults[0]}")
        return Extraction(
            extractor=self.name,
            model=self.model,
            prompt_hash=self.template.hash,
            drafts=tuple(drafts),
            probes=tuple(probes),
            calls=tuple(
                _call(request, answer)
                for request, answer in zip(requests, answers, strict=True)
                if isinstance(answer, ModelAnswer)
            ),
        )


def _call(request: ModelRequest, answer: ModelAnswer) -> ModelCall:
    return ModelCall(
        request_hash=request.hash,
        model=request.model,
        cached=answer.cached,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        seconds=answer.seconds,
        attempts=answer.attempts,
    )


class Example(Record):
    """A few-shot example: lines as they would be shown, the pillar, and the answer we would want."""

    pillar: str
    lines: tuple[str, ...]
    roles: tuple[str, ...]
    evidence: tuple[Pointer, ...]
    probes: tuple[int, ...]


def read_example(table: dict[str, Any]) -> Example:
    """An example from its TOML table; a pointer without `prompted_by` was not prompted."""
    pointers = [{"prompted_by": None, **pointer} for pointer in table["evidence"]]
    return Example.model_validate({**table, "evidence": pointers})


def render_examples(examples: Sequence[Example], rubric: Rubric) -> str:
    """The examples whose pillar the rubric has, as text for the template.

    Raises RubricError when an example points at a line or signal that the verifier would not accept.
    """
    known = {pillar.id: pillar for pillar in rubric.pillars}
    parts = []
    for number, example in enumerate(examples, start=1):
        pillar = known.get(example.pillar)
        if pillar is None:
            continue
        if any(pointer.signal not in pillar.by_id for pointer in example.evidence):
            raise RubricError(f"example {number} uses a signal that {example.pillar} does not have")
        shown = [
            f"{i} {role} {text}" for i, (role, text) in enumerate(zip(example.roles, example.lines, strict=True), 1)
        ]
        answer = Answer(evidence=list(example.evidence), probes=list(example.probes)).model_dump_json()
        parts.append("\n".join([f"Pillar: {example.pillar}", *shown, f"Answer: {answer}"]))
    return "\n\n".join(parts)
