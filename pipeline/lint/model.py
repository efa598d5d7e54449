"""The second tier: a model points at judging phrases in sentences that the rules left open, and at rules' false alarms.

It can add a finding whose phrase stands word for word in its sentence, and it can turn a finding of the rules down to
"info", marked; it removes nothing and writes nothing. Whatever else it says is dropped and counted. On a page where it
passed over the planted sentence, and in a note that speaks to a machine, it turns nothing down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, get_args

from pipeline.answering import Asker, closed, parse, request_for
from pipeline.errors import AnswerError, EndpointError, RunStopError, VerbatimError
from pipeline.lint.finding import Finding, Note, NoteReport
from pipeline.lint.rules import RuleSet
from pipeline.lint.shown import LONGEST_PHRASE, Page, pages
from pipeline.lint.taking import Because, LintAnswer, Taking, is_phrase_code
from pipeline.lint.text import sentences
from pipeline.ports import AnyLLM
from pipeline.prompting import PromptTemplate
from pipeline.records import ModelRequest
from pipeline.redact import Redactor

MOST_PIECES = 60  # in one answer; a model that repeats itself ends there


# Reports after the model's look, and why it could not be used for all of it (None: it could).
Second = tuple[list[NoteReport], VerbatimError | None]


class Task(NamedTuple):
    """One page of one note (by its place among the reports) with the findings that may be turned down, by mark."""

    note: int
    page: Page
    marks: dict[int, Finding]


class End(NamedTuple):
    """How the question about a page ended: an answer, or a fault, or neither when the endpoint ended the run before."""

    answer: LintAnswer | None = None
    fault: VerbatimError | None = None
    request_hash: str = ""
    from_disk: bool = False


def answer_schema(codes: Sequence[str]) -> dict[str, Any]:
    """The closed form of an answer; `codes` are the only ones there are."""
    number = {"type": "integer"}
    phrase = {"type": "string", "maxLength": LONGEST_PHRASE}
    found = closed(sentence=number, code={"type": "string", "enum": list(codes)}, phrase=phrase)
    reason = {"type": "string", "enum": list(get_args(Because))}
    cleared = closed(mark=number, because=reason, by={"anyOf": [number, {"type": "null"}]})
    return closed(
        found={"type": "array", "items": found, "maxItems": MOST_PIECES},
        cleared={"type": "array", "items": cleared, "maxItems": MOST_PIECES},
    )


class SecondTier:
    """The model's look at notes that the rules have been over.

    `redactor_of` gives the placeholders for a note, `wants` says whether a code counts for a file.
    """

    def __init__(
        self,
        rules: RuleSet,
        template: PromptTemplate,
        redactor_of: Callable[[Note], Redactor],
        wants: Callable[[str, str], bool] = lambda _code, _file: True,
    ) -> None:
        self.rules, self.template, self.redactor_of, self.wants = rules, template, redactor_of, wants

    def tasks(self, reports: Sequence[NoteReport]) -> list[Task]:
        """The pages of all notes. An error of the rules is no false alarm and gets no mark."""
        made = []
        for at, report in enumerate(reports):
            if not self.codes(report.note.file):
                continue
            phrases = [f for f in report.findings if is_phrase_code(f.code) and f.severity != "error"]
            for page in pages(sentences(report.note.text), self.redactor_of(report.note)):
                marked = [f for f in phrases if page.number_of(f) is not None]
                made.append(Task(at, page, dict(enumerate(marked, start=1))))
        return made

    def codes(self, file: str) -> list[str]:
        """Codes of the phrase rules that count for a file."""
        return [code for code in self.rules.rules if is_phrase_code(code) and self.wants(code, file)]

    def messages(self, file: str, task: Task) -> list[dict[str, str]]:
        """What is sent for a page."""
        rules = [self.rules.rules[code] for code in self.codes(file)]
        page = task.page
        marks = [f'{mark} in {page.number_of(f)}: {f.code} "{page.words(f)}"' for mark, f in task.marks.items()]
        return self.template.render(
            rules="\n".join(f"{rule.code} {rule.name}: {rule.what}" for rule in rules),
            sentences=page.show(),
            marks="\n".join(marks) or "none",
        )

    def request(self, llm: AnyLLM, file: str, task: Task) -> ModelRequest:
        """The request for a page; its hash covers rules, model and words."""
        return request_for(llm, answer_schema(self.codes(file)), self.messages(file, task))

    async def look(self, llm: AnyLLM, reports: Sequence[NoteReport]) -> Second:
        """Ask about every page at once. What an endpoint or a model does wrong is in `fault`, never raised."""
        import anyio

        tasks = self.tasks(reports)
        ends: list[End] = [End() for _ in tasks]

        async def ask(at: int) -> None:
            asker = Asker(llm, llm.turn_down)
            request = self.request(llm, reports[tasks[at].note].note.file, tasks[at])
            try:
                answer = await asker.read(request, await asker.complete(request), _read)
                ends[at] = End(answer, None, asker.calls[-1].request_hash, all(call.cached for call in asker.calls))
            except (AnswerError, EndpointError) as error:
                ends[at] = End(fault=error)
                if isinstance(error, RunStopError):
                    group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for at in range(len(tasks)):
                group.start_soon(ask, at)
        return self.taken(llm.model, reports, tasks, ends)

    def taken(self, model: str, reports: Sequence[NoteReport], tasks: Sequence[Task], ends: Sequence[End]) -> Second:
        """What holds of the answers (`ends`, one a task), as reports."""
        notes = [Taking(report, self.rules, self.wants, model) for report in reports]
        for task, end in zip(tasks, ends, strict=True):
            notes[task.note].take(
                task.page, task.marks, end.answer, request_hash=end.request_hash, from_disk=end.from_disk
            )
        faults = [end.fault for end in ends if end.fault is not None]
        missed = sum(note.missed for note in notes)
        if missed and not faults:
            faults = [AnswerError(f"{model} passed over the planted sentence on {missed} of {len(tasks)} pages.")]
        fault = next((f for f in faults if isinstance(f, EndpointError)), faults[0] if faults else None)
        return [note.result() for note in notes], fault

    def without(self, reports: Sequence[NoteReport], fault: VerbatimError) -> Second:
        """The reports when no model could be asked at all."""
        tasks = self.tasks(reports)
        return self.taken("", reports, tasks, [End(fault=fault) for _ in tasks])[0], fault


def _read(text: str, request_hash: str) -> LintAnswer:
    return parse(LintAnswer, text, request_hash)
