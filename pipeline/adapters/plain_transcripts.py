"""The transcript formats that are not subtitles: Whisper JSON, `[Name] [hh:mm:ss] text` lines, and Otter blocks."""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any

from pydantic import ConfigDict, Field, FiniteFloat, ValidationError

from pipeline.adapters.cues import RawCue
from pipeline.errors import TranscriptError
from pipeline.records import Record

_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_BRACKETS = (
    re.compile(rf"\[(?P<name>[^\]\[\n]{{1,80}})\]\s*\[(?P<time>{_TIME})\]:?[ \t]*(?P<text>.*)"),
    re.compile(rf"\[(?P<time>{_TIME})\]\s*\[(?P<name>[^\]\[\n]{{1,80}})\]:?[ \t]*(?P<text>.*)"),
)
_OTTER = re.compile(rf"(?P<name>[^\W\d_][^:\n\[\]<>?!]{{0,60}}?)(?:[ \t]{{1,}})(?P<time>{_TIME})[ \t]*")
_OTTER_END = re.compile(r"(?i)transcribed by https?://otter\.ai/?")

_Turn = tuple[str, float, list[str]]  # name, start, lines


class _Word(Record):
    """A word of Whisper JSON; WhisperX calls the probability a score and may leave times out."""

    model_config = ConfigDict(extra="ignore")

    word: str
    start: FiniteFloat | None = None
    end: FiniteFloat | None = None
    probability: FiniteFloat | None = None
    score: FiniteFloat | None = None


class _Segment(Record):
    """A segment of Whisper JSON, of openai-whisper, its API, faster-whisper or WhisperX."""

    model_config = ConfigDict(extra="ignore")

    start: FiniteFloat
    end: FiniteFloat
    text: str
    speaker: str | None = None
    words: tuple[_Word, ...] | None = None


class _Whisper(Record):
    model_config = ConfigDict(extra="ignore")

    segments: tuple[_Segment, ...]
    words: tuple[_Word, ...] | None = None
    language: str | None = Field(default=None, max_length=40)


def seconds(clock: str) -> float:
    """`hh:mm:ss.mmm`, `mm:ss,mmm` or `m:ss` as seconds."""
    total = 0.0
    for part in clock.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total


def read_json(text: str, flags: list[str]) -> tuple[list[RawCue], str | None]:
    """Segments of Whisper JSON and the language it states; a bare list of segments will do."""
    try:
        content: Any = json.loads(text)
    except json.JSONDecodeError as fault:
        raise TranscriptError(f"line {fault.lineno}: not JSON ({fault.msg}).") from fault
    except (RecursionError, ValueError):
        raise TranscriptError("not JSON that can be read.") from None
    try:
        whisper = _Whisper.model_validate({"segments": content} if isinstance(content, list) else content)
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80]
        raise TranscriptError(f"not the JSON of Whisper, at {place or 'the top'}: {first['msg'].lower()}.") from None
    loose = deque(whisper.words or ())
    cues, unplaced = [], 0
    for segment in whisper.segments:
        words = list(segment.words or ())
        if segment.words is None:  # the API lists all words once, beside the segments
            while loose and loose[0].start is not None and loose[0].start < segment.end:
                words.append(loose.popleft())
        anchors, chances, missed = _anchors(segment.text, words)
        unplaced += missed
        cues.append(
            RawCue(
                speaker=segment.speaker,
                text=segment.text,
                start_s=segment.start,
                end_s=segment.end,
                anchors=anchors,
                probabilities=chances,
            )
        )
    if unplaced:
        flags.append(f"{unplaced} timed words are not in their segment's text; their times were interpolated")
    return cues, whisper.language


def _anchors(text: str, words: list[_Word]) -> tuple[tuple[tuple[int, float], ...], tuple[tuple[int, float], ...], int]:
    """Where the timed words stand in the text, how probable they are, and how many are not in it."""
    anchors, chances = [], []
    cursor = missed = 0
    for word in words:
        token = word.word.strip()
        at = text.find(token, cursor, cursor + len(token) + 40) if token else -1
        if at < 0:
            missed += bool(token)
            continue
        cursor = at + len(token)
        if word.start is not None and word.end is not None:
            anchors += [(at, word.start), (cursor, word.end)]
        chance = word.probability if word.probability is not None else word.score
        if chance is not None:
            chances.append((at, min(1.0, max(0.0, chance))))
    return tuple(anchors), tuple(chances), missed


def read_brackets(text: str, flags: list[str]) -> list[RawCue]:
    """`[Name] [hh:mm:ss] text`, in either order of the brackets; other lines continue the cue above them."""
    turns: list[_Turn] = []
    before = 0
    for number, line in enumerate(text.split("\n"), start=1):
        found = next((hit for form in _BRACKETS if (hit := form.fullmatch(line.strip()))), None)
        if found:
            turns.append((found["name"], seconds(found["time"]), [found["text"]]))
        elif turns:
            turns[-1][2].append(line)
        elif line.strip():
            before = before or number
    return _joined(turns, before, flags)


def read_otter(text: str, flags: list[str]) -> list[RawCue]:
    """Otter's export: a line with name and time, then what was said, then an empty line.

    "We stopped at 10:30" looks like such a line too; it must follow an empty line, be followed by text, and not go back
    in time.
    """
    turns: list[_Turn] = []
    lines = [*text.split("\n"), ""]
    before = 0
    for index, line in enumerate(lines[:-1]):
        found = _OTTER.fullmatch(line.strip())
        opens = (index == 0 or not lines[index - 1].strip()) and lines[index + 1].strip()
        if found and opens and seconds(found["time"]) >= (turns[-1][1] if turns else 0.0):
            turns.append((found["name"], seconds(found["time"]), []))
        elif turns and not _OTTER_END.fullmatch(line.strip()):
            turns[-1][2].append(line)
        elif line.strip() and not turns:
            before = before or index + 1
    return _joined(turns, before, flags)


def _joined(turns: list[_Turn], before: int, flags: list[str]) -> list[RawCue]:
    if turns and before:
        flags.append(f"text before the first speaker, at line {before}, is not read")
    return [RawCue(speaker=name.strip(), text="\n".join(said), start_s=start) for name, start, said in turns]
