"""How fast the linter is: `python -m eval.lint_bench` prints cold start, a long file, and throughput, and the bounds.

Everything is measured in one run, so that the ratios hold where the seconds do not. Seconds are processor time, user
and system, of one thread: on an idle machine the same as by the clock, and still of use on a busy one. The text is
labelled feedback put end to end, about half of it judging phrases, which is harder than ordinary notes. Cold start is
the whole command in a new process, best of five, beside an empty Python. `--check` makes a missed bound exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

GOLD = Path(__file__).parent / "gold" / "lint_dev.jsonl"
ROOT = Path(__file__).parent.parent
NOTE_CHARS, LONG_CHARS, LINE_CHARS = 1_300, 450_000, 1_000_000
COLD_S, LONG_S, WARM_MB_S, LINEAR = 0.35, 1.0, 1.0, 3.0


class Measure(NamedTuple):
    """One figure with the bound it must keep ("" for none)."""

    name: str
    value: float
    unit: str
    bound: str
    kept: bool


def feedback(chars: int) -> str:
    """Labelled feedback put end to end, cut to a length."""
    notes = [json.loads(line)["text"] for line in GOLD.read_text(encoding="utf-8").splitlines()]
    block = "\n\n".join(notes) + "\n\n"
    return (block * (chars // len(block) + 1))[:chars]


def near_matches(chars: int) -> str:
    """One line of phrases that almost match, without a stop."""
    block = "he seems the data fits the team cache very really quite super so and not as good as old "
    return (block * (chars // len(block) + 1))[:chars]


def best(run: Callable[[], object], times: int) -> float:
    """The least processor time of several runs, child processes included, in seconds."""
    taken = []
    for _ in range(times):
        start = _spent()
        run()
        taken.append(_spent() - start)
    return min(taken)


def _spent() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure() -> list[Measure]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        note, long = Path(folder, "note.md"), Path(folder, "long.md")
        note.write_text(feedback(NOTE_CHARS), encoding="utf-8")
        long.write_text(feedback(LONG_CHARS), encoding="utf-8")
        python = best(lambda: _run("-c", "pass"), 5)
        helped = best(lambda: _run("-m", "cli", "lint", "--help"), 3)
        cold = best(lambda: _run("-m", "cli", "lint", str(note), "--output-format", "concise"), 5)
        whole = best(lambda: _run("-m", "cli", "lint", str(long), "--output-format", "concise"), 3)
    return [
        Measure("empty Python", python, "s", "", True),
        Measure("verbatim lint --help", helped, "s", "", True),
        Measure("cold start, 1.3 KB note", cold, "s", f"<= {COLD_S}", cold <= COLD_S),
        Measure("450 KB file, new process", whole, "s", f"<= {LONG_S}", whole <= LONG_S),
        *_warm(),
    ]


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=False)


def _warm() -> list[Measure]:
    from pipeline.lint.finding import Note
    from pipeline.lint.rules import load_rules
    from pipeline.lint.run import lint_note

    rules = load_rules()
    text = feedback(LONG_CHARS)
    speed = len(text.encode()) / best(lambda: lint_note(Note("long.md", "", text), rules), 10) / 1e6
    short, line = (near_matches(chars) for chars in (LINE_CHARS // 4, LINE_CHARS))
    quarter = best(lambda: lint_note(Note("line.txt", "", short), rules), 2)
    full = best(lambda: lint_note(Note("line.txt", "", line), rules), 1)
    ratio = full / (4 * quarter)
    return [
        Measure("throughput, warm", speed, "MB/s", f">= {WARM_MB_S}", speed >= WARM_MB_S),
        Measure("one line of 1 MB of near-matches", full, "s", "", True),
        Measure("the same against four times a quarter of it", ratio, "x", f"<= {LINEAR}", ratio <= LINEAR),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures. Returns an exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval.lint_bench", description="How fast the linter is.")
    parser.add_argument("--check", action="store_true", help="exit 1 when a bound is missed")
    chosen = parser.parse_args(arguments)
    found = measure()
    print("| measure | value | bound |\n|---|---|---|")
    for row in found:
        print(f"| {row.name} | {row.value:.2f} {row.unit} | {row.bound or '-'}{'' if row.kept else ' missed'} |")
    return 1 if chosen.check and not all(row.kept for row in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
