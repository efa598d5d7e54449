"""Share of heard words whose role is that of the person who speaks at that moment, by the script's timing.

Around a change of speaker both are right: times of words are good to a few tenths of a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from eval.dataset import GoldTurn
from pipeline.records import HeardWord, Role

SLACK_S = 0.4


def count(turns: Sequence[GoldTurn], words: Sequence[tuple[Role, HeardWord]]) -> tuple[float, float]:
    """Words with a right role, and all words."""
    return sum(role in _speaking(turns, (word.start_s + word.end_s) / 2) for role, word in words), len(words)


def _speaking(turns: Sequence[GoldTurn], at_s: float) -> set[str]:
    here: set[str] = {turn.role for turn in turns if turn.start_s - SLACK_S <= at_s <= turn.end_s + SLACK_S}
    nearest = min(turns, key=lambda turn: max(turn.start_s - at_s, at_s - turn.end_s))
    return here or {nearest.role}
