"""Find the place of a quote in a text, or say why it may not stand as a quote.

    ready = index(transcript)                  # once
    locate(ready, "we rolled it back")         # Located(start, end, score) or None
    explain(ready, "we rolled it back").state  # exact, normalised, fuzzy, ambiguous, rejected-..., not-found, empty

Offsets count code points of the original text, end exclusive. `words` makes words comparable and keeps their places,
`stream` finds runs of words, `alignment` finds the likeliest place of a quote that differs, `verdict` says which
differences are harmless, `locator` puts them in order.
"""

from pipeline.spans.locator import (
    LOCATED,
    Index,
    Located,
    Location,
    State,
    explain,
    index,
    locate,
    overlap,
    slice_text,
)

__all__ = [
    "LOCATED",
    "Index",
    "Located",
    "Location",
    "State",
    "explain",
    "index",
    "locate",
    "overlap",
    "slice_text",
]
