"""Recordings to samples: opens the file safely, decodes it in a jailed child process, hands out one channel at a time.

The child (`media_child`) never learns the file's name: the parent opens the file itself, refuses links and anything
that is not a regular file, and passes it on as standard input. Limits on memory, processor time, output size and open
files hold in the child, a wall clock in the parent. Samples land in an unnamed temporary file, which vanishes with
the process even when it is killed.

A truncated recording (shorter than its own header promises) is an error that says how much was readable: half an
interview must not look like a whole one. Undecodable frames in the middle are counted, replaced by silence of the
same length so that times stay true, and reported as flags.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError

from pipeline.adapters.files import opened, shown
from pipeline.errors import MediaError
from pipeline.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

SAMPLE_RATE = 16_000
CHILD = Path(__file__).with_name("media_child.py")
BLOCK = 1 << 20  # frames read at once
MAX_REPORT = 1 << 18  # bytes; the report of a thousand gaps is a tenth of this
Name = Field(pattern=r"^[A-Za-z0-9_,. -]{0,80}$")


class Caps(Record):
    """What one recording may cost. The defaults fit six hours of video on a slow machine."""

    max_duration_s: int = 6 * 3600
    max_channels: int = 16
    max_bytes: int = 16 << 30
    memory_bytes: int = 2 << 30
    cpu_s: int = 900
    wall_s: int = 1200

    def for_child(self) -> str:
        """As the child wants it; the output limit follows from duration and channels."""
        output = (self.max_duration_s + 60) * SAMPLE_RATE * 2 * self.max_channels
        return json.dumps({**self.model_dump(), "output_bytes": output})


class Probe(Record):
    """What a recording says of itself, without decoding it. `duration_s` is None where the header is silent."""

    duration_s: float | None = Field(ge=0)
    duration_guessed: bool
    channels: int = Field(ge=1)
    sample_rate: int = Field(ge=1)
    codec: str = Name
    format: str = Name
    tracks: int = Field(ge=1)


class _Report(Probe):
    """The child's account of a finished decode, checked like any other foreign input."""

    frames: int = Field(ge=1)
    broken: int = Field(ge=0)
    gaps: tuple[tuple[float, float], ...]
    reached_s: float
    ending: Literal["whole", "open", "cut"]


_Probe = TypeVar("_Probe", bound=Probe)


class _Refusal(Record):
    """Why the child would not decode."""

    model_config = ConfigDict(extra="ignore")

    error: str
    channels: int = 0
    rate: int = 0


class Decoded:
    """Samples of one recording, on disk until asked for. Use as a context manager; leaving it frees the disk."""

    def __init__(self, samples: IO[bytes], report: _Report) -> None:
        self._samples = samples
        self.channels = report.channels
        self.frames = report.frames
        self.duration_s = report.frames / SAMPLE_RATE
        self.broken_frames = report.broken
        self.gaps = report.gaps
        self.probe = Probe(**report.model_dump(include=set(Probe.model_fields)))
        self.flags = _flags(report)

    def __enter__(self) -> Decoded:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Free the disk space; the samples are gone afterwards."""
        self._samples.close()

    @property
    def closed(self) -> bool:
        """Whether the samples are gone."""
        return self._samples.closed

    def blocks(self) -> Iterator[np.ndarray]:
        """All channels in blocks of int16, shape (frames, channels), in order. Holds about a minute at a time."""
        import numpy as np

        width = 2 * self.channels
        for first in range(0, self.frames, BLOCK):
            wanted = min(BLOCK, self.frames - first) * width
            raw = os.pread(self._samples.fileno(), wanted, first * width)
            if len(raw) != wanted:
                raise MediaError("The decoded samples were cut short.", next_step="Run the same command again.")
            yield np.frombuffer(raw, dtype=np.int16).reshape(-1, self.channels)

    def channel(self, index: int) -> np.ndarray:
        """One channel as float32 in [-1, 1), 16 kHz; `index` from 0. Holds this channel only."""
        if not 0 <= index < self.channels:
            raise IndexError(index)
        return self._filled(lambda block: block[:, index])

    def mono(self) -> np.ndarray:
        """The mean of all channels as float32, 16 kHz."""
        return self._filled(lambda block: block.mean(axis=1, dtype="float32"))

    def clip(self, start_s: float, end_s: float, *, channel: int | None = None) -> bytes:
        """A short stretch as MP3, 4 kB a second, which every browser plays; all channels mixed unless one is named.

        It is cut from the very samples that were listened to, so it begins where the words do.
        """
        import numpy as np

        first = max(0, min(int(start_s * SAMPLE_RATE), self.frames - 1))
        count = max(1, min(int(end_s * SAMPLE_RATE), self.frames) - first)
        width = 2 * self.channels
        raw = os.pread(self._samples.fileno(), count * width, first * width)
        block = np.frombuffer(raw, dtype=np.int16).reshape(-1, self.channels)
        return _mp3(block.mean(axis=1).astype(np.int16) if channel is None else block[:, channel])

    def _filled(self, pick: Any) -> np.ndarray:
        import numpy as np

        sound = np.empty(self.frames, dtype=np.float32)
        at = 0
        for block in self.blocks():
            sound[at : at + len(block)] = pick(block)
            at += len(block)
        sound /= 32768.0
        return sound


def probe(path: Path, caps: Caps | None = None) -> Probe:
    """Length, channels and codec of a recording; MediaError when it is none."""
    caps = caps or Caps()
    with opened(path, MediaError, caps.max_bytes) as source, tempfile.TemporaryFile() as nowhere:
        return _read(Probe, _run("probe", path, source, nowhere, caps), path, caps)


def decode(path: Path, *, workdir: Path, caps: Caps | None = None) -> Decoded:
    """All channels of a recording at 16 kHz, with silence where it has holes; MediaError when it cannot be whole.

    `workdir` takes 115 MB an hour and channel for as long as the result is open.
    """
    caps = caps or Caps()
    workdir.mkdir(parents=True, exist_ok=True, mode=0o700)
    samples = tempfile.TemporaryFile(dir=workdir)  # noqa: SIM115  it lives as long as Decoded
    try:
        with opened(path, MediaError, caps.max_bytes) as source:
            report = _read(_Report, _run("decode", path, source, samples, caps), path, caps)
        _refuse_truncated(report, path)
        return Decoded(samples, report)
    except BaseException:
        samples.close()
        raise


def channels_differ(decoded: Decoded) -> bool:
    """Whether each of two or more channels carries a person of its own.

    Compared are loudness envelopes of 50 ms. In a recording with a person a channel, nearly every moment of speech is
    clearly louder (6 dB) on one channel, and more than one channel has its moments. A mix, two copies of one track,
    a panned mix and a track beside silence do not look like that, and are better heard as one.
    """
    import numpy as np

    if decoded.channels < 2:
        return False
    every = 4  # samples looked at: enough for loudness
    step = SAMPLE_RATE // 20 // every
    parts = []
    for block in decoded.blocks():
        thin = block[::every]
        whole = thin[: len(thin) // step * step].astype(np.float32)
        parts.append((whole.reshape(-1, step, decoded.channels) ** 2).mean(axis=1))
    power = np.concatenate(parts) + 1.0
    loudest = power.max(axis=1)
    # Speech is what stands well above the quietest tenth and is not 40 dB below the loudest moments.
    floor = max(np.quantile(loudest, 0.1) * 4, np.quantile(loudest, 0.99) * 1e-4, 100.0)
    active = power[loudest > floor]
    if len(active) < 20:
        return False
    ranked = np.sort(active, axis=1)
    owned = ranked[:, -1] > 4 * ranked[:, -2]
    owners = np.bincount(active[owned].argmax(axis=1), minlength=decoded.channels)
    return bool(owned.mean() >= 0.6 and (owners >= 20).sum() >= 2)


def _mp3(samples: np.ndarray) -> bytes:
    """Our own samples, so no jail is needed: int16 mono at 16 kHz to MP3."""
    import av
    import numpy as np

    sink = io.BytesIO()
    with av.open(sink, "w", format="mp3") as container:
        quick = {"compression_level": "7"}  # half the time of the usual 5
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono", options=quick)
        stream.bit_rate = 32_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None, :], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        fit = av.AudioResampler(stream.format, "mono", SAMPLE_RATE, frame_size=stream.codec_context.frame_size)
        for piece in (*fit.resample(frame), *fit.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return sink.getvalue()


def _run(verb: str, path: Path, source: int, samples: IO[bytes], caps: Caps) -> dict[str, Any]:
    """The child's report. It gets three descriptors, a bare environment and its own session."""
    spec = find_spec("av")
    kept = ("LD_LIBRARY_PATH", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    if spec and spec.origin:  # found without importing; the child's own search path is otherwise bare
        environment["PYTHONPATH"] = str(Path(spec.origin).parent.parent)
    with tempfile.TemporaryFile() as report:
        child = subprocess.Popen(
            [sys.executable, "-P", str(CHILD), verb, caps.for_child()],
            stdin=source,
            stdout=samples,
            stderr=report,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
        try:
            code = child.wait(timeout=caps.wall_s)
        except subprocess.TimeoutExpired:
            raise MediaError(
                f"{shown(path)} was not decoded within {caps.wall_s} s.", next_step="Convert it to WAV or FLAC first."
            ) from None
        finally:
            if child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        report.seek(0)
        text = report.read(MAX_REPORT)
    if code != 0:
        cause = "ran out of its processor time" if code == -getattr(signal, "SIGXCPU", 24) else f"crashed ({code})"
        raise MediaError(f"{shown(path)}: the decoder {cause}.", next_step="Convert it to WAV or FLAC first.")
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {"error": "report"}


def _read(kind: type[_Probe], answer: dict[str, Any], path: Path, caps: Caps) -> _Probe:
    try:
        if "error" in answer:
            refusal = _Refusal.model_validate(answer)
            next_step = _NEXT.get(refusal.error, _CONVERT)
            raise MediaError(f"{shown(path)} {_reason(refusal, caps)}", next_step=next_step)
        return kind.model_validate(answer)
    except ValidationError:
        raise MediaError(f"{shown(path)} has a header that makes no sense.", next_step=_CONVERT) from None


_CONVERT = "Check that it plays, or convert it to WAV or FLAC first."
_NEXT = {
    "no_sound": "Record or export it with sound, or give its transcript.",
    "too_long": "Cut it into interviews first.",
    "channels": "Mix it down, or give one file a person.",
    "disk": "Free some disk space and run the same command again.",
}


def _reason(refusal: _Refusal, caps: Caps) -> str:
    code = refusal.error
    if code == "too_long":
        return f"is longer than the {caps.max_duration_s / 3600:.3g} hours allowed."
    if code == "channels":
        return f"has {refusal.channels} channels; at most {caps.max_channels} are read."
    if code == "rate":
        return f"claims a sample rate of {refusal.rate} Hz, which is not one of sound."
    return {
        "unreadable": "is damaged, or no recording of a known format (wav mp3 flac ogg m4a mp4 mkv webm aac).",
        "no_index": "is truncated: the index at its end is missing, and nothing is readable without it.",
        "codec": "has a sound track in a codec that is not known.",
        "no_sound": "has no sound track.",
        "nothing_decoded": "has a sound track of which nothing could be decoded.",
        "layout_change": "changes its number of channels on the way.",
        "memory": "needs more memory to decode than is allowed.",
        "disk": "could not be decoded: no room for its samples.",
    }.get(code, "could not be decoded.")


def _refuse_truncated(report: _Report, path: Path) -> None:
    """A header's promise that the file breaks by more than 1 s and 2 % is an error, never a short success."""
    heard = max(report.frames / SAMPLE_RATE, report.reached_s)
    promised = None if report.duration_guessed else report.duration_s
    short = promised is not None and promised - heard > max(1.0, 0.02 * promised)
    if short or report.ending == "cut":
        claim = f"its header promises {promised:.1f} s," if short else "it breaks off;"
        raise MediaError(
            f"{shown(path)} is truncated: {claim} {heard:.1f} s are readable.",
            next_step="Get the whole file; or copy the readable part to a new one: ffmpeg -i OLD NEW.flac",
        )


def _flags(report: _Report) -> tuple[str, ...]:
    flags = []
    if report.broken:
        flags.append(f"{report.broken} undecodable frames")
    if report.gaps:
        missing = sum(end - start for start, end in report.gaps)
        flags.append(f"{len(report.gaps)} gaps, {missing:.1f} s in all, first at {report.gaps[0][0]:.1f} s")
    if report.ending == "open" or report.duration_guessed or report.duration_s is None:
        flags.append("it does not say where it ends: a missing end would go unnoticed")
    if report.tracks > 1:
        flags.append(f"{report.tracks} sound tracks, only the first is read")
    return tuple(flags)
