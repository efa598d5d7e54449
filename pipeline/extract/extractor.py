"""The Extractor that asks a model: every chunk and pillar at once, each request on its own.

    ask       one answer; one that cannot be read is asked for once more, with the fault; both stay on disk
    point     an answer that was cut: what it says is kept when it is whole, and the rest is asked for in parts
    against   (off) the same lines again, asking only for the polarity that was not found
    support   (off) does each quote alone show its signal?

A request that comes to nothing fails its interview and nothing else; the answers that did come are not asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.answering import Asker, request_for
from pipeline.errors import AnswerError, RunStopError, StoreError, VerbatimError
from pipeline.extract.asking import answer_schema, shown_schema
from pipeline.extract.reading import Asked, Found, read_lines, read_quotes, read_shown
from pipeline.hashing import content_hash
from pipeline.ports import LLM, Prefilter
from pipeline.prompting import PromptTemplate, load_template
from pipeline.records import Chunk, Draft, Extraction, Line, ModelCall, Role
from pipeline.redact import VERSION as REDACT_VERSION
from pipeline.redact import Redactor
from pipeline.rubric import Pillar, Rubric
from pipeline.talk import Talk

VERSION = 2
DEEPEST = 4  # a chunk is cut in halves at most so often


class ModelExtractor:
    """Asks a model about every chunk and pillar.

    `names_of` gives the names to hide in an interview; None sends the words as they are. `turn_down` is told the hashes
    of answers that failed an interview, so that they are asked for again next time. `prefilter` names chunks and
    pillars that need no request; what it goes by is part of the fingerprint. At most `ready` requests are made before
    they can be sent.
    """

    name = "model"

    def __init__(
        self,
        llm: LLM,
        template: PromptTemplate,
        examples: str = "",
        *,
        names_of: Callable[[str], Sequence[str]] | None = None,
        support_check: bool = False,
        against_pass: bool = False,
        turn_down: Callable[[str], None] | None = None,
        prefilter: Prefilter | None = None,
        ready: int = 64,
    ) -> None:
        import anyio

        self.prefilter = prefilter
        self.llm = llm
        self.model = llm.model
        self.template = template
        self.examples = examples
        self.names_of = names_of
        self.support = load_template("support") if support_check else None
        self.against_pass = against_pass
        self.turn_down = turn_down or (lambda _hash: None)
        self.unsaved: dict[str, list[ModelCall]] = {}  # calls of interviews that did not end well
        self._ready = anyio.CapacityLimiter(ready)

    def fingerprint(self, rubric: Rubric) -> str:
        """Endpoint, model, prompts, passes, and what the rubric sends."""
        return content_hash(
            VERSION,
            self.llm.endpoint,
            self.model,
            self.llm.temperature,
            self.llm.max_output_tokens,
            getattr(self.llm, "extra", {}),
            self.template.hash,
            self.template.answer,
            self.examples,
            [pillar.for_model() for pillar in rubric.pillars],
            None if self.names_of is None else REDACT_VERSION,
            None if self.support is None else self.support.hash,
            self.against_pass,
            None if self.prefilter is None else self.prefilter.fingerprint(rubric),
        )

    async def aclose(self) -> None:
        """Close the endpoint's connections, if it has any."""
        close = getattr(self.llm, "aclose", None)
        if close is not None:
            await close()

    async def caught_up(self) -> None:
        """Return when all that was given to `extract` so far is answered, or its requests are made."""
        async with self._ready:  # first come, first served
            pass

    def used(self) -> str:
        """What this run asked and what it took, in one line; empty where nobody counted."""
        return str(getattr(self.llm, "meter", ""))

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        """Drafts and probes for every chunk and pillar.

        Raises AnswerError when one of them came to nothing, and RunStopError when the endpoint ended the run; what was
        asked by then stands in `unsaved`.
        """
        import anyio

        speakers = sorted({line.speaker for line in lines})
        redactor = Redactor([*self.names_of(interview_id), *speakers]) if self.names_of is not None else None
        talk = Talk(lines, roles, redactor)
        calls = self.unsaved[interview_id] = []
        desk = _Desk(self, talk, rubric, calls)
        quiet = self.prefilter.quiet(lines, roles, chunks, rubric) if self.prefilter else frozenset()
        pairs = [(c, pillar) for c in chunks for pillar in rubric.pillars if (c.chunk, pillar.id) not in quiet]
        ends: list[Found | VerbatimError | None] = [None] * len(pairs)

        async with anyio.create_task_group() as group:

            async def work(i: int) -> None:
                try:
                    async with self._ready:
                        ends[i] = await desk.pair(*pairs[i])
                except VerbatimError as error:
                    ends[i] = error
                    if isinstance(error, RunStopError):
                        group.cancel_scope.cancel()

            for i in range(len(pairs)):
                group.start_soon(work, i)

        for kind in (RunStopError, StoreError):
            for end in ends:
                if isinstance(end, kind):
                    raise end
        found = Found()
        faults: list[str] = []
        for (chunk, pillar), end in zip(pairs, ends, strict=True):
            if isinstance(end, Found):
                found += end
            else:
                faults.append(f"chunk {chunk.chunk}, {pillar.id}: {end.what if end else 'no answer'}")
        if faults:
            raise AnswerError(
                f"{len(faults)} of {len(pairs)} answers cannot be accepted; the first: {faults[0]}",
                fault=next((end.fault for end in ends if isinstance(end, AnswerError)), "no-answer"),
            )
        del self.unsaved[interview_id]
        return Extraction(
            extractor=self.name,
            model=self.model,
            prompt_hash=self.template.hash,
            drafts=found.drafts,
            probes=found.probes,
            calls=tuple(calls),
        )


class _Desk:
    """The questions about one interview, and the calls they took."""

    def __init__(self, owner: ModelExtractor, talk: Talk, rubric: Rubric, calls: list[ModelCall]) -> None:
        self.owner = owner
        self.talk = talk
        self.signals = frozenset(rubric.pillar_of)
        self.asker = Asker(owner.llm, owner.turn_down, calls)

    async def pair(self, chunk: Chunk, pillar: Pillar) -> Found:
        """All passes over one chunk for one pillar."""
        found = await self.point(chunk, pillar, chunk.first_line, chunk.last_line)
        if self.owner.against_pass:
            found += await self.against(chunk, pillar, found)
        if self.owner.support is not None:
            found = await self.check(chunk, pillar, found)
        return found

    async def point(self, chunk: Chunk, pillar: Pillar, first: int, last: int, depth: int = 0) -> Found:
        """What the model points at in lines `first` to `last`; a range that is too much for it is asked in parts."""
        owner, asked = self.owner, Asked(chunk=chunk.chunk, first=first, last=last, pillar=pillar.id)
        messages = owner.template.render(
            lines=self.talk.show(first, last), pillar=pillar.for_model(), examples=owner.examples
        )
        request = request_for(owner.llm, answer_schema(pillar, owner.template.answer), messages)

        def read(text: str, request_hash: str) -> Found:
            if owner.template.answer == "quotes":
                return read_quotes(text, asked, self.talk, self.signals, request_hash)
            return read_lines(text, asked, self.signals, request_hash)

        partial = Found()
        parts: tuple[tuple[int, int], ...] = self.talk.halves(first, last) if first < last else ()
        try:
            answer = await self.asker.complete(request)
            if answer.finish_reason != "length":
                return await self.asker.read(request, answer, read)
            try:
                partial = read(answer.text, request.hash)
                parts = ((partial.furthest + 1, last),) if first <= partial.furthest else parts
                parts = tuple((a, b) for a, b in parts if a <= b)
            except AnswerError:
                pass
        except AnswerError as error:
            if error.fault != "too-long":
                raise
        if depth == DEEPEST or not (parts or partial.furthest):
            owner.turn_down(request.hash)
            raise AnswerError(
                f"request {request.hash}: the answer does not end, however few lines it is about", fault="length"
            )
        faults: list[AnswerError] = []
        for a, b in parts:
            try:
                partial += await self.point(chunk, pillar, a, b, depth + 1)
            except AnswerError as fault:  # the other part is asked all the same: a batch writes both at once
                faults.append(fault)
        if faults:
            raise faults[0]
        return partial

    async def against(self, chunk: Chunk, pillar: Pillar, found: Found) -> Found:
        """Where one polarity was found, ask for the other one alone."""
        seen = {pillar.by_id[d.signal].polarity for d in found.drafts if d.signal in pillar.by_id}
        others = tuple(signal for signal in pillar.signals if signal.polarity not in seen)
        if len(seen) != 1 or not others:
            return Found()
        other = pillar.model_copy(update={"signals": others})
        more = await self.point(chunk, other, chunk.first_line, chunk.last_line)
        return Found(drafts=more.drafts)

    async def check(self, chunk: Chunk, pillar: Pillar, found: Found) -> Found:
        """Show each quote alone; a draft whose signal is not confirmed gets the fault `unsupported`."""
        owner = self.owner
        doubtful = [d for d in found.drafts if self.checkable(chunk, pillar, d)]
        if not doubtful or owner.support is None:
            return found
        rows = [
            f"{n}. {pillar.by_id[d.signal].text}: {' '.join(map(self.talk.words, range(d.first, d.last + 1)))}"
            for n, d in enumerate(doubtful, 1)
        ]
        request = request_for(owner.llm, shown_schema(), owner.support.render(quotes="\n".join(rows)))
        shown = await self.asker.read(request, await self.asker.complete(request), read_shown)
        gone = {id(d) for n, d in enumerate(doubtful, 1) if n not in shown}
        drafts = (d.model_copy(update={"fault": "unsupported"}) if id(d) in gone else d for d in found.drafts)
        return found.model_copy(update={"drafts": tuple(drafts)})

    def checkable(self, chunk: Chunk, pillar: Pillar, draft: Draft) -> bool:
        """A draft of the candidate's words with a signal; the verifier turns the others down anyway."""
        inside = chunk.first_line <= draft.first <= draft.last <= chunk.last_line
        if draft.fault is not None or not inside or draft.last - draft.first > 2 or draft.signal not in pillar.by_id:
            return False
        said_by = {line.speaker for line in self.talk.lines[draft.first - 1 : draft.last]}
        return all(self.talk.roles.get(speaker) == "candidate" for speaker in said_by)
