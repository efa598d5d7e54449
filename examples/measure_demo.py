"""Measure how well Whisper understands the demo: `python examples/measure_demo.py FOLDER_WITH_WHISPER_BASE`.

Every channel or track is transcribed on its own, int8 on the CPU, once in sequence and once batched, and compared with
the script: word error rate after taking out case, punctuation and digits, words heard where this speaker is silent, and
how far the first word of each turn is from its true start. Needs the extra `eval` (jiwer).
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NUMBERS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"""
WAYS: dict[str, dict[str, Any]] = {"sequential": {"vad_filter": True}, "batched": {"batch_size": 8}}


def in_words(number: int) -> str:
    """Return a number below a thousand as it is spoken: 309 is `three hundred nine`."""
    names = NUMBERS.split()
    if number < 20:
        return names[number]
    if number < 100:
        head, rest = names[number // 10 + 18], number % 10
    else:
        head, rest = f"{names[number // 100]} hundred", number % 100
    return f"{head} {in_words(rest)}" if rest else head


def plain(text: str) -> str:
    """Return `text` in small letters, numbers in words, without punctuation."""
    text = re.sub(r"\d{1,3}", lambda found: f" {in_words(int(found.group()))} ", text.lower().replace("’", "'"))
    return " ".join(re.sub(r"[^a-z' ]", " ", text).split())


def tracks(timing: dict[str, Any]) -> list[tuple[str, Path, int]]:
    """Return (speaker, audio file, channel) for every speaker of one interview."""
    speakers = list(dict.fromkeys(turn["speaker"] for turn in timing["turns"]))
    stereo = HERE / f"{timing['interview_id']}.ogg"
    if stereo.exists():
        return [(speaker, stereo, channel) for channel, speaker in enumerate(speakers)]
    return [(speaker, HERE / timing["interview_id"] / f"{speaker}.ogg", 0) for speaker in speakers]


def measure(timing: dict[str, Any], model: Any, batched: Any, show: bool) -> None:
    """Transcribe each speaker of one interview in both ways and print one line a way."""
    import jiwer
    from faster_whisper import decode_audio

    for speaker, path, channel in tracks(timing):
        both = decode_audio(str(path), split_stereo=True)
        sound = both[channel]
        own = [turn for turn in timing["turns"] if turn["speaker"] == speaker]
        truth = plain(" ".join(turn["text"] for turn in own))
        for way, runner in (("sequential", model), ("batched", batched)):
            began = time.perf_counter()
            segments, _ = runner.transcribe(sound, language="en", word_timestamps=True, **WAYS[way])
            words = [word for segment in segments for word in segment.words]
            took = time.perf_counter() - began
            heard = plain("".join(word.word for word in words))
            late = [min(abs(word.start - turn["start_s"]) for word in words) for turn in own]
            middles = [(word.start + word.end) / 2 for word in words]
            stray = sum(not any(turn["start_s"] - 0.5 < at < turn["end_s"] + 0.5 for turn in own) for at in middles)
            print(
                f"{timing['interview_id']} {speaker:7} {way:10} words {len(truth.split()):4}"
                f"  WER {jiwer.wer(truth, heard):6.1%}  elsewhere {stray}"
                f"  turn start off by {sorted(late)[len(late) // 2]:.2f} s (median), {max(late):.2f} s (most)"
                f"  {took:.1f} s for {len(sound) / 16_000:.0f} s"
            )
            if show:
                print(jiwer.visualize_alignment(jiwer.process_words(truth, heard), show_measures=False))


def main(folder: str, show: bool) -> None:
    """Measure both interviews with the Whisper model in `folder`; `show` prints the aligned words too."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    model = WhisperModel(folder, device="cpu", compute_type="int8")
    batched = BatchedInferencePipeline(model)
    for path in sorted((HERE / "scripts").glob("*.timing.json")):
        measure(json.loads(path.read_text(encoding="utf-8")), model, batched, show)


if __name__ == "__main__":
    main(sys.argv[1], show="--show" in sys.argv[2:])
