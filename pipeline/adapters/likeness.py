"""Which sayings is a text like? A linear classifier over words and word pairs, fitted in one solve.

Labels come with a handful of sayings each. Words are stemmed lightly, numbers fold into one token, hesitations fall
out, and words and neighbouring pairs are weighted by tf-idf. Ridge regression on the labels has a closed form (Rifkin,
Yeo and Poggio, "Regularized least-squares classification", 2003), so nothing is trained beforehand, nothing is stored,
and the same sayings give the same scores. Fitting 1,200 sayings takes about half a second.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

VERSION = 1
RIDGE = 0.7
THIN = 300.0  # added to a text's squared length, so that a single telling word in few decides little
_TOKEN = re.compile(r"[a-z']+|\d+|\?")
_HESITATIONS = frozenset(["um", "uh", "er", "erm", "hm", "mm", "hmm"])
_NUMBERS = frozenset(
    ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fifteen"]
    + ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million"]
)
_ENDINGS = ("ings", "ing", "edly", "ed", "ies", "es", "s", "ly", "e")
Scores = NDArray[np.float64]


def features(text: str) -> list[str]:
    """Stemmed words, and each pair of neighbours; a question mark counts as a word."""
    plain = text.lower().replace("’", "'").replace("'", "")
    words = ["#" if w.isdigit() or w in _NUMBERS else _stem(w) for w in _TOKEN.findall(plain) if w not in _HESITATIONS]
    return words + [f"{a} {b}" for a, b in zip(["<", *words], words, strict=False)]


def _stem(word: str) -> str:
    if len(word) <= 4:
        return word
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= 3), "")
    stem = word.removesuffix(ending) if ending else word
    return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem


class Likeness:
    """Scores of texts against labelled sayings: about 1 for a label's own talk, about 0 for any other."""

    def __init__(self, sayings: Sequence[tuple[str, Sequence[str]]]) -> None:
        """`sayings`: each label with what is said; a label without any gets no column."""
        pairs = [(label, said) for label, texts in sayings for said in texts]
        self.labels = tuple(dict.fromkeys(label for label, _ in pairs))
        counts = [Counter(features(said)) for _, said in pairs]
        spread = Counter(feature for count in counts for feature in count)
        self.columns = {feature: i for i, feature in enumerate(sorted(spread))}
        frequency = np.array([spread[feature] for feature in sorted(spread)], dtype=float)
        self.weight = np.log((1 + len(pairs)) / (1 + frequency)) + 1
        rows = [self._row(count) for count in counts]
        truth = np.array([[label == own for label in self.labels] for own, _ in pairs], dtype=float)
        truth -= truth.mean(axis=0) if pairs else 0
        kernel = self._products(rows)
        kernel[np.diag_indices_from(kernel)] += RIDGE
        dual = np.linalg.solve(kernel, truth)
        self.head = np.zeros((len(self.columns), len(self.labels)))
        for (columns, values), own in zip(rows, dual, strict=True):
            self.head[columns] += np.outer(values, own)

    def _products(self, rows: Sequence[tuple[list[int], Scores]]) -> Scores:
        """Inner products of all rows, feature by feature; most features stand in one saying only."""
        if not rows:
            return np.zeros((0, 0))
        numbers = np.repeat(np.arange(len(rows)), [len(columns) for columns, _ in rows])
        columns = np.array([column for columns, _ in rows for column in columns], dtype=np.int64)
        values = np.concatenate([values for _, values in rows])
        alone = np.bincount(columns)[columns] == 1
        kernel: Scores = np.diag(np.bincount(numbers[alone], values[alone] ** 2, len(rows)).astype(np.float64))
        numbers, columns, values = numbers[~alone], columns[~alone], values[~alone]
        order = np.argsort(columns, kind="stable")
        for held in np.split(order, np.flatnonzero(np.diff(columns[order])) + 1):
            kernel[numbers[held, None], numbers[held]] += np.outer(values[held], values[held])
        return kernel

    def _row(self, count: Counter[str]) -> tuple[list[int], Scores]:
        known = sorted((self.columns[feature], n) for feature, n in count.items() if feature in self.columns)
        columns = [column for column, _ in known]
        values = (1 + np.log([n for _, n in known])) * self.weight[columns]
        return columns, values / np.sqrt(values @ values + THIN)

    def scores(self, texts: Sequence[str]) -> Scores:
        """A row a text, a column a label, rounded so that the last bits of a sum decide nothing."""
        table = np.zeros((len(texts), len(self.labels)))
        for row, text in zip(table, texts, strict=True):
            columns, values = self._row(Counter(features(text)))
            row[:] = values @ self.head[columns]
        return table.round(9)


def softmax(scores: Scores, sharpness: float) -> Scores:
    """Scores as shares that add up to one, a row each."""
    raised = np.exp(sharpness * (scores - scores.max(axis=1, keepdims=True)))
    shares: Scores = raised / raised.sum(axis=1, keepdims=True)
    return shares
