"""Lint many notes: every rule, then the comments that silence findings, then the baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pipeline.lint.baseline import Known, split
from pipeline.lint.check import Place, Positions, finding, places
from pipeline.lint.config import LintConfig
from pipeline.lint.document import copied, document_places, observations
from pipeline.lint.finding import Finding, Note, NoteReport, Silenced
from pipeline.lint.quotes import Quotes
from pipeline.lint.rules import RuleSet
from pipeline.lint.suppress import Ignore, apply, ignores
from pipeline.lint.text import Sentence, sentences

ConfigFor = Callable[[str], LintConfig]
Look = Callable[[Sequence[NoteReport]], list[NoteReport]]  # a model's look at notes that the rules have been over


def lint_note(note: Note, rules: RuleSet, config: LintConfig | None = None) -> NoteReport:
    """The report of one note."""
    return lint_notes([note], rules, lambda _: config or LintConfig())[0]


def lint_notes(
    notes: Iterable[Note],
    rules: RuleSet,
    config_for: ConfigFor,
    known: Known | None = None,
    look: Look | None = None,
) -> list[NoteReport]:
    """Reports in the order of the notes. Findings in `known` are counted down there and do not count."""
    drafts = [_draft(note, rules, config_for(note.file)) for note in notes]
    for number, extra in copied(drafts).items() if len(drafts) > 1 else ():
        report, cut = drafts[number]
        drafts[number] = _with(report, cut, extra, rules, config_for(report.note.file)), cut
    reports = [report for report, _ in drafts]
    if look is not None:
        reports = look(reports)
    return reports if known is None else [_against(report, known) for report in reports]


def _draft(note: Note, rules: RuleSet, config: LintConfig) -> tuple[NoteReport, list[Sentence]]:
    cut = sentences(note.text)
    quotes = Quotes(cut[0].text if cut else "")
    seen = observations(cut, rules, quotes)
    found = places(cut, rules, quotes)
    found += document_places(cut, seen, rules, least_words=config.document_words, competencies=config.competencies)
    return _with(NoteReport(note, (), (), seen), cut, found, rules, config), cut


def _with(
    report: NoteReport, cut: list[Sentence], found: list[Place], rules: RuleSet, config: LintConfig
) -> NoteReport:
    """The report with more places, minus what is not selected or silenced in the text."""
    note, positions = report.note, Positions(report.note)
    wanted = [finding(note, rules, place, positions, cut) for place in found if config.wants(place.code, note.file)]
    if not wanted and "gf:" not in note.text.lower():
        return report
    comments = ignores(note.text)
    counted, silenced, unused = apply(wanted, comments)
    own = [_about(note, rules, comment, positions, unused) for comment in comments]
    mine = [f for f in own if f is not None and config.wants(f.code, note.file) and f not in report.findings]
    return report._replace(
        findings=tuple(sorted({*report.findings, *counted, *mine}, key=_by_place)),
        silenced=(*report.silenced, *silenced),
    )


def _about(note: Note, rules: RuleSet, comment: Ignore, positions: Positions, unused: list[Ignore]) -> Finding | None:
    """What is wrong with a silencing comment itself: it silences nothing, or gives no reason."""
    code = "GF001" if comment in unused else "GF002" if not comment.reason else ""
    return finding(note, rules, Place(code, comment.start, comment.end), positions) if code else None


def _against(report: NoteReport, known: Known) -> NoteReport:
    fresh, old = split(report.findings, known)
    silenced = (*report.silenced, *(Silenced(f, "baseline", "known when the baseline was written") for f in old))
    return report._replace(findings=tuple(fresh), silenced=silenced)


def _by_place(found: Finding) -> tuple[int, int, str]:
    return found.start, found.end, found.code
