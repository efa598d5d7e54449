"""Would a bound for each signal do better than one for all? `python -m eval.calibration` tries it on the dev half.

Every signal's likeness is raised or lowered by STEP, one at a time. For each interview the shifts are taken that
raised label F1 on the other eight by at least `gain`, all of them together, and the interview left out is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eval.dataset import Sample, load_split
from eval.metrics.interval import Count, difference, ratio
from eval.pointing import EXTRACT
from eval.solving import solve
from pipeline.adapters.likeness import Likeness, Scores
from pipeline.adapters.offline import OfflineExtractor

STEP = 0.04  # a usual score of the right signal is about .2
GAINS = (0.0, 0.002, 0.004, 0.006)


class Shifted:
    """A Likeness whose scores are shifted label by label; texts are compared once."""

    def __init__(self, likeness: Likeness) -> None:
        self.likeness = likeness
        self.labels = likeness.labels
        self.shift = np.zeros(len(likeness.labels))
        self._known: dict[str, Scores] = {}

    def scores(self, texts: Sequence[str]) -> Scores:
        """A row a text, a column a label."""
        for text in texts:
            if text not in self._known:
                self._known[text] = self.likeness.scores([text])[0]
        shifted: Scores = np.array([self._known[text] for text in texts]) + self.shift
        return shifted


def table(samples: Sequence[Sample]) -> list[str]:
    """Label F1 on interviews left out, for each least gain, as rows of Markdown."""
    extractor = OfflineExtractor()
    ear = extractor.ear(samples[0].rubric)
    shifted = Shifted(ear.answers)
    ear.answers = shifted  # type: ignore[assignment]

    def counts(shift: Scores, asked: Sequence[Sample] = samples) -> dict[str, Count]:
        shifted.shift = shift
        return {case.sample.id: EXTRACT["label_f1"](case) for case in solve(extractor, asked)}

    single = [sign * STEP * row for row in np.eye(len(shifted.labels)) for sign in (-1, 1)]
    effects = [counts(shift) for shift in single]
    plain = counts(np.zeros(len(shifted.labels)))
    rows = [
        "| least gain | label F1 on interviews left out | against no shifts | signals shifted |",
        "|---|---|---|---|",
        _row("no shifts", plain, plain, 0),
    ]
    for gain in GAINS:
        held: dict[str, Count] = {}
        moved = 0
        for sample in samples:
            rest = [other.id for other in samples if other is not sample]
            shift = sum(
                (s for s, effect in zip(single, effects, strict=True) if _f1(effect, rest) - _f1(plain, rest) > gain),
                np.zeros(len(shifted.labels)),
            )
            moved += int(np.count_nonzero(shift))
            held |= counts(shift, [sample])
        rows.append(_row(f"{gain:.3f}", held, plain, moved / len(samples)))
    return rows


def _f1(counts: Mapping[str, Count], documents: Sequence[str]) -> float:
    return sum(counts[name][0] for name in documents) / max(1, sum(counts[name][1] for name in documents))


def _row(name: str, counts: Mapping[str, Count], plain: Mapping[str, Count], moved: float) -> str:
    value = ratio(list(counts.values()))
    gain = difference(list(counts.values()), [plain[document] for document in counts])
    return (
        f"| {name} | {value.value:.3f} [{value.low:.3f}, {value.high:.3f}] "
        f"| {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] | {moved:.0f} |"
    )


if __name__ == "__main__":
    print("\n".join(table(load_split("dev"))))
