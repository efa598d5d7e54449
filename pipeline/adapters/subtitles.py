"""Transcript files to cues: VTT and SRT (parsed by webvtt-py), Whisper JSON, `[Name] [time] text` lines, Otter blocks.

The text of a cue is kept exactly as decoded: only character references are decoded and only tags that WebVTT or SRT
know are removed. Hidden characters stay where they are and are reported; NUL is refused, because no transcript has
it. Nothing is dropped in silence: a time line that cannot be read is an error with its line number, and text that
stands outside any cue is a flag with its line number.
"""

from __future__ import annotations

import codecs
import html
import io
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pipeline.adapters.cues import ImportedTranscript, RawCue, finish
from pipeline.adapters.files import opened, shown
from pipeline.adapters.plain_transcripts import read_brackets, read_json, read_otter, seconds
from pipeline.errors import TranscriptError

Kind = Literal["vtt", "srt", "json", "brackets", "otter"]
MAX_BYTES = 32_000_000
MAX_S = 100 * 3600.0
FORMATS = "WebVTT, SRT, Whisper JSON, '[Name] [hh:mm:ss] text' lines or Otter blocks"
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TIMING = re.compile(
    r"\s*(?:\d{1,4}:)?\d{1,2}:\d{1,2}[.,]\d{1,3}\s*-->\s*(?:\d{1,4}:)?\d{1,2}:\d{1,2}[.,]\d{1,3}(?!\d)"
)
_FORBIDDEN = re.compile("[\0\ud800-\udfff]")
# Only tags that the formats know: "List<int>" in a candidate's answer is text.
# Lengths are bounded so that no input makes the search slow.
_TAG = re.compile(
    r"<(?P<voice>v(?:\.[^\s>]{0,80})?[ \t]{1,9}(?P<name>[^<>\n]{1,200}))>"
    r"|<(?P<time>(?:\d{1,4}:)?\d{1,2}:\d{2}\.\d{1,3})>"
    r"|</?(?:v|c|i|b|u|s|ruby|rt|lang|font)(?:[.\s][^<>\n]{0,200})?/?>"
)


def read_transcript(source: Path | str, kind: Kind | None = None) -> ImportedTranscript:
    """Read a file (a Path) or a text (a str). `kind` is recognised from the content unless given.

    Raises TranscriptError with the line and the reason when it cannot be read whole.
    """
    name = shown(source) if isinstance(source, Path) else "The transcript"
    content = _bytes(source) if isinstance(source, Path) else b""
    try:
        text, flags = decode(content) if isinstance(source, Path) else (source, [])
        return _read(text.removeprefix("\ufeff"), kind, flags)
    except TranscriptError as fault:
        raise TranscriptError(f"{name}: {fault.what}", next_step=fault.next_step or _EXPORT) from fault


_EXPORT = "Export the transcript again, or correct the line."


def _bytes(path: Path) -> bytes:
    with opened(path, TranscriptError, MAX_BYTES) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(MAX_BYTES + 1)


def decode(content: bytes) -> tuple[str, list[str]]:
    """Bytes to text: a byte order mark decides, else UTF-8, else Windows-1252 with a flag."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), []
            except UnicodeDecodeError:
                raise TranscriptError(f"it begins as {encoding.upper()} and is not.") from None
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise TranscriptError("it is not text.", next_step=f"Give {FORMATS}.") from None
    if any(unicodedata.category(letter) == "Cc" and letter not in "\t\n\r\f" for letter in text):
        raise TranscriptError("it is not text.", next_step=f"Give {FORMATS}.")
    return text, [f"not UTF-8 (line {line}); read as Windows-1252, check accented letters"]


def _read(text: str, kind: Kind | None, flags: list[str]) -> ImportedTranscript:
    if "\0" in text:
        raise TranscriptError(f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}: a NUL character.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kind = kind or recognise(text)
    language = None
    if kind == "vtt" or kind == "srt":
        raw = list(_captions(text, kind, flags))
    elif kind == "json":
        raw, language = read_json(text, flags)
    elif kind == "brackets":
        raw = read_brackets(text, flags)
    else:
        raw = read_otter(text, flags)
    for number, cue in enumerate(raw, start=1):
        # JSON can escape what a file cannot hold.
        if _FORBIDDEN.search(cue.text) or _FORBIDDEN.search(cue.speaker or ""):
            raise TranscriptError(f"cue {number}: a NUL or half a character.")
        if not 0 <= cue.start_s <= MAX_S or not 0 <= (cue.end_s or 0) <= MAX_S:
            raise TranscriptError(f"cue {number}: a time before the start or after {MAX_S / 3600:.0f} hours.")
    return finish(kind, raw, language=language, flags=flags)


def recognise(text: str) -> Kind:
    """The format of a text by its content; TranscriptError when it is none that is read."""
    head = text.lstrip()
    lines = text.split("\n")
    if head.startswith("WEBVTT"):
        return "vtt"
    if head.startswith("{") or re.match(r"\[\s*[\[{]", head):
        return "json"
    timing = next((line for line in lines if _TIMING.match(line)), None)
    if timing is not None:
        return "srt" if "," in timing.split("-->")[0] else "vtt"
    if read_brackets(text, []):
        return "brackets"
    if read_otter(text, []):
        return "otter"
    raise TranscriptError("no transcript format is recognised.", next_step=f"Give {FORMATS}.")


def _captions(text: str, kind: Kind, flags: list[str]) -> Iterator[RawCue]:
    """The cues of VTT or SRT. webvtt-py passes over what it cannot read, so what it read is counted."""
    from webvtt import WebVTT
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    body = text.lstrip()
    first = text.count("\n", 0, len(text) - len(body)) + 1
    lines = body.rstrip().split("\n")
    expected = _check_lines(lines, kind, first, flags)
    if kind == "vtt" and not lines[0].startswith("WEBVTT"):
        flags.append("the WEBVTT line is missing")
        lines = ["WEBVTT", "", *lines]
    try:
        found: list[Any] = WebVTT.from_buffer(io.StringIO("\n".join(lines)), format=kind).captions
    except (MalformedFileError, MalformedCaptionError) as fault:
        raise TranscriptError(f"line {first}: not in the format {kind.upper()}.") from fault
    read = sum(1 for caption in found if caption.raw_text.strip())
    if read != expected:
        raise TranscriptError(f"{expected} cues with text were found and {read} could be read.")
    for caption in found:
        yield from _voices(caption.raw_text, seconds(caption.start), seconds(caption.end))


def _check_lines(lines: list[str], kind: Kind, first: int, flags: list[str]) -> int:
    """How many cues have text; an unreadable time line is an error, text outside cues a flag."""
    expected, stray = 0, 0
    inside, silent = False, kind == "vtt"  # in a cue; in a block that says nothing, such as the header
    for index, line in enumerate(lines):
        if "-->" in line:
            if not _TIMING.match(line):
                raise TranscriptError(f"line {first + index}: this time line cannot be read.")
            expected += _has_text(lines, index + 1, kind)
            inside, silent = True, False
        elif not line.strip():
            inside, silent = inside and (kind == "srt" or line != ""), False
        elif kind == "vtt" and not inside and re.match(r"(?:NOTE|STYLE|REGION)(?:\s|$)", line):
            silent = True
        elif not (inside or silent or "-->" in "".join(lines[index + 1 : index + 2])):
            stray = stray or first + index
    if stray:
        flags.append(f"text outside any cue, first at line {stray}, is not read")
    return expected


def _has_text(lines: list[str], index: int, kind: Kind) -> bool:
    for at in range(index, len(lines)):
        if "-->" in lines[at] or (kind == "vtt" and not lines[at]):
            return False
        if lines[at].strip() and not (kind == "srt" and _is_index(lines, at)):
            return True
    return False


def _is_index(lines: list[str], index: int) -> bool:
    return lines[index].strip().isdigit() and index + 1 < len(lines) and "-->" in lines[index + 1]


def _voices(raw: str, start_s: float, end_s: float) -> Iterator[RawCue]:
    """A cue cut at its voice tags; marks of time inside it become anchors. Parts share the cue's time by length."""
    speaker: str | None = None
    pieces: list[tuple[str | None, int, int]] = []
    text, begin, at = "", 0, 0
    anchors: list[tuple[int, float]] = []
    for tag in _TAG.finditer(raw):
        text += html.unescape(raw[at : tag.start()])
        at = tag.end()
        if tag["time"]:
            anchors.append((len(text), seconds(tag["time"])))
        elif tag["voice"] or (tag[0] == "</v>" and speaker):
            pieces.append((speaker, begin, len(text)))
            speaker, begin = (html.unescape(tag["name"]).strip() if tag["voice"] else ""), len(text)
    text += html.unescape(raw[at:])
    pieces.append((speaker, begin, len(text)))
    spoken = [piece for piece in pieces if text[piece[1] : piece[2]].strip()]
    span = (end_s - start_s) / max(1, len(text))
    for who, left, right in spoken:
        yield RawCue(
            speaker=who,
            text=text[left:right],
            start_s=start_s + left * span,
            end_s=start_s + right * span,
            anchors=tuple((offset - left, second) for offset, second in anchors if left <= offset < right),
        )
