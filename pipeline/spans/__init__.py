"""Find the place of a quote in a text, or say why it may not stand as a quote.

    ready = index(transcript)                  # once
    locate(ready, "we rolled it back")         # Located(start, end, score) or None
    explain(ready, "we rolled it back").state  # exact, normalised, fuzzy, ambiguous, rejected-..., not-found, empty

Offsets count code points of the original text, end exclusive. `words` makes words comparable and keeps their places,
`stream` finds runs of words, `reading` prepares a text and a quote, `alignment` finds the likeliest places of a quote
that differs, `verdict` says which differences are harmless, `nearly` weighs the places, `locator` decides.
"""

from pipeline.spans.locator import LOCATED, Located, Location, State, explain, locate, overlap, slice_text
from pipeline.spans.reading import Index, index

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
