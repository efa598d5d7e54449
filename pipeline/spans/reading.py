"""A text and a quote made ready to be compared: every word, what is left of speech, and what must be said.

`full` holds every word. `core` is without labels, hesitations and a listener's short lines. `solid` is without `you
know` and `I mean` as well: places are looked for in it, and judged on the core, where those words count a little.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.spans.stream import Stream, empty_pairs, speech, talkers
from pipeline.spans.verdict import allowance
from pipeline.spans.words import Ints, Words, cut

ELLIPSIS = re.compile(r"[\[(]?(?:\.\s?\.[\s.]*|…)[\])]?")
"""The mark of words left out, however it is set."""


@dataclass(frozen=True)
class Index:
    """A text made ready for many quotes; `solid_at` gives the place in the core of each solid word."""

    text: str
    vocabulary: dict[str, int]
    keys: tuple[str, ...]
    names: frozenset[str]
    full: Stream
    core: Stream
    solid: Stream
    solid_at: Ints


class Quote(NamedTuple):
    """A quote in the word numbers of an index; words the text does not have get numbers of their own."""

    text: str
    words: Words
    full: Ints
    core: Ints
    core_keys: list[str]
    solid: Ints
    allowed: float  # how many words of the core may differ


def index(text: str) -> Index:
    """Read `text` once, in linear time (about 0.15 s for 100,000 words); offsets refer to exactly this string."""
    words = cut(text)
    names, labels = talkers(text)
    vocabulary: dict[str, int] = {}
    ids = [vocabulary.setdefault(key, len(vocabulary)) for key in words.keys]
    full = Stream(np.asarray(ids, dtype=np.int64), words.starts, words.ends)
    core = full.slice(speech(text, words, labels))
    solid_at = np.flatnonzero(~empty_pairs(core.ids, vocabulary))
    solid = core.slice(solid_at)
    return Index(text, vocabulary, tuple(vocabulary), names, full.warmed(), core.warmed(), solid.warmed(), solid_at)


def read(source: Index, quote: str) -> Quote:
    """`quote` in the terms of `source`."""
    words = cut(quote)
    keep = speech(quote, words, talkers(quote, source.names).labels)
    unknown: dict[str, int] = {}
    known = source.vocabulary
    ids = [known[key] if key in known else unknown.setdefault(key, len(known) + len(unknown)) for key in words.keys]
    full = np.asarray(ids, dtype=np.int64)
    core = full[keep]
    core_keys = [words.keys[at] for at in np.flatnonzero(keep).tolist()]
    elided = bool(words.keys) and ELLIPSIS.search(quote, int(words.ends[0]), int(words.starts[-1])) is not None
    solid = core[~empty_pairs(core, known)]
    return Quote(quote, words, full, core, core_keys, solid, allowance(len(core_keys), elided))
