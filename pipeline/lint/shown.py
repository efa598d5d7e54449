"""A note as a model is shown it, and the way back from a phrase of what was shown to the note.

Names, addresses and numbers of people are placeholders, code and links are blanked, every sentence is one line. A
sentence that was planted, and whose judgement nobody can miss, stands among them: a model that passes over it was not
reading, whatever the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.hashing import content_hash
from pipeline.lint.finding import Finding
from pipeline.lint.quotes import Quotes
from pipeline.lint.text import BLANK, Sentence
from pipeline.redact import Redacted, Redactor

PLANTED = (
    "A wonderful person, honestly, and a great culture fit.",
    "My gut says yes and the vibe was amazing.",
    "Simply brilliant, a natural talent.",
    "Would be great to have a beer with, one of our kind.",
    "I had a bad feeling about this one from the start.",
    "Too old for our team, to be frank.",
)
CONTEXT = ("heading", "quote")  # kinds of sentence that are shown without a number
MOST = 50  # sentences in one request
LONGEST_PHRASE = 200
_SPACE = re.compile(r"\s")


class Row(NamedTuple):
    """One line that is shown; `number` is None for headings and block quotes, which nobody may point at."""

    number: int | None
    sentence: Sentence | None
    text: str
    redacted: Redacted


class Page:
    """The sentences of one request, in order, with the planted one among them."""

    def __init__(self, rows: Sequence[Row], planted: int) -> None:
        self.rows = list(rows)
        self.planted = planted
        self.numbered = {row.number: row for row in rows if row.number is not None}

    def show(self) -> str:
        """The rows as text; rows without a number are context."""
        return "\n".join(f"{'-' if row.number is None else row.number} {row.text}" for row in self.rows)

    @property
    def numbers(self) -> list[int]:
        """Numbers of the writer's own sentences."""
        return [number for number in self.numbered if number != self.planted]

    def number_of(self, finding: Finding) -> int | None:
        """The sentence that holds a finding."""
        for number, row in self.numbered.items():
            if row.sentence is not None and row.sentence.start <= finding.start < row.sentence.end:
                return number
        return None

    def words(self, finding: Finding) -> str:
        """The words of a finding as they are shown: placeholders for names."""
        row = self.numbered[self.number_of(finding) or 0]
        base = row.sentence.start if row.sentence is not None else 0
        start, end = finding.start - base, finding.end - base
        parts = []
        hidden = row.redacted
        for first, last, (begin, stop), own in zip(
            hidden.starts, (*hidden.starts[1:], len(row.text)), hidden.origins, hidden.copied, strict=True
        ):
            if begin < end and start < stop:
                stretch = row.text[first:last]
                parts.append(stretch[max(start - begin, 0) : end - begin] if own else stretch)
        return "".join(parts)

    def place(self, number: int, phrase: str) -> tuple[int, int] | None:
        """Code points of the note for a phrase that occurs word for word in a sentence, else None."""
        row = self.numbered.get(number)
        if row is None or row.sentence is None or (match := _match(phrase, row.text)) is None:
            return None
        start, end = row.redacted.original(match.start(), match.end())
        return row.sentence.start + start, row.sentence.start + end

    def read_planted(self, number: int, phrase: str) -> bool:
        """Whether this points at the planted sentence with words that stand in it: a number alone is soon guessed."""
        return number == self.planted and _match(phrase, self.numbered[number].text) is not None


def _match(phrase: str, text: str) -> re.Match[str] | None:
    """The phrase where it occurs word for word, if there are words in it that are no placeholder."""
    words = phrase.split()
    if not words or len(phrase) > LONGEST_PHRASE:
        return None
    pattern = r"\s+".join(re.escape(word) for word in words)
    match = re.search(rf"(?<!\w){pattern}(?!\w)", text)
    return match if match and re.search(r"[^\W\d_]", re.sub(r"\[[A-Z]+-\d+\]", "", match[0])) else None


def pages(cut: Sequence[Sentence], redactor: Redactor) -> list[Page]:
    """The note in requests of at most MOST sentences; none for a note without words of the writer's own."""
    shown = [sentence for sentence in cut if any(char.isalpha() for char in _words(sentence).replace(BLANK, ""))]
    made = (_page(shown[at : at + MOST], redactor) for at in range(0, len(shown), MOST))
    return [page for page in made if page.numbers]


def _words(sentence: Sentence) -> str:
    return sentence.text[sentence.start : sentence.end]


def _page(cut: Sequence[Sentence], redactor: Redactor) -> Page:
    """Rows of a stretch. Where the planted sentence stands follows from the words, so that a page is asked once."""
    own = [_words(sentence) for sentence in cut if sentence.kind not in CONTEXT]
    lot = int(content_hash(own), 16)
    at, text = lot % (len(own) + 1), PLANTED[lot // 997 % len(PLANTED)]
    rows: list[Row] = []
    number = planted = 0
    plain = Redactor(active=False)
    for sentence in cut:
        counts = sentence.kind not in CONTEXT
        if counts and number == at and not planted:
            number = planted = number + 1
            rows.append(Row(planted, None, text, plain.redact(text)))
        number += counts
        # One code point for one, so that offsets into the row are offsets into the sentence.
        redacted = redactor.redact(_SPACE.sub(" ", _words(sentence).rstrip()).replace(BLANK, "·"))
        rows.append(Row(number if counts else None, sentence, redacted.text, redacted))
    if not planted:
        planted = number + 1
        rows.append(Row(planted, None, text, plain.redact(text)))
    return Page(rows, planted)


def in_quotation(quotes: Quotes, text: str, start: int, end: int) -> bool:
    """Whether a stretch of the note is inside quotation marks: somebody's words, unless it is a word or three."""
    inside = quotes.around(start)
    return inside is not None and end <= inside[1] and len(text[inside[0] : inside[1]].split()) > 3
