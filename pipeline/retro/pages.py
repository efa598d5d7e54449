"""A section of the report: sentences, tables and the names of its pictures; and how numbers are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NONE = "–"


@dataclass(frozen=True)
class Table:
    """Rows of ready text. `folded` hides it behind a toggle; `words` names the columns that hold text, not numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False
    words: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Quote:
    """Words from a recording, where they were said, and what they stand for."""

    text: str
    source: str


@dataclass(frozen=True)
class Section:
    """One section. `note` says what must not be concluded."""

    key: str
    title: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    pictures: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    note: str = ""


def share(value: float | None) -> str:
    """0.65 as 65 %."""
    return NONE if value is None else f"{100 * value:.0f} %"


def number(value: float | None, digits: int = 2) -> str:
    """With a true minus sign, and without a needless one before zero."""
    if value is None:
        return NONE
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def chance(p: float | None) -> str:
    """A p- or q-value to three decimals, never as zero."""
    return NONE if p is None else "< 0.001" if p < 0.0005 else f"{p:.3f}"


def equals(p: float) -> str:
    """The same inside a sentence: = 0.012, or < 0.001."""
    return chance(p) if p < 0.0005 else f"= {chance(p)}"


def span(ci: Sequence[float | None] | None, digits: int = 2) -> str:
    """An interval as .33 to .88; an open end as 'no limit'."""
    if ci is None:
        return NONE
    return f"{number(ci[0], digits)} to {'no limit' if ci[1] is None else number(ci[1], digits)}"


def span_share(ci: Sequence[float | None] | None) -> str:
    """An interval as 33 to 88 %."""
    return NONE if ci is None or ci[0] is None or ci[1] is None else f"{100 * ci[0]:.0f} to {100 * ci[1]:.0f} %"


def count(n: int, one: str, many: str = "") -> str:
    """1 hire, 2 hires, 1 200 hires, no hires."""
    word = one if n == 1 else many or one + "s"
    return f"{n:,} {word}".replace(",", " ") if n else f"no {word}"


def minutes(seconds: float | None) -> str:
    """75.2 as 1:15."""
    return NONE if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def title(name: str) -> str:
    """execution_coding as Execution coding."""
    text = str(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], **more: Any) -> Table:
    """A table from anything that can be written down."""
    return Table(caption, tuple(columns), tuple(tuple(str(cell) for cell in row) for row in rows), **more)
