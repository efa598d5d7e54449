"""What may be computed, shown and said at n hires with an outcome (the largest role counts, not the sum)."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.retro.concordance import Concordance
from pipeline.retro.rank import Correlation

TOO_FEW, COMPATIBLE, LEANS, SUGGESTS, EVIDENCE, PREDICTS = (
    "too few to compute", "compatible with", "leans", "suggests", "evidence that", "predicts",
)  # fmt: skip
CLEAR = 0.02
STRENGTH = (TOO_FEW, COMPATIBLE, LEANS, SUGGESTS, EVIDENCE, PREDICTS)


class Gate(NamedTuple):
    """One row of the gate table."""

    name: str
    least: int
    words: str  # the strongest that a clear interval may use
    overall: str
    pillars: str
    formats: str
    questions: str
    correction: str


GATES = (
    Gate("0-7", 0, TOO_FEW, "list", "list", "list", "process", "no"),
    Gate("8-19", 8, COMPATIBLE, "interval", "interval folded away", "dots", "process", "no"),
    Gate("20-49", 20, LEANS, "interval", "interval, no ranking", "interval, no ranking", "process and dots", "no"),
    Gate("50-99", 50, SUGGESTS, "interval, case II", "interval, q", "interval of difference", "process and dots",
         "sensitivity"),
    Gate("100-299", 100, EVIDENCE, "interval, case II", "interval, q, Lawley", "interval of difference",
         "item-rest ranking", "yes"),
    Gate("300+", 300, PREDICTS, "interval, case II", "ranking with intervals", "interval of difference",
         "item-rest ranking, outcome", "yes"),
)  # fmt: skip


def gate(n: int) -> Gate:
    """The row of the table for n hires with an outcome."""
    return max((row for row in GATES if row.least <= n), key=lambda row: row.least)


def words(row: Gate, found: Concordance | None, other: Concordance | None, ranks: Correlation | None) -> str:
    """The strongest words a result may use.

    Anything above "compatible with" needs the interval of c on one side of .5, the rank correlation's on the same side
    of 0, the same result when people who left for an unknown reason are read the other way, and p under `CLEAR`:
    intervals of 95 % alone would claim something in one year of twenty without any validity. Pillars and formats
    are held to more: the overall result speaks first, and their q within the family is under .05.
    """
    if row.words == TOO_FEW or found is None or found.interval is None:
        return TOO_FEW
    if row.words == COMPATIBLE or ranks is None or ranks.interval is None:
        return COMPATIBLE
    if other is None or other.interval is None or found.p is None or found.p >= CLEAR:
        return COMPATIBLE
    above = [found.interval.low > 0.5, other.interval.low > 0.5, ranks.interval.low > 0]
    below = [found.interval.high < 0.5, other.interval.high < 0.5, ranks.interval.high < 0]
    return row.words if all(above) or all(below) else COMPATIBLE


def strongest(used: list[str]) -> str:
    """The strongest of the words used."""
    return max(used, key=STRENGTH.index, default=TOO_FEW)
