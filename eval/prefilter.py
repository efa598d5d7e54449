"""What a prefilter by the offline extractor saves, and the recall it costs: `python -m eval.prefilter`, a table.

A request is one chunk and pillar. Skipped is one for which the offline extractor hears neither an answer clearer than
the bound nor a question. Lost is a gold label whose span lies in no chunk that is still asked about its pillar.
"""

from __future__ import annotations

from collections.abc import Sequence

from eval.dataset import Sample, load_split
from eval.metrics.interval import Interval, ratio
from pipeline.adapters.offline import OfflinePrefilter
from pipeline.chunk import cut_chunks

SIZES = (160, 80, 40)
BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5)


def measure(samples: Sequence[Sample], size: int, least: float) -> tuple[Interval, Interval]:
    """Shares of requests saved and of labels lost, over interviews."""
    prefilter = OfflinePrefilter(least)
    saved, lost = [], []
    for sample in samples:
        chunks = cut_chunks(sample.lines, chunk_lines=size)
        quiet = prefilter.quiet(sample.lines, sample.roles, chunks, sample.rubric)
        saved.append((len(quiet), len(chunks) * len(sample.rubric.pillars)))
        gone = total = 0
        for span in sample.spans:
            inside = [line.line for line in sample.lines if line.start < span.end and span.start < line.end]
            holding = [c.chunk for c in chunks if c.first_line <= inside[0] and inside[-1] <= c.last_line]
            for label in span.labels:
                total += 1
                gone += all((chunk, label.pillar) in quiet for chunk in holding)
        lost.append((gone, total))
    return ratio(saved), ratio(lost)


def table(split: str = "dev") -> list[str]:
    """Rows of Markdown."""
    samples = load_split(split)
    rows = ["| lines a request | bound | requests saved | labels lost |", "|---|---|---|---|"]
    for size in SIZES:
        for least in BOUNDS:
            saved, lost = measure(samples, size, least)
            rows.append(f"| {size} | {least:.2f} | {_shown(saved)} | {_shown(lost)} |")
    return rows


def _shown(interval: Interval) -> str:
    if interval.value is None or interval.low is None or interval.high is None:
        return "–"
    return f"{interval.value:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


if __name__ == "__main__":
    print("\n".join(table()))
