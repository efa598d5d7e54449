"""The jailed half of decoding: the only importer of PyAV, run as a program by `pipeline.adapters.media`.

It knows no path and no name: standard input is the media file, standard output takes the samples, standard error
takes one JSON report. Before a byte of media is parsed it gives up the right to open anything else: with at most
three descriptors allowed, every further file or socket fails. A recording that asks FFmpeg for another file or for
the network therefore gets nothing, whatever its format can express.

Samples are 16 kHz, 16 bits, channels interleaved; silence stands where the file has a hole, so that the place of a
sample in the output is its time in the recording.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import struct
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE_RATE = 16_000
FORMATS = "wav,mp3,flac,ogg,mov,mp4,m4a,matroska,webm,aac"
# The file is handed over open, so FFmpeg needs no protocol at all: not even "file".
OPTIONS = {"protocol_whitelist": "none", "format_whitelist": FORMATS}
GAP_S = 0.25  # shorter holes are jitter of time stamps
MAX_GAPS = 1000
RATES = range(4_000, 768_001)
ZEROS = bytes(1 << 20)
NO_ROOM = (errno.EFBIG, errno.ENOSPC, errno.EDQUOT)


class RefusedError(Exception):
    """A reason, as a short code and figures, for which this file is not decoded."""

    def __init__(self, code: str, **figures: float | int | str) -> None:
        super().__init__(code)
        self.figures = {"error": code, **figures}


def preload() -> None:
    """Import all of PyAV, which otherwise imports parts of itself when it meets a kind of stream."""
    import importlib
    import pkgutil

    import av

    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith((".__main__", ".datasets")):
            importlib.import_module(module.name)


def jail(caps: dict[str, int]) -> None:
    """Give up files, sockets, memory and time; die with the parent where the system offers that."""
    try:
        import resource
    except ImportError:  # Windows: the wall clock of the parent remains
        return
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_AS": caps["memory_bytes"],
        "RLIMIT_CPU": caps["cpu_s"],
        "RLIMIT_FSIZE": caps["output_bytes"],
        "RLIMIT_NOFILE": 3,
    }
    with contextlib.suppress(Exception):  # Linux only, and a comfort: 1 is PR_SET_PDEATHSIG, 9 SIGKILL
        import ctypes

        ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
    for name, limit in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (limit, limit))


def wav_claim(source: BinaryIO) -> float | None:
    """Seconds that a WAV header promises, which FFmpeg corrects to what is there without a word; None if it says none.

    0 and 0xFFFFFFFF are what recorders write that could not know the size.
    """
    source.seek(0)
    head = source.read(12)
    rate = 0
    claim = None
    if len(head) == 12 and head[:4] == b"RIFF" and head[8:] == b"WAVE":
        while len(chunk := source.read(8)) == 8:
            name, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
            if name == b"data":
                claim = size / rate if rate and 0 < size < 0xFFFFFF00 else None
                break
            body = source.read(16) if name == b"fmt " else b""
            if len(body) == 16:
                rate = struct.unpack("<I", body[8:12])[0]
            source.seek(size + size % 2 - len(body), os.SEEK_CUR)
    source.seek(0)
    return claim


def ogg_end(source: BinaryIO) -> str:
    """How an Ogg file ends: "whole" with its end mark, "open" without it, "cut" inside a page.

    Ogg has no length in its header; its last page carries a mark instead (RFC 3533, section 6).
    """
    size = source.seek(0, os.SEEK_END)
    start = max(0, size - (1 << 17))  # a page is at most 65,307 bytes
    source.seek(start)
    tail = source.read()
    source.seek(0)
    at, ending = tail.find(b"OggS"), "cut"
    while at >= 0:
        head = tail[at : at + 27]
        segments = tail[at + 27 : at + 27 + head[26]] if len(head) == 27 else b""
        after = at + 27 + len(segments) + sum(segments)
        if len(head) < 27 or len(segments) < head[26] or after > len(tail):
            return "cut"
        ending = "whole" if head[5] & 4 else "open"
        at = tail.find(b"OggS", after)
    return ending


class BreakOff(logging.Handler):
    """Notes that FFmpeg found the end of the file in the middle of something; nothing else of its log is kept."""

    seen = False

    def emit(self, record: logging.LogRecord) -> None:
        """Called for each line of FFmpeg's log at level error."""
        self.seen = self.seen or "ended prematurely" in record.getMessage()


class Opened:
    """An open container, its sound track, and what its header promises."""

    container: Any

    def __init__(self, source: BinaryIO, caps: dict[str, int]) -> None:
        import av

        self.ending = ogg_end(source)  # before FFmpeg has its place in the file
        av.logging.set_level(av.logging.WARNING)
        claimed_by_wav = wav_claim(source)
        with av.logging.Capture(local=False) as logs:
            try:
                self.container = av.open(source, options=OPTIONS, metadata_errors="replace", buffer_size=1 << 18)
            except (av.FFmpegError, ValueError) as fault:
                cut = any("moov atom not found" in message for _, _, message in logs)
                raise RefusedError("no_index" if cut else "unreadable", detail=type(fault).__name__) from None
        av.logging.set_level(None)
        # FFmpeg guesses the length of some MP3 and AAC files from the bit rate: a guess is no promise.
        self.guessed = claimed_by_wav is None and any("Estimating" in message for _, _, message in logs)
        if not self.container.streams.audio:
            raise RefusedError("no_sound", video=len(self.container.streams.video))
        self.stream = self.container.streams.audio[0]
        self.tracks = len(self.container.streams.audio)
        if self.stream.codec_context is None:
            raise RefusedError("codec")
        duration: int | None = self.container.duration
        if self.container.format.name != "ogg":
            self.ending = "whole"
        self.duration_s = claimed_by_wav or (duration / 1_000_000 if duration and duration > 0 else None)
        self.start_s = (self.container.start_time or 0) / 1_000_000
        self.channels = self.stream.codec_context.channels
        rate = self.stream.codec_context.sample_rate
        if rate not in RATES:
            raise RefusedError("rate", rate=rate)
        if not 1 <= self.channels <= caps["max_channels"]:
            raise RefusedError("channels", channels=self.channels)
        if self.duration_s and not self.guessed and self.duration_s > caps["max_duration_s"]:
            raise RefusedError("too_long", seconds=self.duration_s)

    def facts(self) -> dict[str, Any]:
        """What can be said without decoding."""
        return {
            "duration_s": self.duration_s,
            "duration_guessed": self.guessed,
            "channels": self.channels,
            "sample_rate": self.stream.codec_context.sample_rate,
            "codec": self.stream.codec_context.name,
            "format": self.container.format.name,
            "tracks": self.tracks,
        }


class Sink:
    """Writes resampled sound, fills holes with silence, and keeps count."""

    def __init__(self, opened: Opened, out: BinaryIO, max_frames: int) -> None:
        self.opened, self.out, self.max_frames = opened, out, max_frames
        self.width = 2 * opened.channels
        self.frames = 0
        self.gaps: list[tuple[float, float]] = []
        self.resampler: Any = None
        self.layout: Any = None

    def sound(self, frame: Any) -> None:
        """One decoded frame, placed at its own time when the file skips ahead."""
        if frame.pts is not None and frame.time_base is not None:
            self._fill(int((float(frame.pts * frame.time_base) - self.opened.start_s) * SAMPLE_RATE))
        frame.pts = None  # the place in the output is the time; a jump would confuse the resampler
        if self.resampler is None:
            self._prepare(frame)
        try:
            pieces = self.resampler.resample(frame)
        except ValueError:  # the stream changed its rate or layout on the way
            self.flush()
            self._prepare(frame)
            pieces = self.resampler.resample(frame)
        self._write(pieces)

    def flush(self) -> None:
        """What the resampler still holds."""
        if self.resampler is not None:
            self._write(self.resampler.resample(None))
            self.resampler = None

    def _prepare(self, frame: Any) -> None:
        import av

        # Its own layout where it has the number of channels of the stream: then nothing is mixed.
        if self.layout is None and frame.layout.nb_channels == self.opened.channels:
            self.layout = frame.layout
        self.resampler = av.AudioResampler(
            format="s16", layout=self.layout or self.opened.stream.layout, rate=SAMPLE_RATE
        )

    def _fill(self, due: int) -> None:
        missing = min(due, self.max_frames + 1) - self.frames
        if missing < GAP_S * SAMPLE_RATE:
            return
        if len(self.gaps) < MAX_GAPS:
            self.gaps.append((round(self.frames / SAMPLE_RATE, 3), round(due / SAMPLE_RATE, 3)))
        self._count(missing)
        for left in range(missing * self.width, 0, -len(ZEROS)):
            self.out.write(ZEROS[: min(left, len(ZEROS))])

    def _write(self, pieces: list[Any]) -> None:
        for piece in pieces:
            if piece.layout.nb_channels != self.opened.channels:
                raise RefusedError("layout_change")
            self._count(piece.samples)
            self.out.write(memoryview(piece.planes[0])[: piece.samples * self.width])

    def _count(self, frames: int) -> None:
        self.frames += frames
        if self.frames > self.max_frames:
            raise RefusedError("too_long", seconds=self.frames / SAMPLE_RATE)


def packets(opened: Opened) -> Iterator[Any]:
    """All packets up to the end, or up to where the container breaks off."""
    import av

    try:
        yield from opened.container.demux()
    except av.FFmpegError:
        return


def decode(opened: Opened, out: BinaryIO, caps: dict[str, int]) -> dict[str, Any]:
    """Stream all sound to `out`; the report says how much there was, what was broken and what was promised."""
    import av

    log = logging.getLogger("libav")
    log.propagate = False
    log.addHandler(watch := BreakOff())
    av.logging.set_level(av.logging.ERROR)
    sink = Sink(opened, out, caps["max_duration_s"] * SAMPLE_RATE)
    broken, reached_s = 0, 0.0
    for packet in packets(opened):
        if packet.pts is not None and packet.time_base:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base) - opened.start_s
            reached_s = max(reached_s, end)
        if packet.stream.index != opened.stream.index:
            continue
        try:
            frames = packet.decode()
        except av.FFmpegError:
            broken += 1
            continue
        for frame in frames:
            broken += bool(frame.is_corrupt)
            sink.sound(frame)
    sink.flush()
    out.flush()
    if sink.frames == 0:
        raise RefusedError("nothing_decoded", broken=broken)
    ending = opened.ending if opened.ending != "whole" or not watch.seen else "cut"
    return {"frames": sink.frames, "broken": broken, "gaps": sink.gaps, "reached_s": reached_s, "ending": ending}


def main(verb: str, caps_text: str) -> dict[str, Any]:
    """Probe or decode standard input within `caps_text` (JSON), and return the report."""
    caps: dict[str, int] = json.loads(caps_text)
    preload()
    jail(caps)
    try:
        with os.fdopen(0, "rb", buffering=0, closefd=False) as source:
            opened = Opened(source, caps)
            facts = opened.facts()
            if verb == "decode":
                with os.fdopen(1, "wb", buffering=1 << 20, closefd=False) as out:
                    facts |= decode(opened, out, caps)
    except RefusedError as refusal:
        return refusal.figures
    except MemoryError:
        return {"error": "memory"}
    except OSError as fault:
        return {"error": "disk" if fault.errno in NO_ROOM else "unreadable", "detail": type(fault).__name__}
    return facts


if __name__ == "__main__":
    report = main(sys.argv[1], sys.argv[2])
    os.write(2, json.dumps(report).encode())
    os._exit(0)  # no tear-down code runs over a context that hostile input has built
