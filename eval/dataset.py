"""Gold interviews as samples: read, checked, and given transcripts and lines by the production code.

A gold document is turns with labelled quotes (eval/gold/README.md has the format and the labelling policy). Here each
turn's words get times spread evenly over the turn, `pipeline.lines` joins and cuts them, and every quote becomes a
character span of the transcript's text. So what is measured went through the code that real recordings go through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from pipeline.chunk import cut_chunks
from pipeline.errors import VerbatimError
from pipeline.hashing import content_hash
from pipeline.lines import assemble, cut_lines
from pipeline.prompting import load_rubric, rubric_ids
from pipeline.records import Chunk, HeardWord, Line, Polarity, Record, Role, Transcript, Utterance
from pipeline.rubric import Rubric

GOLD = Path(__file__).parent / "gold"
SPLITS = ("dev", "test")
RUBRIC = "senior-backend"  # of the labels, where a header's role_profile names a job and no rubric
_WORD = re.compile(r"\S+")
DistractorReason = Literal[
    "opinion", "brand-name", "generic-knowledge", "boast", "interviewer-words", "plan-without-act", "small-talk"
]


class GoldError(VerbatimError):
    """A gold document that does not hold together."""


class GoldEvidence(Record):
    """A quote that shows a signal, as a person labelled it."""

    quote: str
    pillar: str
    signal: str
    polarity: Polarity
    prompted: bool
    prompted_by: int | None
    must_find: bool


class GoldDistractor(Record):
    """A quote that a careless reader would take for evidence, and why it is none."""

    quote: str
    reason: DistractorReason


class GoldTurn(Record):
    """What one person says in a row, with what is to be found in it."""

    turn: int
    role: Literal["interviewer", "candidate"]
    start_s: float
    end_s: float
    text: str
    probes: tuple[str, ...] = ()
    evidence: tuple[GoldEvidence, ...] = ()
    distractors: tuple[GoldDistractor, ...] = ()


class GoldHeader(Record):
    """The first row of a document."""

    id: str
    title: str
    role_profile: str
    split: Literal["dev", "test"]
    voice: str
    asked: tuple[str, ...]


class Label(NamedTuple):
    """One label of a gold span; `id` survives as long as the document's labels stand in the same order."""

    id: str
    pillar: str
    signal: str
    polarity: str
    prompted: bool
    must_find: bool


class GoldSpan(NamedTuple):
    """Code points `start` to `end` of the transcript with the labels they carry."""

    start: int
    end: int
    turn: int
    labels: tuple[Label, ...]

    @property
    def must_find(self) -> bool:
        """An attentive reviewer could not miss it."""
        return any(label.must_find for label in self.labels)


class Trap(NamedTuple):
    """A distractor's span."""

    start: int
    end: int
    turn: int
    role: str
    reason: str


class Sample:
    """One gold interview, ready for a solver. Everything but `header` and `turns` is derived, and only once."""

    def __init__(self, header: GoldHeader, turns: Sequence[GoldTurn], rubric: Rubric) -> None:
        self.header = header
        self.turns = tuple(turns)
        self.rubric = rubric
        self.id = header.id
        self.roles: dict[str, Role] = {"interviewer": "interviewer", "candidate": "candidate"}

    @cached_property
    def transcript(self) -> Transcript:
        """The turns as a transcript of two speakers."""
        said = [_utterance(turn) for turn in self.turns]
        return assemble(self.id, said, source="gold", language="en", duration_s=self.turns[-1].end_s)

    @cached_property
    def lines(self) -> list[Line]:
        """The production lines."""
        return cut_lines(self.transcript)

    @cached_property
    def chunks(self) -> list[Chunk]:
        """The production chunks at their default size."""
        return cut_chunks(self.lines)

    @cached_property
    def turn_at(self) -> dict[int, int]:
        """Turn -> offset of its first character in the transcript."""
        offsets, at = {}, 0
        for turn in self.turns:
            offsets[turn.turn] = at
            at += len(turn.text) + 1
        return offsets

    @cached_property
    def spans(self) -> list[GoldSpan]:
        """Gold evidence by place; labels of the same quote are one span."""
        found: dict[tuple[int, int], list[tuple[int, Label]]] = {}
        for turn in self.turns:
            for n, e in enumerate(turn.evidence, start=1):
                label = Label(f"{self.id}:{turn.turn}.{n}", e.pillar, e.signal, e.polarity, e.prompted, e.must_find)
                found.setdefault(self._place(turn, e.quote), []).append((turn.turn, label))
        return [
            GoldSpan(start, end, pairs[0][0], tuple(label for _, label in pairs))
            for (start, end), pairs in sorted(found.items())
        ]

    @cached_property
    def traps(self) -> list[Trap]:
        """Distractors by place."""
        return [
            Trap(*self._place(turn, d.quote), turn.turn, turn.role, d.reason)
            for turn in self.turns
            for d in turn.distractors
        ]

    @cached_property
    def hours(self) -> float:
        """Length of the interview."""
        return self.turns[-1].end_s / 3600

    def _place(self, turn: GoldTurn, quote: str) -> tuple[int, int]:
        start = self.turn_at[turn.turn] + turn.text.index(quote)
        return start, start + len(quote)

    def turn_of(self, line: Line) -> int:
        """The gold turn that a line begins in."""
        return max(turn for turn, at in self.turn_at.items() if at <= line.start)


def _utterance(turn: GoldTurn) -> Utterance:
    tokens = _WORD.findall(turn.text)
    step = (turn.end_s - turn.start_s) / max(len(tokens), 1)
    words = tuple(
        HeardWord(text=token, start_s=turn.start_s + i * step, end_s=turn.start_s + (i + 1) * step)
        for i, token in enumerate(tokens)
    )
    return Utterance(speaker=turn.role, text=turn.text, words=words)


def read_document(path: Path) -> Sample:
    """A gold document, checked against its rubric. Raises GoldError with file and line."""
    rows = path.read_text(encoding="utf-8").splitlines()
    try:
        header = GoldHeader.model_validate_json(rows[0])
    except (ValidationError, IndexError) as error:
        raise GoldError(f"{path.name}, line 1: no proper header ({type(error).__name__}).") from None
    turns = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            turns.append(GoldTurn.model_validate_json(row))
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise GoldError(f"{path.name}, line {number}: {where}: {first['msg']}") from None
    sample = Sample(header, turns, load_rubric(header.role_profile if header.role_profile in rubric_ids() else RUBRIC))
    for turn in turns:
        fault = _fault(turn, sample.rubric)
        if fault:
            raise GoldError(f"{path.name}, turn {turn.turn}: {fault}")
    return sample


def _fault(turn: GoldTurn, rubric: Rubric) -> str | None:
    pillars = {pillar.id: pillar for pillar in rubric.pillars}
    for quote in [e.quote for e in turn.evidence] + [d.quote for d in turn.distractors]:
        if turn.text.count(quote) != 1:
            return f"the quote {quote[:40]!r} is there {turn.text.count(quote)} times, not once"
    for e in turn.evidence:
        if e.pillar not in pillars or e.signal not in pillars[e.pillar].by_id:
            return f"the rubric has no {e.pillar}/{e.signal}"
        if pillars[e.pillar].by_id[e.signal].polarity != e.polarity:
            return f"{e.signal} is not {e.polarity}"
        if e.prompted != (e.prompted_by is not None):
            return f"{e.signal}: prompted and prompted_by disagree"
    if any(probe not in pillars for probe in turn.probes):
        return "a probe names no pillar of the rubric"
    if turn.role == "interviewer" and turn.evidence:
        return "an interviewer's turn has evidence"
    return None


def load_split(split: str) -> list[Sample]:
    """The documents of a split, by id. Raises GoldError when there is no such split or a document is faulty."""
    if split not in SPLITS:
        raise GoldError(f"there is no gold split '{split}'.", next_step=f"choose one of: {', '.join(SPLITS)}.")
    return load_folder(GOLD / "extract" / split)


def load_folder(folder: Path) -> list[Sample]:
    """Any folder of documents, for example one that `verbatim corrections` wrote. Raises GoldError."""
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise GoldError(f"{folder} holds no gold document.", next_step="verbatim corrections FOLDER writes some.")
    return [read_document(path) for path in paths]


def gold_hash(samples: Sequence[Sample]) -> str:
    """Over every turn and label, so that a figure names the gold it was measured on."""
    return content_hash([[s.header.model_dump(), [json.loads(t.model_dump_json()) for t in s.turns]] for s in samples])
