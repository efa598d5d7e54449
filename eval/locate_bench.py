"""How well and how fast quotes are located, beside plain rapidfuzz and langextract's resolver: a Markdown table.

    python -m eval.locate_bench                       # 200 quotes a kind in 100,000 words, then 50 in 10,000
    python -m eval.locate_bench --seed 5 --quotes 50

langextract is measured where it is installed, with its defaults, on the smaller text only: it takes time by the
length of the text for each quote. Word lists and limits were settled on seeds 1 to 7; the reported seed is another.
Times are CPU milliseconds of the one thread that works, so that a busy machine does not count.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from eval.quotes import FALSE_KINDS, TRUE_KINDS, Quote, make
from eval.talk import Talk, talk

REPORTED = 90_210  # not one of the tuning seeds
EDGE = 8  # characters by which either end may be off
RAPIDFUZZ_CUTOFF = 85  # between "two words substituted" (78-96 on a tuning seed) and "halves glued" (72-88)

Span = tuple[int, int]
Find = Callable[[str], Span | None]


class Finder(NamedTuple):
    """A way to locate quotes: reads the text once, then answers for each quote."""

    name: str
    prepare: Callable[[str], Find]


class Result(NamedTuple):
    """One kind of quotes, one finder."""

    right: float
    took_ms: list[float]

    @property
    def times(self) -> str:
        """Median and 95th percentile, as two cells."""
        return f"{median(self.took_ms):.2f} | {sorted(self.took_ms)[int(0.95 * len(self.took_ms))]:.2f}"


def ours(text: str) -> Find:
    """This project's locator."""
    from pipeline.spans import index, locate

    ready = index(text)

    def find(quote: str) -> Span | None:
        found = locate(ready, quote)
        return found and (found.start, found.end)

    return find


def rapidfuzz(text: str) -> Find:
    """`partial_ratio_alignment` on lower-case text, with a cut-off."""
    from rapidfuzz import fuzz

    lower = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)

    def find(quote: str) -> Span | None:
        found = fuzz.partial_ratio_alignment(quote.lower(), lower, score_cutoff=RAPIDFUZZ_CUTOFF)
        return (found.dest_start, found.dest_end) if found else None

    return find


def langextract(text: str) -> Find:
    """langextract's aligner with its defaults."""
    from langextract.core.data import Extraction  # type: ignore[import-not-found,unused-ignore]
    from langextract.resolver import WordAligner  # type: ignore[import-not-found,unused-ignore]

    aligner = WordAligner()

    def find(quote: str) -> Span | None:
        asked = Extraction(extraction_class="quote", extraction_text=quote)
        place = aligner.align_extractions([[asked]], text)[0][0].char_interval
        if place is None or place.start_pos is None or place.end_pos is None:
            return None
        return place.start_pos, place.end_pos

    return find


def right(quote: Quote, found: Span | None) -> bool:
    """A true quote found with both ends in place; any other one refused."""
    if quote.span is None or found is None:
        return quote.span is None and found is None
    return all(abs(ours - theirs) <= EDGE for ours, theirs in zip(found, quote.span, strict=True))


def measure(find: Find, quotes: list[Quote]) -> Result:
    """Share right and time a quote."""
    took: list[float] = []
    good = 0
    for quote in quotes:
        start = time.thread_time()
        found = find(quote.text)
        took.append(1000 * (time.thread_time() - start))
        good += right(quote, found)
    return Result(good / len(quotes), took)


def table(finders: list[Finder], spoken: Talk, quotes: int, seed: int) -> list[str]:
    """Rows of Markdown: the index time of each finder, then a row a kind."""
    ready: list[Find] = []
    index_ms: list[str] = []
    for finder in finders:
        times = []
        for _ in range(3):
            start = time.thread_time()
            find = finder.prepare(spoken.text)
            times.append(time.thread_time() - start)
        ready.append(find)
        index_ms.append(f"{median(times):.2f} s")
    heads = " | ".join(f"{finder.name}: right | wrongly accepted | median ms | p95 ms" for finder in finders)
    rows = [f"| kind of quote | {heads} |", "|---|" + "---:|" * 4 * len(finders)]
    every: list[list[float]] = [[] for _ in finders]
    for kind in [*TRUE_KINDS, *FALSE_KINDS]:
        asked = make(kind, quotes, seed, spoken)
        cells = []
        for find, all_times in zip(ready, every, strict=True):
            result = measure(find, asked)
            all_times += result.took_ms
            wrong = f"{1 - result.right:.1%}" if kind in FALSE_KINDS else "–"
            cells.append(f"{result.right:.1%} | {wrong} | {result.times}")
        rows.append(f"| {kind} | " + " | ".join(cells) + " |")
        print(f"{kind}: done", file=sys.stderr)
    rows.append("| all quotes | " + " | ".join(f" | | {Result(1, times).times}" for times in every) + " |")
    rows.append("| reading the text once | " + " | ".join(f" | | {spent} | " for spent in index_ms) + " |")
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=REPORTED)
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--quotes", type=int, default=200, help="quotes of each kind in the long text")
    parser.add_argument("--small-words", type=int, default=10_000)
    parser.add_argument("--small-quotes", type=int, default=50, help="quotes of each kind in the short text")
    wanted = parser.parse_args(arguments)
    finders = [Finder("spans", ours), Finder("rapidfuzz", rapidfuzz)]
    spoken = talk(wanted.seed, wanted.words)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, seed {wanted.seed}\n")
    print(f"{len(spoken.text.split()):,} words, {wanted.quotes} quotes of each kind\n")
    print("\n".join(table(finders, spoken, wanted.quotes, wanted.seed)))
    if importlib.util.find_spec("langextract"):
        finders.append(Finder("langextract", langextract))
    else:
        print("\nlangextract is not installed: its columns are left out.")
    small = talk(wanted.seed + 1, wanted.small_words)
    print(f"\n{len(small.text.split()):,} words, {wanted.small_quotes} quotes of each kind\n")
    print("\n".join(table(finders, small, wanted.small_quotes, wanted.seed + 1)))


if __name__ == "__main__":
    main()
