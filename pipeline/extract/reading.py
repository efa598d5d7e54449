"""From a model's raw text to drafts: the exact JSON that was asked for, or AnswerError. Nothing is salvaged."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from pipeline.answering import Form, parse
from pipeline.errors import AnswerError
from pipeline.records import Draft, ProbeDraft, Reason, Record
from pipeline.talk import Talk

if TYPE_CHECKING:
    from pipeline.spans import Index

UNKNOWN_SIGNAL = "unknown"  # stands for whatever a model wrote that is no signal of the rubric
_POINTER = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))? ([a-z][a-z0-9_-]{0,63})(?: by ([0-9]{1,6}))?")
_LARGEST = 999_999


class LineAnswer(Form):
    """All that a model can say when it points."""

    evidence: list[str]
    probes: list[int]


class QuotedPiece(Form):
    """A piece of evidence in quote mode: words that must be found in the transcript."""

    quote: str
    signal: str
    prompted_by: int | None


class QuoteAnswer(Form):
    """All that a model can say in quote mode."""

    evidence: list[QuotedPiece]
    probes: list[int]


class ShownAnswer(Form):
    """Numbers of the quotes that show their signal."""

    shown: list[int]


class Asked(Record):
    """What an answer is read against: the lines that were shown, and what was asked about them."""

    chunk: int
    first: int
    last: int
    pillar: str


class Found(Record):
    """What answers pointed at."""

    drafts: tuple[Draft, ...] = ()
    probes: tuple[ProbeDraft, ...] = ()

    def __add__(self, other: Found) -> Found:
        return Found(drafts=self.drafts + other.drafts, probes=self.probes + other.probes)

    @property
    def furthest(self) -> int:
        """The last line pointed at among those shown; 0 when there is none."""
        drafts = (draft.last for draft in self.drafts if draft.fault is None)
        return max((*drafts, *(probe.line for probe in self.probes if probe.chunk)), default=0)


def read_lines(text: str, asked: Asked, signals: Collection[str], request_hash: str) -> Found:
    """Drafts and probes of a pointing answer. `signals` are all of the rubric's."""
    answer = parse(LineAnswer, text, request_hash)
    drafts = []
    for i, piece in enumerate(answer.evidence):
        match = _POINTER.fullmatch(piece)
        if match is None:
            raise AnswerError(f"request {request_hash}: evidence.{i}: not of the form 12-13 signal-id by 10")
        first = int(match[1])
        drafts.append(
            _draft(
                asked,
                signal=match[3] if match[3] in signals else UNKNOWN_SIGNAL,
                first=first,
                last=int(match[2]) if match[2] else first,
                prompted_by=int(match[4]) if match[4] else None,
                request_hash=request_hash,
            )
        )
    return Found(drafts=tuple(drafts), probes=_probes(answer.probes, asked, request_hash))


def read_quotes(text: str, asked: Asked, talk: Talk, signals: Collection[str], request_hash: str) -> Found:
    """Drafts and probes of a quote-mode answer: each quote is located among the lines shown, or is a faulty draft.

    What is kept of a quote is the lines it was found on; one that was not found leaves no words behind.
    """
    answer = parse(QuoteAnswer, text, request_hash)
    ground = _Ground(talk, asked)
    drafts = []
    for piece in answer.evidence:
        lines = ground.lines_of(piece.quote)
        drafts.append(
            _draft(
                asked,
                signal=piece.signal if piece.signal in signals else UNKNOWN_SIGNAL,
                first=lines[0] if lines else 0,
                last=lines[1] if lines else 0,
                prompted_by=_small(piece.prompted_by),
                request_hash=request_hash,
                fault=None if lines else "not_located",
            )
        )
    return Found(drafts=tuple(drafts), probes=_probes(answer.probes, asked, request_hash))


def read_shown(text: str, request_hash: str) -> frozenset[int]:
    """Numbers that the support check confirmed."""
    return frozenset(parse(ShownAnswer, text, request_hash).shown)


def _draft(
    asked: Asked,
    *,
    signal: str,
    first: int,
    last: int,
    prompted_by: int | None,
    request_hash: str,
    fault: Reason | None = None,
) -> Draft:
    unseen = fault is None and not (asked.first <= first and last <= asked.last)
    return Draft(
        chunk=asked.chunk,
        pillar=asked.pillar,
        signal=signal,
        first=first,
        last=last,
        prompted_by=prompted_by,
        request_hash=request_hash,
        fault="out_of_range" if unseen else fault,
    )


def _probes(numbers: list[int], asked: Asked, request_hash: str) -> tuple[ProbeDraft, ...]:
    """Probes; one outside the lines shown goes to chunk 0, which has no lines, so that the verifier turns it down."""
    return tuple(
        ProbeDraft(
            chunk=asked.chunk if asked.first <= n <= asked.last else 0,
            pillar=asked.pillar,
            line=_small(n) or 0,
            request_hash=request_hash,
        )
        for n in numbers
    )


def _small(number: int | None) -> int | None:
    """A number that fits a column; none that large is a line."""
    return None if number is None else max(-1, min(number, _LARGEST))


class _Ground:
    """The lines shown as one text in which quotes are located."""

    def __init__(self, talk: Talk, asked: Asked) -> None:
        self.talk = talk
        self.first = asked.first
        self.starts: list[int] = []
        parts: list[str] = []
        at = 0
        for number in range(asked.first, asked.last + 1):
            self.starts.append(at)
            parts.append(talk.shown[number - 1].text)
            at += len(parts[-1]) + 1
        self.text = "\n".join(parts)
        self._index: Index | None = None

    def lines_of(self, quote: str) -> tuple[int, int] | None:
        from bisect import bisect_right

        from pipeline.spans import index, locate

        if self._index is None:
            self._index = index(self.text)
        found = locate(self._index, quote)
        if found is None:
            return None
        first = bisect_right(self.starts, found.start) - 1
        last = bisect_right(self.starts, max(found.end - 1, found.start)) - 1
        return self.first + first, self.first + last
