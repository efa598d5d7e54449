"""Speech to words with faster-whisper: the only importer of `faster_whisper`.

Answers are deterministic: temperature 0 and no fallback to sampling. Where plain Whisper would try again with dice,
we keep the first answer and let `pipeline.quality` flag it; the same recording then always gives the same transcript
hash, and evidence keeps its place. Text before a window is not fed into the next one, so that a loop cannot spread.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pipeline.adapters import weights
from pipeline.errors import ModelMissingError, SettingsError
from pipeline.records import Heard, HeardWord, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np

VERSION = 1  # raise it when a change here changes what is heard
SAMPLE_RATE = 16_000
MIN_WORD_S = 0.02  # one step of Whisper's clock
# Whisper's own rule for "nobody spoke": doubtful that there is speech, and doubtful of its own words.
NO_SPEECH = 0.6
LOG_PROBABILITY = -1.0


class WhisperSettings(Record):
    """How to listen. `model`: a folder, or a name such as base; `language` None means detect it per stream."""

    model: str = "base"
    mode: Literal["sequential", "batched"] = "batched"
    batch_size: int = Field(default=8, ge=1, le=128)
    beam_size: int = Field(default=5, ge=1, le=20)
    language: str | None = None
    glossary: tuple[str, ...] = ()
    compute_type: str = "int8"
    device: str = "cpu"
    cpu_threads: int = Field(default=0, ge=0)
    allow_download: bool = False

    def fingerprint(self) -> str:
        """SHA-256 over all that shapes an answer; speed and permission (`cpu_threads`, `allow_download`) do not."""
        shaping = self.model_dump(exclude={"model", "cpu_threads", "allow_download"})
        if self.mode == "sequential":
            del shaping["batch_size"]
        shaping |= {
            "weights": weights.identity(self.model),
            "faster-whisper": version("faster-whisper"),
            "ctranslate2": version("ctranslate2"),
            "version": VERSION,
        }
        return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()


class WhisperTranscriber:
    """Hears one stream of samples at a time; the model is loaded once, at `prepare` or the first that is not silent."""

    def __init__(self, settings: WhisperSettings | None = None) -> None:
        self.settings = settings or WhisperSettings()
        self._loaded: Any = None

    def fingerprint(self) -> str:
        """See WhisperSettings.fingerprint."""
        return self.settings.fingerprint()

    def prepare(self) -> None:
        """Load the model now. Raises ModelMissingError or SettingsError."""
        self._listener()

    def hear(
        self,
        samples: Any,
        *,
        speaker: str = "",
        language: str | None = None,
        on_progress: Callable[[float, float], None] | None = None,
    ) -> Heard:
        """Words of one stream of samples: float32, mono, 16 kHz, shape (n,). Silence and mere noise give no words.

        `language` overrides the setting. `on_progress` gets seconds done and seconds in all.
        """
        duration = len(samples) / SAMPLE_RATE
        silent = Heard(speaker=speaker, words=(), duration_s=duration, model=self._name())
        if duration < 0.1 or max(float(samples.max()), -float(samples.min())) < 1e-4:
            return silent
        segments, info = self._transcribe(samples, language or self.settings.language)
        if info.duration_after_vad <= 0:
            return silent
        raw = []
        for segment in segments:
            if on_progress is not None:
                on_progress(min(float(segment.end), duration), duration)
            if not (segment.no_speech_prob > NO_SPEECH and segment.avg_logprob < LOG_PROBABILITY):
                raw += [word for word in segment.words or () if word.word.strip()]
        if on_progress is not None:
            on_progress(duration, duration)
        times = settle([(float(word.start), float(word.end)) for word in raw], duration)
        words = tuple(
            HeardWord(text=word.word, start_s=start, end_s=end, probability=float(word.probability))
            for word, (start, end) in zip(raw, times, strict=True)
        )
        return silent.model_copy(
            update={
                "words": words,
                "language": str(info.language) if words else None,
                "language_probability": float(info.language_probability) if words else None,
            }
        )

    def _name(self) -> str:
        return f"whisper {weights.identity(self.settings.model)} {self.settings.compute_type} {self.settings.mode}"

    def _transcribe(self, samples: np.ndarray, language: str | None) -> tuple[Iterable[Any], Any]:
        settings = self.settings
        how: dict[str, Any] = {
            "language": language,
            "beam_size": settings.beam_size,
            "temperature": 0.0,
            "condition_on_previous_text": False,
            "word_timestamps": True,
            "vad_filter": True,
            "hotwords": ", ".join(settings.glossary) or None,
        }
        listener = self._listener()
        if settings.mode == "batched":
            how["batch_size"] = settings.batch_size
        try:
            segments, info = listener.transcribe(samples, **how)
        except ValueError as fault:
            raise SettingsError(
                f"The speech model refuses its settings: {fault}", next_step="Check language and compute_type."
            ) from fault
        return segments, info

    def _listener(self) -> Any:
        """The loaded model, behind the batching pipeline where that is asked for."""
        if self._loaded is None:
            folder = weights.locate(self.settings.model, allow_download=self.settings.allow_download)
            from faster_whisper import BatchedInferencePipeline, WhisperModel

            try:
                model = WhisperModel(
                    str(folder),
                    device=self.settings.device,
                    compute_type=self.settings.compute_type,
                    cpu_threads=self.settings.cpu_threads,
                    local_files_only=True,
                )
            except ValueError as fault:
                raise SettingsError(
                    f"The speech model cannot run like this: {fault}", next_step="Use compute_type = 'int8' on a CPU."
                ) from fault
            except RuntimeError as fault:
                raise ModelMissingError(
                    f"The speech model in {folder} cannot be loaded: {fault}", next_step=weights.INSTALL
                ) from fault
            self._loaded = BatchedInferencePipeline(model) if self.settings.mode == "batched" else model
        return self._loaded


def settle(times: list[tuple[float, float]], duration: float) -> list[tuple[float, float]]:
    """Word times that lie inside [0, duration], follow one another without overlap, and are never empty.

    Starts are trusted more than ends: Whisper stretches a word over the pause behind it. Where words crowd at one
    place they are given 20 ms each, or less when the recording has no room for that.
    """
    least = min(MIN_WORD_S, duration / max(1, len(times)))
    settled: list[tuple[float, float]] = []
    clock = 0.0
    for index, (start, end) in enumerate(times):
        start = max(clock, min(start, duration))
        following = times[index + 1][0] if index + 1 < len(times) else duration
        if following > start:
            end = min(end, following)
        clock = max(end, start + least)
        settled.append((start, clock))
    limit = duration
    for index in range(len(settled) - 1, -1, -1):
        start, end = settled[index]
        if end <= limit:
            break
        settled[index] = (max(0.0, min(start, limit - least)), limit)
        limit = settled[index][0]
    return settled
