"""`verbatim locate`: where a quote stands in a transcript, or why it may not stand as a quote."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import TranscriptError
from pipeline.verbs.common import JsonOption

_LARGEST = 16 * 2**20  # bytes; an hour of talk is 60 kB


def locate(
    transcript: Annotated[str, typer.Argument(help="A text file in UTF-8, or - for standard input.")],
    quote: Annotated[str, typer.Argument(help="What is said to have been said.")],
    near: Annotated[
        int | None, typer.Option(help="Of several equal places, the one nearest to this offset of the text.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the place of a quote in a transcript: start, end (characters, end exclusive), score and state.

    Exit code 0: it stands there. 1: it does not, or says something else; the state says which. 2: the file cannot be
    read.
    """
    text = _read(transcript)
    from pipeline.spans import explain

    found = explain(text, quote, near)
    if as_json:
        # Escaped, so that no terminal is steered by a quote; offsets count the characters of the decoded file.
        print(json.dumps({"start": found.start, "end": found.end, "score": found.score, "state": found.state}))
    else:
        place = "" if found.start is None else f"  {found.start}-{found.end}  score {found.score:.2f}"
        print(f"{found.state}{place}")
        if found.start is not None:
            print(_plain(text[found.start : found.end]))
    if not found.located:
        raise typer.Exit(1)


def _read(transcript: str) -> str:
    """The text exactly as it is in the file: line ends and a byte-order mark count as characters."""
    try:
        if transcript == "-":
            raw = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(transcript).open("rb") as file:
                raw = file.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            raise TranscriptError(f"{transcript} is larger than {_LARGEST // 2**20} MB", next_step="give one interview")
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TranscriptError(
            f"{transcript} is not UTF-8 text (byte {error.start})",
            next_step=f"iconv -t UTF-8 {transcript} > transcript.txt",
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise TranscriptError(f"{transcript} cannot be read: {reason}", next_step="verbatim locate --help") from None


def _plain(text: str) -> str:
    """Text for a terminal: one line, control and direction characters shown as what they are."""
    return "".join(char if char.isprintable() or char == " " else _shown(char) for char in text)


def _shown(char: str) -> str:
    return " " if char in "\n\r\t" else char.encode("unicode_escape").decode("ascii", "replace")
