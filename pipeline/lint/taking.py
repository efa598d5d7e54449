"""What is taken over of a model's answer about a note: verified against the text, everything else named and dropped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Literal

from pipeline.answering import Form
from pipeline.lint.check import Place, Positions, finding
from pipeline.lint.finding import Finding, NoteReport
from pipeline.lint.looked import Looked
from pipeline.lint.quotes import Quotes
from pipeline.lint.rules import RuleSet
from pipeline.lint.shown import Page, in_quotation
from pipeline.lint.suppress import apply, ignores
from pipeline.lint.text import sentences

Because = Literal["quoted", "technical", "mention", "other", "backed"]
BACKED = ("GF101", "GF305", "GF401", "GF403")  # families that an observation beside them can make fine
TO_MACHINE = re.compile(
    r"\b(?:ignore|disregard|forget|skip|override)\b[^.!?\n]{0,40}\b(?:instruction|prompt|rule|check|guideline)s?\b"
    r"|\b(?:report|return|give|answer|output|respond|reply)\b[^.!?\n]{0,30}\b(?:no|zero|empty|without) (?:\w+ )?"
    r"(?:findings?|issues?|problems?|lists?|results?|json)\b"
    r"|\byou are (?:now |no longer )?(?:an? )?(?:\w+ )?(?:ai|assistant|language model|linter|llm)\b"
    r"|\b(?:system prompt|as an ai|to the (?:model|ai|linter|llm|assistant))\b"
    r"|<\|?(?:system|im_start|/?s)\b|\[/?INST\]",
    re.IGNORECASE,
)


def is_phrase_code(code: str) -> bool:
    """Whether a rule judges phrases, rather than the note as a whole or the comments in it."""
    return "GF1" <= code < "GF7"


class Found(Form):
    """A judging phrase: a sentence's number, a code, and words that must stand there."""

    sentence: int
    code: str
    phrase: str


class Cleared(Form):
    """A finding of the rules that the model takes for a false alarm, with one of five reasons."""

    mark: int
    because: Because
    by: int | None


class LintAnswer(Form):
    """All that a model can say about a page."""

    found: list[Found]
    cleared: list[Cleared]


class Taking:
    """The findings of one note while answers come in."""

    def __init__(self, report: NoteReport, rules: RuleSet, wants: Callable[[str, str], bool], model: str = "") -> None:
        self.report, self.rules, self.wants, self.model = report, rules, wants, model
        self.note = report.note
        self.findings = list(report.findings)
        self.added: list[Finding] = []
        self.request_hash = ""
        self.dropped: Counter[str] = Counter()
        self.pages = self.answered = self.from_disk = self.sentences = self.downgraded = self.missed = 0
        self.speaks = TO_MACHINE.search(self.note.text) is not None
        self.cut = sentences(self.note.text)
        self.positions = Positions(self.note)

    def take(
        self,
        page: Page,
        marks: dict[int, Finding],
        answer: LintAnswer | None,
        *,
        request_hash: str = "",
        from_disk: bool = False,
    ) -> None:
        """Take over one page's answer, as far as it holds; None counts as a page without one."""
        self.pages += 1
        self.sentences += len(page.numbers)
        if answer is None:
            return
        self.answered += 1
        self.from_disk += from_disk
        self.request_hash = request_hash
        missed = not any(page.read_planted(found.sentence, found.phrase) for found in answer.found)
        self.missed += missed
        faults = [self._add(page, found) for found in answer.found if found.sentence != page.planted]
        if missed or self.speaks:
            faults += ["not_trusted"] * len(answer.cleared)
        else:
            faults += [self._clear(page, marks, cleared) for cleared in answer.cleared]
        self.dropped.update(fault for fault in faults if fault)

    def _add(self, page: Page, found: Found) -> str:
        """Take a finding over, or say why not."""
        known = found.code in self.rules.rules and is_phrase_code(found.code)
        if not known or not self.wants(found.code, self.note.file):
            return "unknown_code"
        if found.sentence not in page.numbered:
            return "unknown_sentence"
        place = page.place(found.sentence, found.phrase)
        if place is None:
            return "phrase_not_there"
        clean = self.cut[0].text
        if in_quotation(Quotes(clean), clean, *place):
            return "quoted_words"
        there = [*self.report.findings, *(s.finding for s in self.report.silenced), *self.added]
        if any(f.source != "document" and f.start < place[1] and place[0] < f.end for f in there):
            return "there_already"
        made = finding(self.note, self.rules, Place(found.code, *place), self.positions, self.cut)
        self.added.append(made._replace(source="model", request_hash=self.request_hash))
        return ""

    def _clear(self, page: Page, marks: dict[int, Finding], cleared: Cleared) -> str:
        """Turn a finding of the rules down to info, or say why not."""
        marked = marks.get(cleared.mark)
        if marked is None:
            return "unknown_mark"
        if cleared.because == "backed" and not _beside(page, marked, cleared.by):
            return "no_observation_there"
        if marked not in self.findings:
            return "said_twice"
        self.findings[self.findings.index(marked)] = marked._replace(
            severity="info", downgraded_from=marked.severity, request_hash=self.request_hash
        )
        self.downgraded += 1
        return ""

    def result(self) -> NoteReport:
        """The report with what was taken over. Comments in the note silence a model's findings like others."""
        counted, silenced, unused = apply(self.added, ignores(self.note.text))
        idle = {comment.start for comment in unused}
        kept = [f for f in self.findings if f.code != "GF001" or not silenced or f.start in idle]
        return self.report._replace(
            findings=tuple(sorted((*kept, *counted), key=lambda f: (f.start, f.end, f.code))),
            silenced=(*self.report.silenced, *silenced),
            looked=Looked(
                name=self.model,
                pages=self.pages,
                answered=self.answered,
                from_disk=self.from_disk,
                sentences=self.sentences,
                added=len(self.added),
                downgraded=self.downgraded,
                planted_missed=self.missed,
                speaks_to_machine=self.speaks,
                dropped=tuple(sorted(self.dropped.items())),
            ),
        )


def _beside(page: Page, marked: Finding, by: int | None) -> bool:
    """Whether an observation may excuse this finding, and is said to stand in its sentence or the next one."""
    near, own = page.numbers, page.number_of(marked)
    if not marked.code.startswith(BACKED) or by not in near or own not in near:
        return False
    return abs(near.index(by) - near.index(own)) <= 1
