"""Which predicted span is which gold span: one to one, by the words they share.

Two spans match when their token F1 is at least `MATCH_F1` (.4: two thirds of a piece inside one twice its size still
counts, a shared half-sentence does not). The pairing maximises the summed F1, so no span is counted twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from eval.dataset import GoldSpan, Sample, Trap
from pipeline.records import Coverage, Evidence, Extraction, Verified

MATCH_F1 = 0.4
_TOKEN = re.compile(r"[\w']+")


class Piece(NamedTuple):
    """A predicted span with every evidence row that points at exactly these lines."""

    start: int
    end: int
    rows: tuple[Evidence, ...]


class Case:
    """A sample with what a solver made of it: the unit that metrics count on."""

    def __init__(
        self, sample: Sample, extraction: Extraction, verified: Verified, coverage: Sequence[Coverage]
    ) -> None:
        self.sample = sample
        self.extraction = extraction
        self.verified = verified
        self.coverage = tuple(coverage)

    @cached_property
    def pieces(self) -> list[Piece]:
        """Predicted spans by place; several signals at one span are one piece."""
        found: dict[tuple[int, int], list[Evidence]] = {}
        for row in self.verified.evidence:
            found.setdefault((row.start, row.end), []).append(row)
        return [Piece(*place, tuple(rows)) for place, rows in sorted(found.items())]

    @cached_property
    def pairs(self) -> list[tuple[Piece, GoldSpan]]:
        """Matched pieces and gold spans, one to one."""
        chosen = assign(self._tokens, [p[:2] for p in self.pieces], [g[:2] for g in self.sample.spans])
        return [(self.pieces[i], self.sample.spans[j]) for i, j in chosen]

    @cached_property
    def trapped(self) -> list[int]:
        """Indexes of the distractors that a piece was taken from: it overlaps one, and overlaps no gold span more."""
        gold = {piece[:2]: span[:2] for piece, span in self.pairs}

        def falls_in(piece: Piece, trap: Trap) -> bool:
            share = overlap_f1(self._tokens, trap[:2], piece[:2])
            own = gold.get(piece[:2])
            return share >= MATCH_F1 and (own is None or share > overlap_f1(self._tokens, own, piece[:2]))

        return [i for i, trap in enumerate(self.sample.traps) if any(falls_in(p, trap) for p in self.pieces)]

    @cached_property
    def _tokens(self) -> list[tuple[int, int]]:
        return [match.span() for match in _TOKEN.finditer(self.sample.transcript.text)]


def overlap_f1(tokens: Sequence[tuple[int, int]], a: tuple[int, int], b: tuple[int, int]) -> float:
    """F1 of the tokens (by place, so equal words elsewhere do not count) of two character spans."""
    if a[1] <= b[0] or b[1] <= a[0]:
        return 0.0
    inside_a = {t for t in tokens if a[0] <= t[0] and t[1] <= a[1]}
    inside_b = {t for t in tokens if b[0] <= t[0] and t[1] <= b[1]}
    both = len(inside_a & inside_b)
    return 2 * both / (len(inside_a) + len(inside_b)) if both else 0.0


def assign(
    tokens: Sequence[tuple[int, int]], found: Sequence[tuple[int, int]], gold: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Index pairs (found, gold) of the one-to-one matching with the largest summed F1."""
    if not found or not gold:
        return []
    worth = np.array([[overlap_f1(tokens, f, g) for g in gold] for f in found])
    worth[worth < MATCH_F1] = 0.0
    rows, columns = linear_sum_assignment(-worth)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if worth[i, j] > 0]
