"""The task locate: quotes of every kind, in invented talk, put back to their place or refused."""

from __future__ import annotations

from eval.locate_bench import REPORTED, ours, right
from eval.metrics.interval import Count
from eval.quotes import FALSE_KINDS, TRUE_KINDS, make
from eval.results import TaskResult, measured
from eval.talk import talk

WORDS = 10_000
QUOTES = 40


def locate_result() -> TaskResult:
    """Share of true quotes found in place, and of false ones accepted; a document is a kind of quote."""
    spoken = talk(REPORTED + 1, WORDS)
    find = ours(spoken.text)
    found: dict[str, Count] = {}
    accepted: dict[str, Count] = {}
    for kind in (*TRUE_KINDS, *FALSE_KINDS):
        quotes = make(kind, QUOTES, REPORTED + 1, spoken)
        good = sum(right(quote, find(quote.text)) for quote in quotes)
        if kind in TRUE_KINDS:
            found[kind] = (good, len(quotes))
        else:
            accepted[kind] = (len(quotes) - good, len(quotes))
    counts = {"found_in_place": found, "wrongly_accepted": accepted}
    return measured("locate", "spans", "generated", counts, note=f"{QUOTES} quotes of each kind in {WORDS:,} words.")
