"""Reports as text: full, concise, json, github and junit. SARIF has its own module."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.lint.finding import SEVERITIES, Finding, NoteReport, column_units
from pipeline.lint.looked import summed
from pipeline.lint.rules import RuleSet
from pipeline.lint.text import line_from

_GITHUB = {"error": "error", "warning": "warning", "info": "notice"}
_SHOWN = 80  # characters of a phrase on one line


def summary(reports: Sequence[NoteReport], rules: RuleSet) -> dict[str, Any]:
    """Counts over a run. Nothing in it is about a candidate."""
    return {**_counts(reports), "rules": rules.digest()[:12], "model": _looked(reports)}


def _counts(reports: Sequence[NoteReport]) -> dict[str, Any]:
    found = [finding for report in reports for finding in report.findings]
    silenced = Counter(entry.kind for report in reports for entry in report.silenced)
    severities, codes = Counter(f.severity for f in found), Counter(f.code for f in found)
    return {
        "files": len({report.note.file for report in reports}),
        "notes": len(reports),
        "findings": len(found),
        "observations": sum(report.observations for report in reports),
        "by_severity": {severity: severities[severity] for severity in reversed(SEVERITIES)},
        "by_code": dict(sorted(codes.items())),
        "ignored_inline": silenced["inline"],
        "in_baseline": silenced["baseline"],
    }


def _looked(reports: Sequence[NoteReport]) -> dict[str, Any]:
    return summed(report.looked for report in reports)


def summary_line(reports: Sequence[NoteReport]) -> str:
    """One line: findings against observations."""
    counts = _counts(reports)
    kinds = ", ".join(f"{n} {severity}" for severity, n in counts["by_severity"].items() if n)
    hidden = [
        f"{counts[key]} {word}"
        for key, word in (("ignored_inline", "ignored"), ("in_baseline", "in the baseline"))
        if counts[key]
    ]
    return (
        f"{plural(counts['findings'], 'finding')}{f' ({kinds})' if kinds else ''} and "
        f"{plural(counts['observations'], 'observation')} in {plural(counts['notes'], 'note')}"
        + (f"; {', '.join(hidden)}" if hidden else "")
        + _model_line(_looked(reports))
    )


def _model_line(looked: dict[str, Any]) -> str:
    if looked["state"] == "off":
        return "."
    if looked["state"] == "failed":
        return "; the model was not used."
    partly = f" (of {looked['answered']} of {looked['pages']} pages)" if looked["state"] == "partly" else ""
    return f"; the model{partly} added {looked['added']} and turned {looked['downgraded']} down."


def plural(number: int, noun: str) -> str:
    """A number with its noun: "1 finding", "2 findings"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _place(finding: Finding) -> str:
    row = f"[{finding.id}]" if finding.id else ""
    return f"{clean(finding.file)}{clean(row)}:{finding.line}:{finding.column}"


def clean(text: str) -> str:
    """Text fit for a terminal and for one line: control characters and direction marks become a blank."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def phrase(finding: Finding) -> str:
    """The phrase on one line, shortened."""
    text = " ".join(clean(finding.text).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _severity(finding: Finding) -> str:
    """The severity, and a model's part in it."""
    if finding.downgraded_from:
        return f"{finding.severity}, was {finding.downgraded_from}: a model takes it for a false alarm"
    return f"{finding.severity}, pointed at by a model" if finding.source == "model" else finding.severity


def concise(reports: Sequence[NoteReport], rules: RuleSet) -> str:  # noqa: ARG001 - one signature for all formats
    """One line a finding: place, code, phrase, what it tells, question."""
    rows = [
        f'{_place(f)} {f.code} {_severity(f)} "{phrase(f)}" {f.message} {f.question}'
        for report in reports
        for f in report.findings
    ]
    return "".join(row + "\n" for row in rows)


def full(reports: Sequence[NoteReport], rules: RuleSet) -> str:  # noqa: ARG001
    """The line with the phrase underlined, then what it tells and the question."""
    out = []
    for report in reports:
        for f in report.findings:
            shown = clean(line_from(report.note.text, f.start - (f.column - 1)))
            before = shown[: f.column - 1]
            under = shown[len(before) : len(before) + len(line_from(f.text, 0))]
            out.append(
                f"{_place(f)}: {f.code} {f.name} ({_severity(f)})\n"
                f"  {shown}\n  {' ' * _cells(before)}{'^' * max(1, _cells(under))}\n"
                f"  This {f.message}\n  {f.question}\n\n"
            )
    return "".join(out) + summary_line(reports) + "\n"


def _cells(text: str) -> int:
    """Columns that a terminal gives to the text: two to an emoji."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def as_json(reports: Sequence[NoteReport], rules: RuleSet) -> str:
    """Findings and summary for machines. Offsets are code points; columns are also given in bytes and UTF-16 units."""
    rows = [_row(report, finding) for report in reports for finding in report.findings]
    return dumped({"findings": rows, "summary": summary(reports, rules)})


def dumped(content: Mapping[str, Any]) -> str:
    """JSON with every letter as itself; a lone half of a surrogate pair, which no file can hold, as its escape."""
    return json.dumps(content, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace").decode() + "\n"


def _row(report: NoteReport, finding: Finding) -> dict[str, Any]:
    keys = ("file", "id", "code", "name", "severity", "start", "end", "line", "column", "text", "question", "source")
    row = {key: getattr(finding, key) for key in keys}
    row |= {key: value for key in ("downgraded_from", "request_hash") if (value := getattr(finding, key))}
    if finding.downgraded_from:
        row["downgraded_from"] = finding.downgraded_from
    return {**row, "message": finding.message, "fingerprint": finding.fingerprint, **column_units(report.note, finding)}


def github(reports: Sequence[NoteReport], rules: RuleSet) -> str:  # noqa: ARG001
    """Workflow commands that a code host turns into annotations."""
    rows = []
    for report in reports:
        for f in report.findings:
            title = _property(f"{f.code} {f.name}")
            column = "" if f.id else f",col={f.column}"  # in a row it counts in the field, not in the file
            place = f"file={_property(f.file)},line={f.line}{column},title={title}"
            rows.append(f"::{_GITHUB[f.severity]} {place}::{_message(f'{phrase(f)!r} {f.message} {f.question}')}\n")
    return "".join(rows)


def _message(text: str) -> str:
    return clean(text).replace("%", "%25")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def junit(reports: Sequence[NoteReport], rules: RuleSet) -> str:  # noqa: ARG001
    """One test case a note; each finding is a failure in it."""
    total = sum(len(report.findings) for report in reports)
    failing = sum(bool(report.findings) for report in reports)
    out = [
        '<?xml version="1.0" encoding="utf-8"?>\n',
        f'<testsuites name="verbatim lint" tests="{len(reports)}" failures="{failing}">\n',
        f'  <testsuite name="verbatim lint" tests="{len(reports)}" failures="{failing}" errors="0" id="{total}">\n',
    ]
    for report in reports:
        name = report.note.file + (f" [{report.note.id}]" if report.note.id else "")
        out.append(f'    <testcase name={_attribute(clean(name))} classname="verbatim.lint">\n')
        if report.findings:
            body = "".join(f'{_place(f)} {f.code} "{phrase(f)}" {f.message} {f.question}\n' for f in report.findings)
            first, count = report.findings[0], plural(len(report.findings), "finding")
            out.append(
                f"      <failure type={_attribute(first.code)} message={_attribute(count)}>"
                f"{html.escape(clean_lines(body), quote=False)}</failure>\n"
            )
        out.append("    </testcase>\n")
    return "".join(out) + "  </testsuite>\n</testsuites>\n"


def _attribute(text: str) -> str:
    return f'"{html.escape(text)}"'


def clean_lines(text: str) -> str:
    """Like `clean`, but line ends stay."""
    return "\n".join(clean(line) for line in text.split("\n"))


def statistics(reports: Sequence[NoteReport], rules: RuleSet, *, for_machine: bool = False) -> str:
    """Findings by rule, most frequent first, as a table or as JSON."""
    counts = Counter(finding.code for report in reports for finding in report.findings)
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    if for_machine:
        return json.dumps([{"code": code, "name": rules.rules[code].name, "count": n} for code, n in rows]) + "\n"
    return "".join(f"{n:>7,}  {code}  {rules.rules[code].name}\n" for code, n in rows)


def _sarif(reports: Sequence[NoteReport], rules: RuleSet) -> str:
    from pipeline.lint.sarif import sarif

    return sarif(reports, rules)


FORMATS: dict[str, Callable[[Sequence[NoteReport], RuleSet], str]] = {
    "full": full,
    "concise": concise,
    "json": as_json,
    "github": github,
    "sarif": _sarif,
    "junit": junit,
}
