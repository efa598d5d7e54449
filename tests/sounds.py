"""Media files for tests, made with PyAV alone: no ffmpeg program, no fixture on disk."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np

RATE = 16_000


def tone(seconds: float, hertz: float = 440.0, level: float = 0.3) -> np.ndarray:
    """A sine at 16 kHz, int16, shape (n,)."""
    time = np.arange(int(seconds * RATE)) / RATE
    return (level * 32767 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def write(path: Path, channels: np.ndarray, *, codec: str, layout: str | None = None, rate: int = RATE, form=None):
    """Encode int16 sound of shape (n, channels) at 16 kHz with PyAV; resampled when the codec wants another rate."""
    count = channels.shape[1]
    layout = layout or {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[count]
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"})
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels).reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = RATE
        resampler = av.AudioResampler(
            format=stream.format, layout=layout, rate=rate, frame_size=stream.codec_context.frame_size or None
        )
        for piece in resampler.resample(frame) + resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def wav(path: Path, channels: np.ndarray, *, size=None, rate=RATE, count=None, fmt=1, bits=16) -> Path:
    """A PCM WAV whose header may lie about anything; truthful by default."""
    body = np.ascontiguousarray(channels).tobytes()
    count = channels.shape[1] if count is None else count
    block = count * bits // 8
    head = struct.pack("<HHIIHH", fmt, count, rate, (rate * block) & 0xFFFFFFFF, block & 0xFFFF, bits)
    size = len(body) if size is None else size
    riff = b"RIFF" + struct.pack("<I", (36 + size) & 0xFFFFFFFF) + b"WAVEfmt " + struct.pack("<I", 16) + head
    path.write_bytes(riff + b"data" + struct.pack("<I", size) + body)
    return path


def video(path: Path, *, sound: np.ndarray | None = None, seconds: float = 2.0) -> Path:
    """A small MPEG-4 video, with a sound track or without one."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        voice = container.add_stream("aac", rate=RATE, layout="mono") if sound is not None else None
        for index in range(int(seconds * 10)):
            image = np.full((48, 64, 3), index * 5 % 256, dtype=np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(picture.encode(None))
        if voice is not None:
            frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = RATE
            resampler = av.AudioResampler(format=voice.format, layout="mono", rate=RATE, frame_size=1024)
            for piece in resampler.resample(frame) + resampler.resample(None):
                container.mux(voice.encode(piece))
            container.mux(voice.encode(None))
    return path
