"""Replace what names a person by placeholders before text goes to a host that is not this machine.

Names that the manifest knows, e-mail addresses, phone numbers, web addresses and long numbers. The same value gets the
same placeholder throughout an interview. This is pseudonymisation, not anonymisation: a name nobody listed stays, and
what somebody tells about themselves stays.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

VERSION = 1
_GENERIC = frozenset(
    ["left", "right", "mixed", "candidate", "interviewer", "unknown", "speaker", "guest", "host", "track", "audio"]
    + ["recording", "microphone", "mic", "the", "and", "zoom", "teams", "meet", "participant", "user", "channel"]
)
_TOP = r"(?:com|org|net|io|dev|ai|app|edu|gov|info|biz|co|de|uk|fr|nl|eu|ch|at|es|it|pl|se|ie|in|ca|au|us)"
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("EMAIL", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("EMAIL", re.compile(rf"\b[\w+-]+(?: dot [\w+-]+)* at [\w-]+(?: dot [\w-]+)* dot {_TOP}\b", re.I)),
    ("URL", re.compile(r"\b(?:https?://|www\.)\S+[\w/]", re.I)),
    ("URL", re.compile(rf"\b(?:[a-z0-9-]+\.)+{_TOP}/\S*[\w/]", re.I)),
    ("NUMBER", re.compile(r"(?<![\w.,+])\d{9,19}(?!\w|[.,]\d)")),
    ("PHONE", re.compile(r"(?<![\w.,])(?!\d{4}-\d\d-\d\d)(?:\+\d|\(?\d)(?:[ ()-]{0,2}\d){8,14}(?!\w|[.,]\d)")),
)


@dataclass(frozen=True)
class Redacted:
    """Text with placeholders, and where each stretch of it came from.

    `starts` are offsets into `text` at which a stretch begins; stretch i came from `origins[i]` (start, end) of the
    original. Offsets count code points, end exclusive.
    """

    text: str
    starts: tuple[int, ...]
    origins: tuple[tuple[int, int], ...]
    copied: tuple[bool, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that `text[start:end]` stands for; a placeholder stands for all it replaced."""
        first = max(bisect_right(self.starts, start) - 1, 0)
        last = max(bisect_right(self.starts, max(end - 1, start)) - 1, 0)
        begin, stop = self.origins[first][0], self.origins[last][1]
        if self.copied[first]:
            begin += start - self.starts[first]
        if self.copied[last]:
            stop = self.origins[last][0] + end - self.starts[last]
        return begin, stop


class Redactor:
    """Placeholders for one interview. With `active=False` every text passes unchanged."""

    def __init__(self, names: Iterable[str] = (), *, active: bool = True) -> None:
        self.active = active
        self._numbers: dict[str, dict[str, int]] = {}
        self._people: dict[str, str] = {}
        if active:
            for name in names:
                self._learn(name)
        words = sorted((re.escape(word) for word in self._people), key=len, reverse=True)
        self._names = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)") if words else None

    def redact(self, text: str) -> Redacted:
        """The text with every known name and pattern replaced."""
        parts: list[str] = []
        starts, origins, copied = [], [], []
        at = length = 0
        for start, end, placeholder in [*self._found(text), (len(text), len(text), "")]:
            for piece, origin, own in ((text[at:start], (at, start), True), (placeholder, (start, end), False)):
                if piece:
                    parts.append(piece)
                    starts.append(length)
                    origins.append(origin)
                    copied.append(own)
                    length += len(piece)
            at = end
        if not parts:
            return Redacted("", (0,), ((0, 0),), (True,))
        return Redacted("".join(parts), tuple(starts), tuple(origins), tuple(copied))

    def _learn(self, name: str) -> None:
        """A full name, and each of its parts, as people write them: capitalised, or in capitals."""
        stem = re.sub(r"\.\w{2,4}$", "", name.replace("\\", "/").rsplit("/", 1)[-1])
        parts = [p for p in re.split(r"[^\w'’]+|_", stem) if len(p) > 1 and not re.search(r"\d", p)]
        parts = [p for p in parts if p.lower() not in _GENERIC]
        if len("".join(parts)) < 3:
            return
        person = " ".join(parts).lower()
        for form in (" ".join(parts), *(p for p in parts if len(p) > 2)):
            for written in (form, form.title(), form.upper()):
                if not written.islower():
                    self._people.setdefault(written, person)

    def _found(self, text: str) -> list[tuple[int, int, str]]:
        if not self.active:
            return []
        hits = [(m.start(), m.end(), kind, m[0]) for kind, pattern in _PATTERNS for m in pattern.finditer(text)]
        if self._names:
            hits += [(m.start(), m.end(), "NAME", self._people[m[0]]) for m in self._names.finditer(text)]
        found: list[tuple[int, int, str]] = []
        end = 0
        for start, stop, kind, value in sorted(hits, key=lambda hit: (hit[0], -hit[1])):
            if start >= end:
                found.append((start, stop, self._placeholder(kind, value)))
                end = stop
        return found

    def _placeholder(self, kind: str, value: str) -> str:
        known = self._numbers.setdefault(kind, {})
        return f"[{kind}-{known.setdefault(value.lower(), len(known) + 1)}]"
