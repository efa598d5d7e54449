"""Feedback text as sentences of tokens, with offsets into the original.

A token is a lower-case word, number or punctuation mark. Hyphens inside a word part it ("culture-fit" reads as
"culture fit"), a clitic stands alone ("he's" reads as "he" + "'s"), and a full stop inside a word stays ("node.js").
Code, links, comments and table rules are blanked before reading, so their words can never match a rule.
All offsets are code points into the text as given, end exclusive.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BLANK = "\ue000"  # stands for one character of code or markup: neither word nor space nor punctuation mark

_TOKEN = re.compile(
    r"\w+(?:\.(?=[^\W\d])\w+|[.,](?=\d)\d+|'(?!(?:s|d|ll|re|ve|m|S|D|LL|RE|VE|M)\b)\w+)*"
    r"|(?<=[^\W_])'(?:s|d|ll|re|ve|m|S|D|LL|RE|VE|M)\b"  # clitics
    r"|(?<!\w)-+|-+(?!\w)"  # a dash, but not the hyphen inside a word
    r"|\ue000+"
    r"|[^\w\s*-]"
)
_PLAIN = {
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "—": "-",
    "–": "-",
    "\u00a0": " ",
    "\u2011": "-",
    "…": ".",
}

_MASKED = re.compile(  # every alternative begins with a letter of its own, so that the search skips all other text
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)"  # fenced code
    r"|<!--.*?(?:-->|\Z)"
    r"|`[^`\n]*`"
    r"|\]\([^)\]\s]*\)"  # the target of a link
    r"|h(?<=\bh)ttps?://[^\s)>\]]+|f(?<=\bf)ile://[^\s)>\]]+"
    r"|</?[a-zA-Z][^<>\n]{0,200}>",
    re.DOTALL,
)
_FRONT_MATTER = re.compile(r"\A\ufeff?(---|\+\+\+)[ \t]*\r?\n.*?\r?\n\1[ \t]*(?:\r?\n|\Z)", re.DOTALL)

_BULLET = re.compile(r"[ \t]*(?:(?:[-*+•‣◦·–—]|\d{1,3}[.)]|[a-zA-Z][.)]|\[[ xX]\])[ \t]+)+")
_LINE_END = re.compile(r"\r\n?|\n|\u2028|\u2029")
_EDITOR_LINE_END = re.compile(r"\r\n?|\n")
_STOP = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’)\]]*[ \t\u00a0]+(?=\S)")
_ABBREVIATIONS = frozenset("e.g i.e eg ie approx vs incl resp cf mr mrs ms dr st jr sr fig".split())
_UNLESS_CAPITAL = frozenset("min mins max sec secs hr hrs no nos dept est etc yrs yr".split())
_LONGEST = 2000  # characters of one sentence
_ENDS_SENTENCE = (".", "!", "?", ":", ";", "…")


class Sentence:
    """One sentence or bullet: where it stands, and its tokens.

    `kind` is "prose", "bullet", "heading", "quote" (a Markdown block quote) or "row" (of a table); `block` counts
    paragraphs and lists, so that neighbours can be told from strangers.
    """

    __slots__ = ("block", "code", "end", "kind", "start", "text", "tokens", "words")

    def __init__(self, text: str, start: int, end: int, kind: str, block: int) -> None:
        self.text, self.start, self.end, self.kind, self.block = text, start, end, kind, block
        self.tokens: list[str] = _TOKEN.findall(text, start, end)
        self.code = ""  # the words as the rules' alphabet spells them, once somebody searched here
        joined = "\n".join(self.tokens)  # no token holds a line end
        self.words: list[str] = joined.lower().split("\n") if joined else []
        if text.find("_", start, end) >= 0:  # emphasis around a word, but not the underscore inside a name
            self.words = [word.strip("_") or word for word in self.words]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Code points from the start of one token to the end of another, into the text."""
        find, at = self.text.find, self.start
        for token in self.tokens[:first]:  # between tokens stands nothing that a token could be taken for
            at = find(token, at) + len(token)
        start = find(self.tokens[first], at)
        at = start
        for token in self.tokens[first : last + 1]:
            at = find(token, at) + len(token)
        return start, at


class Line(NamedTuple):
    """One line without its line end: code points, end exclusive."""

    start: int
    end: int


def masked(text: str) -> str:
    """The text with code, links, comments and front matter blanked, length unchanged. Newlines stay."""
    out = text
    if text.startswith(("---", "+++", "\ufeff---", "\ufeff+++")):
        out = _FRONT_MATTER.sub(_blank, out, count=1)
    return _MASKED.sub(_blank, out)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n\r]", BLANK, match.group())


def lines(text: str) -> list[Line]:
    """Every line of the text; CRLF, CR and LF end a line."""
    ends = [match.span() for match in _LINE_END.finditer(text)]
    starts = [0, *[after for _, after in ends]]
    return list(map(Line, starts, [*[end for end, _ in ends], len(text)]))


def line_starts(text: str) -> list[int]:
    """Where every line starts, as editors and readers of SARIF count lines."""
    return [0, *map(re.Match.end, _EDITOR_LINE_END.finditer(text))]


def editor_lines(text: str) -> list[str]:
    """The lines that `line_starts` counts, without their ends."""
    return _EDITOR_LINE_END.split(text)


def line_from(text: str, start: int) -> str:
    """The rest of the line that holds `start`."""
    end = _EDITOR_LINE_END.search(text, start)
    return text[start : end.start() if end else len(text)]


def sentences(text: str) -> list[Sentence]:
    """Cut a note into sentences, bullets, headings and table rows, in order."""
    clean = masked(text)
    for odd, plain in _PLAIN.items():
        clean = clean.replace(odd, plain)
    return [
        Sentence(clean, start, end, kind, block)
        for first, last, kind, block in _passages(clean)
        for start, end in _cut(clean, first, last, kind)
    ]


def _passages(text: str) -> Iterator[tuple[int, int, str, int]]:
    """Runs of lines that belong together: a wrapped paragraph, one bullet, one heading, one table row."""
    block = 0
    open_at, open_end, open_kind = -1, -1, ""
    for line in lines(text):
        raw = text[line.start : line.end]
        body = raw.strip(" \t\ufeff" + BLANK)
        if not body:
            if open_at >= 0:
                yield open_at, open_end, open_kind, block
                open_at = -1
            block += 1
            continue
        start = line.start + raw.index(body[0])
        kind, start = _kind(text, line, start, body)
        previous = text[open_end - 1] if open_at >= 0 else ""
        if open_at >= 0 and kind == "prose" and _continues(previous, body, open_end - open_at, open_kind):
            open_end = line.end
            continue
        if open_at >= 0:
            yield open_at, open_end, open_kind, block
        if kind == "heading":
            block += 1
        open_at, open_end, open_kind = start, line.start + len(raw.rstrip()), kind
    if open_at >= 0:
        yield open_at, open_end, open_kind, block


def _kind(text: str, line: Line, start: int, body: str) -> tuple[str, int]:
    if body[0] == "#":
        return "heading", start
    if body[0] == ">":
        return "quote", start
    if body[0] == "|":
        return "row", start
    bullet = _BULLET.match(text, line.start, line.end)
    if bullet and bullet.end() < line.end:
        return "bullet", bullet.end()
    return "prose", start


def _continues(previous: str, body: str, length: int, kind: str) -> bool:
    """A wrapped line goes on when the last one did not end a sentence and was long, or this one starts small."""
    if kind not in {"prose", "bullet"} or previous in _ENDS_SENTENCE:
        return False
    return length >= 60 if not body[0].islower() else length >= 30


def _abbreviates(word: str, following: str) -> bool:
    """Whether the stop after `word` belongs to an abbreviation ("no. 3", "8 min. left"), given the next character."""
    return word in _ABBREVIATIONS or (
        word in _UNLESS_CAPITAL and (following.isdigit() or (word != "no" and following.islower()))
    )


def _cut(text: str, start: int, end: int, kind: str) -> Iterator[tuple[int, int]]:
    if kind in {"heading", "row"}:
        yield start, end
        return
    at = start
    for stop in _STOP.finditer(text, start, end):
        word = text[max(at, stop.start() - 8) : stop.start()].rsplit(None, 1)
        if word and text[stop.start()] == "." and _abbreviates(word[-1].lstrip("(").lower(), text[stop.end()]):
            continue
        yield from _bounded(text, at, stop.end())
        at = stop.end()
    yield from _bounded(text, at, end)


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A run of words without a stop is cut at a space, so that the work for one sentence stays bounded."""
    while end - start > _LONGEST:
        cut = text.rfind(" ", start + 1, start + _LONGEST)
        cut = cut if cut > start else start + _LONGEST
        yield start, cut
        start = cut
    if start < end:
        yield start, end
