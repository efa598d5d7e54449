"""Where the words of a text stand in quotation marks."""

from __future__ import annotations

import re
from bisect import bisect_right

_SINGLE_QUOTED = re.compile(r"(?<!\w)'(?=\S)(?:[^'\n]|(?<=\w)'(?=\w)){1,300}'(?!\w)")


class Quotes:
    """Quoted passages of a text: double quotes paired within a paragraph, single quotes within a line."""

    def __init__(self, text: str) -> None:
        spans: list[tuple[int, int]] = []
        if '"' in text:
            offset = 0
            for paragraph in re.split(r"(\n[ \t]*\n)", text):
                if '"' in paragraph:
                    marks = [m.start() for m in re.finditer('"', paragraph)]
                    spans += [(offset + a, offset + b + 1) for a, b in zip(marks[::2], marks[1::2], strict=False)]
                offset += len(paragraph)
        if "'" in text:
            spans += [m.span() for m in _SINGLE_QUOTED.finditer(text)]
        self.spans: list[tuple[int, int]] = []
        for start, end in sorted(spans):  # a quotation inside another one is part of it
            if not self.spans or start >= self.spans[-1][1]:
                self.spans.append((start, end))
        self._starts = [start for start, _ in self.spans]

    def around(self, offset: int) -> tuple[int, int] | None:
        """The quoted passage that holds this code point, without its marks."""
        at = bisect_right(self._starts, offset) - 1
        if at < 0 or offset >= self.spans[at][1]:
            return None
        return self.spans[at][0] + 1, self.spans[at][1] - 1

    def touch(self, start: int, end: int, least: int = 0) -> bool:
        """Whether a passage longer than `least` characters, marks included, overlaps these code points."""
        at = bisect_right(self._starts, end - 1) - 1
        while at >= 0 and self.spans[at][1] > start:  # sorted and apart, so the first that ends before is the last look
            if self.spans[at][1] - self.spans[at][0] > least:
                return True
            at -= 1
        return False
