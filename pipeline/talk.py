"""An interview as a model is shown it: numbered lines with role, time and words."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records import Line, Role
from pipeline.redact import Redacted, Redactor

MARK: dict[Role, str] = {"candidate": "C", "interviewer": "I", "unknown": "?"}
PAUSE_S = 5.0


class Talk:
    """An interview's lines as they are shown, with whatever names people replaced."""

    def __init__(self, lines: Sequence[Line], roles: dict[str, Role], redactor: Redactor | None = None) -> None:
        self.lines = lines
        self.roles = roles
        hide = redactor or Redactor(active=False)
        self.shown: list[Redacted] = [hide.redact(line.text) for line in lines]
        self._words = [" ".join(shown.text.split()) for shown in self.shown]

    def show(self, first: int, last: int) -> str:
        """Lines `first` to `last`: number, role, time, words; a long pause is shown as such."""
        rows = []
        end_s: float | None = None
        for line in self.lines[first - 1 : last]:
            if end_s is not None and line.start_s - end_s >= PAUSE_S:
                rows.append(f"[{line.start_s - end_s:.0f} s pause]")
            minutes, seconds = divmod(int(line.start_s), 60)
            mark = MARK[self.roles.get(line.speaker, "unknown")]
            rows.append(f"{line.line} {mark} {minutes:02d}:{seconds:02d} {self.words(line.line)}")
            end_s = line.end_s
        return "\n".join(rows)

    def words(self, line: int) -> str:
        """The words of one line on one line."""
        return self._words[line - 1]

    def halves(self, first: int, last: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Two ranges in place of one, cut where a turn begins if one does near the middle."""
        middle = (first + last + 1) // 2
        starts = [n for n in range(first + 1, last + 1) if self.lines[n - 1].turn != self.lines[n - 2].turn]
        near = [n for n in starts if abs(n - middle) <= (last - first + 1) // 4]
        cut = min(near, key=lambda n: abs(n - middle), default=middle)
        return (first, cut - 1), (cut, last)
