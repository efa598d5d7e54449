"""The offline extractor's ear: a rubric's sayings, ready to be compared with talk.

A stretch of a candidate's turn gets a share for each signal and one for mere talk; what the interviewer asked just
before shifts the odds. All bounds stand here, chosen on the dev half of eval/gold; docs/evaluation.md has the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipeline.adapters.likeness import Likeness, Scores, softmax
from pipeline.injection import to_machine
from pipeline.records import Line
from pipeline.rubric import Rubric

VERSION = 1
NOTHING = "-"
MAX_LINES = 3
PAUSE_S = 0.5  # a rest this long ends an act

SHARPNESS = 8.0  # of the shares among signals
ASKING = 12.0  # and among kinds of question
QUESTION = 0.5  # how much the question counts beside the answer
REACH = 4  # lines after a question that it still speaks for
UNINVITED = 0.08  # what a question leaves for signals that it does not invite,
IDLE = 0.3  # and for an answer that shows nothing
LEAST = 0.105  # share a signal needs to be pointed at
TALK = 0.7  # share of mere talk, beside the best signal's, from which lines are left alone
SECOND = 0.75  # share of a second signal of the same lines, beside the first
FULL_WORDS = 24  # below this length a piece must be proportionally clearer
FEWEST_WORDS = 6
DEMANDED = 0.1  # share of demanding questions from which an act counts as prompted
PROBES = 0.5  # how clearly a turn must ask about a pillar to be a probe,
ANSWERED = 0.6  # where the answer that follows counts this much,
STATED = 0.7  # and a turn without a question mark counts less


class Piece(NamedTuple):
    """Lines of one turn, what they are taken to show, and how clearly."""

    first: int
    last: int
    signals: tuple[str, ...]
    clear: float


class Windows(NamedTuple):
    """Every stretch of one to three lines of a candidate's turn (first and last index), its words and its scores."""

    spans: tuple[tuple[int, int], ...]
    words: Scores
    scores: Scores


class Question(NamedTuple):
    """The interviewer's last words before a turn: shares of the kinds of question, and the line they end with."""

    line: int
    shares: Scores


class Ear:
    """A rubric's sayings, ready to be compared with."""

    def __init__(self, rubric: Rubric) -> None:
        self.pillar_of = rubric.pillar_of
        signals = [(signal.id, signal.says) for pillar in rubric.pillars for signal in pillar.signals]
        self.answers = Likeness([*signals, (NOTHING, rubric.nothing)])
        polarity = {signal.id: signal.polarity for pillar in rubric.pillars for signal in pillar.signals}
        self.sides = [polarity.get(label) for label in self.answers.labels]
        self.idle = self.answers.labels.index(NOTHING) if NOTHING in self.answers.labels else None
        self.deaf = not any(says for _, says in signals)
        self.kinds = Likeness([(ask.kind, ask.says) for ask in rubric.asks])
        by_kind = {ask.kind: ask for ask in rubric.asks}
        asks = [by_kind[kind] for kind in self.kinds.labels]
        odds = [
            [1.0 if s in ask.invites else IDLE if s == NOTHING else UNINVITED for s in self.answers.labels]
            for ask in asks
        ]
        self.odds = np.array([np.array(row) / sum(row) for row in odds]).reshape(len(asks), len(self.answers.labels))
        self.pillars = [pillar.id for pillar in rubric.pillars]
        self.belongs = np.array(
            [[self.pillar_of.get(s) == p for p in self.pillars] for s in self.answers.labels], float
        )
        self.probing = np.array([[pillar in ask.pillars for pillar in self.pillars] for ask in asks], dtype=float)
        self.demanding = {s: np.array([s in ask.demands for ask in asks], dtype=float) for s, _ in signals}

    def question(self, turn: Sequence[Line]) -> Question | None:
        """What the last two lines of an interviewer's turn ask for."""
        if not self.kinds.labels:
            return None
        text = " ".join(line.text for line in turn[-2:])
        return Question(turn[-1].line, softmax(self.kinds.scores([text]), ASKING)[0])

    def demands(self, question: Question, signal: str) -> float:
        """Share of the kinds of question that demand this very signal."""
        return float(question.shares @ self.demanding[signal])

    def probes(self, turn: Sequence[Line], answered: Scores | None = None) -> list[tuple[int, str]]:
        """The pillars an interviewer's turn asks about, each with the line that asks most for it."""
        if not self.kinds.labels or not turn:
            return []
        texts = [line.text for line in turn]
        shares = softmax(self.kinds.scores([*texts, " ".join(texts[-2:])]), ASKING) @ self.probing
        clear = (shares[:-1].max(axis=0) + shares[-1]) / 2 + ANSWERED * (0 if answered is None else answered)
        clear = clear * (1.0 if "?" in " ".join(texts) else STATED)
        best = shares[:-1].argmax(axis=0)
        return [(turn[best[i]].line, pillar) for i, pillar in enumerate(self.pillars) if clear[i] >= PROBES]

    def windows(self, turn: Sequence[Line]) -> Windows:
        """A candidate's turn compared with the sayings; a line to a machine lends no weight to its neighbours."""
        aside = [to_machine(line.text) for line in turn]
        rests = [
            after.start_s - line.end_s >= PAUSE_S or aside[i] or aside[i + 1]
            for i, (line, after) in enumerate(pairwise(turn))
        ]
        spans = tuple(
            (i, j) for i in range(len(turn)) for j in range(i, min(i + MAX_LINES, len(turn))) if not any(rests[i:j])
        )
        texts = [" ".join(line.text for line in turn[i : j + 1]) for i, j in spans]
        words = np.array([len(text.split()) for text in texts], dtype=float)
        return Windows(spans, words, self.answers.scores(texts))

    def leaning(self, windows: Windows) -> Scores:
        """How clearly an answer is about each pillar."""
        if self.deaf:
            return np.zeros(len(self.pillars))
        shares = softmax(windows.scores, SHARPNESS) @ self.belongs
        full = np.minimum(1.0, windows.words / FULL_WORDS)
        leaning: Scores = (shares * full[:, None]).max(axis=0)
        return leaning

    def pieces(self, turn: Sequence[Line], windows: Windows, question: Question | None) -> list[Piece]:
        """The clearest stretches of one to three lines that do not overlap, in the turn's order."""
        if self.deaf:
            return []
        scores = windows.scores
        if question is not None:
            near = np.array([[first < REACH] for first, _ in windows.spans])
            scores = scores + QUESTION / SHARPNESS * near * np.log(question.shares @ self.odds)
        found = [
            piece
            for (i, j), words, row in zip(windows.spans, windows.words, softmax(scores, SHARPNESS), strict=True)
            if (piece := self._piece(turn[i].line, turn[j].line, words, row))
        ]
        taken: list[Piece] = []
        for piece in sorted(found, key=lambda p: (-p.clear, p.first, p.last)):
            if all(piece.last < other.first or other.last < piece.first for other in taken):
                taken.append(piece)
        return sorted(taken)

    def _piece(self, first: int, last: int, words: float, shares: Scores) -> Piece | None:
        ranked = [i for i in np.argsort(-shares, kind="stable") if self.answers.labels[i] != NOTHING]
        best = float(shares[ranked[0]])
        idle = float(shares[self.idle]) if self.idle is not None else 0.0
        clear = best * min(1.0, words / FULL_WORDS)
        if words < FEWEST_WORDS or clear < LEAST or idle > TALK * best:
            return None
        side = self.sides[ranked[0]]
        chosen = [i for i in ranked[:2] if shares[i] >= SECOND * best and self.sides[i] == side]
        return Piece(first, last, tuple(self.answers.labels[i] for i in chosen), round(clear, 9))
