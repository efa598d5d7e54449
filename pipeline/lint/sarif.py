"""Reports as SARIF 2.1.0: rules with their help, places in UTF-16 columns, fingerprints, suppressions with reasons."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from pipeline.lint.finding import Finding, NoteReport, column_units
from pipeline.lint.formats import dumped
from pipeline.lint.rules import Rule, RuleSet

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {"error": "error", "warning": "warning", "info": "note"}


def sarif(reports: Sequence[NoteReport], rules: RuleSet) -> str:
    """One run as a SARIF log."""
    order = sorted(rules.rules)
    results = []
    for report in reports:
        results += [_result(report, finding, order) for finding in report.findings]
        results += [_result(report, s.finding, order, s.kind, s.reason) for s in report.silenced]
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "verbatim lint",
                        "semanticVersion": "1.0.0",
                        "rules": [_rule(rules.rules[code]) for code in order],
                        "properties": {"rulesDigest": rules.digest()},
                    }
                },
                "columnKind": "utf16CodeUnits",
                "results": results,
            }
        ],
    }
    return dumped(log)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.question, "markdown": f"{rule.why}\n\n**{rule.question}**"},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
    }


def _result(report: NoteReport, finding: Finding, order: list[str], kind: str = "", reason: str = "") -> dict[str, Any]:
    units = column_units(report.note, finding)
    region: dict[str, Any] = {"startLine": finding.line, "startColumn": units["utf16_column"]}
    if "\n" in finding.text or "\r" in finding.text:
        region["endLine"] = finding.line  # the first line of a phrase that runs on
    else:
        region["endColumn"] = units["utf16_column"] + units["utf16_length"]
    region |= {"charOffset": finding.start, "charLength": finding.end - finding.start}
    if report.note.id or report.note.flat:  # offsets and columns count in the field, not in the file
        region = {"startLine": finding.line}
    region["snippet"] = {"text": finding.text}
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": order.index(finding.code),
        "level": _LEVEL[finding.severity],
        "message": {"text": f'"{finding.text}" {finding.message} {finding.question}'},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(finding.file)}, "region": region}}],
        "partialFingerprints": {"verbatimFinding/v1": finding.fingerprint},
        "properties": {"source": finding.source, **({"row": finding.id} if finding.id else {})},
    }
    if kind:
        suppression = {"kind": "inSource" if kind == "inline" else "external", "status": "accepted"}
        result["suppressions"] = [{**suppression, "justification": reason or "no reason given"}]
    return result


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
