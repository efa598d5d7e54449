"""The packet as text for an ATS: Markdown, plain text, CSV. What people and candidates said stays text everywhere."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from pipeline.debrief import Doubt, Packet, Part, Position, Quote
from pipeline.plain import plain
from pipeline.review.calls import BASES, LEVELS, STEPS
from pipeline.web.shape import COVERAGE, clock

# Markup anywhere, list and heading marks at the start, addresses that renderers make links of by themselves.
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&|~{}$^@]|:(?=//)|(?i:(?<=www)\.)|^[#+\-=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]")
_FORMULA = re.compile(r"^[\s\u200b\ufeff]*[=+\-@\t\r\n＝＋－＠|%]")


def one_line(text: str) -> str:
    """Text on one line, with everything that could steer a screen made visible."""
    return " ".join(plain(text).split())


def guarded(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes in front of one that looks like it."""
    text = one_line(str(value))
    return f"'{text}" if _FORMULA.match(str(value)) or _FORMULA.match(text) else text


def as_csv(packet: Packet) -> str:
    """One row a call, a quote, a gap, a doubt (RFC 4180)."""
    target = io.StringIO()
    writer = csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(
        ["kind", "interview", "pillar", "who", "step", "value", "text", "basis", "signal", "at", "cited", "evidence_id"]
    )
    for row in _rows(packet):
        writer.writerow([guarded(cell) for cell in row])
    return target.getvalue()


def _rows(packet: Packet) -> Iterator[list[object]]:
    for kind, told in (("missing", packet.missing), ("opened", packet.opened)):
        for text in told:
            yield [kind, "", "", "", "", "", text, "", "", "", "", ""]
    for part in packet.parts:
        for position in part.positions:
            for call in position.calls:
                ids = " ".join(quote.evidence_id for quote in call.cited)
                yield ["call", position.interview_id, part.pillar, position.name, call.step, LEVELS[call.level],
                       call.rationale, BASES.get(call.basis or "", ""), "", "", "", ids]  # fmt: skip
        for quote in (*part.strong, *part.weak, *part.cited_before):
            yield ["evidence", quote.interview_id, part.pillar, "candidate", "", quote.polarity, quote.quote,
                   quote.gone or ("prompted" if quote.prompted else ""), quote.signal_text, clock(quote.start_s),
                   "yes" if quote.cited else "", quote.evidence_id]  # fmt: skip
        for gap in part.coverage:
            yield ["coverage", gap.interview_id, part.pillar, "", "", COVERAGE.get(gap.state, gap.state),
                   f"{gap.strong} strong, {gap.weak} weak, {gap.probes} questions", "", "", "", "", ""]  # fmt: skip
    for kind, doubts in (("claim", packet.claims), ("finding", packet.findings)):
        for doubt in doubts:
            yield [kind, doubt.interview_id, "", doubt.author, "", doubt.what, doubt.text, doubt.question, "", "", "",
                   ""]  # fmt: skip


class _Plain:
    """Plain text."""

    bullet, deep = "- ", "  - "

    def text(self, value: str) -> str:
        return one_line(value)

    def head(self, level: int, value: str) -> list[str]:
        line = self.text(value)
        return ["", line, ("=" if level == 1 else "-") * len(line)]

    def strong(self, value: str) -> str:
        return self.text(value)


class _Markdown(_Plain):
    """Markdown in which nothing that was said can become markup."""

    def text(self, value: str) -> str:
        return _MARKDOWN.sub(r"\\\g<0>", one_line(value))

    def head(self, level: int, value: str) -> list[str]:
        return ["", f"{'#' * level} {self.text(value)}", ""]

    def strong(self, value: str) -> str:
        return f"**{self.text(value)}**"


def as_markdown(packet: Packet) -> str:
    """Markdown."""
    return _written(packet, _Markdown())


def as_text(packet: Packet) -> str:
    """Plain text."""
    return _written(packet, _Plain())


def _written(packet: Packet, pen: _Plain) -> str:
    out = pen.head(1, f"Debrief: {packet.candidate_id}")
    out.append(pen.text(packet.role))
    for heading in packet.interviews:
        held = f", {heading.held_on}" if heading.held_on else ""
        out.append(pen.bullet + pen.text(f"{heading.interview_id}: {heading.format}{held}, {clock(heading.seconds)}"))
    out += _bullets(pen, "Still missing", packet.missing) + _bullets(pen, "Opened all the same by", packet.opened)
    out += pen.head(2, "Where the calls differ")
    for part in packet.disagreements:
        sides = "; ".join(f"{p.name} {LEVELS[p.latest.level]} ({p.interview_id})" for p in part.positions)
        out.append(f"{pen.bullet}{pen.strong(part.title)}{pen.text(': ' + sides)}")
    if not packet.disagreements:
        out.append(pen.text("Nowhere: the latest calls agree on every pillar."))
    for part in packet.parts:
        out += _part(part, pen)
    out += _bullets(pen, "Feedback that the recording does not bear out", [_doubt(d) for d in packet.claims])
    out += _bullets(pen, "Feedback that judges instead of describing", [_doubt(d) for d in packet.findings])
    out += pen.head(2, "Movement between calls")
    moves = [
        pen.bullet + pen.text(f"{part.title}, {position.name}: {_path(position)}")
        for part, position in packet.movements
    ]
    out += moves or [pen.text("No level changed between calls.")]
    return "\n".join(out).strip() + "\n"


def _part(part: Part, pen: _Plain) -> list[str]:
    out = pen.head(2, part.title)
    for position in part.positions:
        place = "" if position.was_there else ", was not in the interview"
        out.append(f"{pen.bullet}{pen.strong(position.name)} {pen.text(f'({position.interview_id}{place})')}")
        for call in position.calls:
            basis = f"; {BASES[call.basis]}" if call.basis in BASES else ""
            said = f"call {call.step}, {STEPS[call.step]}: {LEVELS[call.level]}{basis}. {call.rationale}"
            out.append(pen.deep + pen.text(said))
    if not part.positions:
        out.append(pen.text("No closed call."))
    for title, quotes in (
        ("For", part.strong),
        ("Against", part.weak),
        ("Cited, but taken out since", part.cited_before),
    ):
        if quotes or title != "Cited, but taken out since":
            out += ["", pen.strong(title)]
            out += [pen.bullet + _quoted(quote, pen) for quote in quotes] or [pen.bullet + "none pointed at"]
    out += ["", pen.strong("Coverage")]
    for gap in part.coverage:
        state = COVERAGE.get(gap.state, gap.state)
        out.append(
            pen.bullet
            + pen.text(f"{gap.interview_id}: {state} ({gap.strong} strong, {gap.weak} weak, {gap.probes} questions)")
        )
    return out


def _quoted(quote: Quote, pen: _Plain) -> str:
    marks = [quote.interview_id, clock(quote.start_s)]
    marks += [mark for mark, holds in (("prompted", quote.prompted), ("cited", quote.cited)) if holds]
    marks += [quote.gone] if quote.gone else []
    return pen.text(f"“{one_line(quote.quote)}” ({', '.join(marks)}; {quote.signal_text})")


def _bullets(pen: _Plain, title: str, rows: tuple[str, ...] | list[str]) -> list[str]:
    return [*pen.head(2, title), *(pen.bullet + pen.text(row) for row in rows)] if rows else []


def _doubt(doubt: Doubt) -> str:
    who = f"{doubt.interview_id} {doubt.author}".strip()
    question = f" {doubt.question}" if doubt.question else ""
    return f"{who}: “{one_line(doubt.text)}”: {doubt.what}.{question}"


def _path(position: Position) -> str:
    return ", then ".join(f"{LEVELS[call.level]} (call {call.step})" for call in position.calls)
