"""F1 of rows and gold labels: the span matches, and pillar and polarity are right. The strictest single figure."""

from __future__ import annotations

from collections import Counter

from eval.matching import Case


def count(case: Case) -> tuple[float, float]:
    """Numerator and denominator of one interview."""
    labels = sum(len(gold.labels) for gold in case.sample.spans)
    right = 0
    for piece, gold in case.pairs:
        wanted = Counter(f"{label.pillar} {label.polarity}" for label in gold.labels)
        given = Counter(f"{row.pillar} {row.polarity}" for row in piece.rows)
        right += (wanted & given).total()
    return 2 * right, labels + len(case.verified.evidence)
