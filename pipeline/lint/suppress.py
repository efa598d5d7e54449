"""Comments that silence a finding: `<!-- gf: ignore GF201 reason -->`, or `[gf: ignore GF201 reason]` in plain text.

On a line with text the comment covers that line; alone on its line it covers the next line that has text. With
`ignore-file` it covers the note. A reason is wanted, and a comment that silences nothing is reported.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.lint.finding import Finding, Silenced

COMMENT = re.compile(
    r"<!--[ \t]*gf:[ \t]*(?P<a>[^\n]{0,500}?)[ \t]*-->"
    r"|\[gf:[ \t]*(?P<b>[^\]\n]{0,500})\]"
    r"|<!--[ \t]*gf:(?P<c>[^\n]{0,500})",
    re.IGNORECASE,
)
_BODY = re.compile(r"(ignore-file|ignore)\b[ \t]*((?:GF\d*(?:[ \t]*,[ \t]*|[ \t]+|(?=:)|$))*)(.*)\Z", re.IGNORECASE)


class Ignore(NamedTuple):
    """One comment: what it covers (code points, end exclusive), which codes, and why."""

    start: int
    end: int
    covers: tuple[int, int]
    codes: tuple[str, ...]
    reason: str
    understood: bool


def ignores(text: str) -> list[Ignore]:
    """Every comment of a text."""
    if "gf:" not in text.lower():
        return []
    return [_ignore(text, found) for found in COMMENT.finditer(text)]


def _ignore(text: str, found: re.Match[str]) -> Ignore:
    body = _BODY.match((found["a"] or found["b"] or found["c"] or "").strip())
    codes = tuple(code.upper() for code in re.findall(r"(?i)\bGF\d*", body[2])) if body else ()
    whole = body is not None and body[1].lower() == "ignore-file"
    covers = (0, len(text)) if whole else _covered(text, found.start(), found.end())
    return Ignore(
        found.start(),
        found.end(),
        covers,
        codes,
        body[3].strip(" -:") if body else "",
        bool(codes) and found["c"] is None,
    )


def _covered(text: str, start: int, end: int) -> tuple[int, int]:
    left = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    right = _line_end(text, end)
    if re.sub(r"^[ \t]*(?:[-*+>]|\d+[.)])?[ \t]*", "", text[left:start]).strip() or text[end:right].strip():
        return left, right
    while right < len(text) and not text[right : _line_end(text, right + 1)].strip():
        right = _line_end(text, right + 1)
    return right, _line_end(text, min(right + 1, len(text)))


def _line_end(text: str, at: int) -> int:
    ends = [place for place in (text.find("\n", at), text.find("\r", at)) if place >= 0]
    return min(ends, default=len(text))


def apply(found: list[Finding], comments: list[Ignore]) -> tuple[list[Finding], list[Silenced], list[Ignore]]:
    """Split findings into those that count and those silenced; the third part are comments that silenced nothing."""
    counted: list[Finding] = []
    silenced: list[Silenced] = []
    used: set[Ignore] = set()
    for finding in found:
        by = [c for c in comments if c.understood and _silences(c, finding)]
        used.update(by)
        if by:
            silenced.append(Silenced(finding, "inline", by[0].reason))
        else:
            counted.append(finding)
    return counted, silenced, [comment for comment in comments if comment not in used]


def _silences(comment: Ignore, finding: Finding) -> bool:
    left, right = comment.covers
    return left <= finding.start <= right and any(finding.code.startswith(code) for code in comment.codes)
