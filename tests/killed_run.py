"""Runs workspaces in forked processes, as told on standard input: a start costs a fork, not a second of imports.

Each line is JSON: {"folder", "inbox", "url", "heard", "pace_s", "kill_after_s"}. Answers how the process ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import wave
from pathlib import Path
from typing import Any

import anyio
import duckdb
import filelock
import numpy as np
import openai
from workshop import Bench, Ears

from pipeline import listen
from pipeline.adapters.llm import open_llm

PRELOADED = (anyio, duckdb, filelock, openai, open_llm)


class Samples:
    """A WAV read here instead of in a jailed child: decoding is not what is killed in this test, and it is slow."""

    def __init__(self, path: Path) -> None:
        with wave.open(str(path)) as sound:
            self.channels = sound.getnchannels()
            self.samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16).reshape(-1, self.channels)
        self.duration_s = len(self.samples) / 16_000
        self.flags = ()

    def channel(self, index: int) -> np.ndarray:
        return self.samples[:, index].astype(np.float32) / 32768

    def mono(self) -> np.ndarray:
        return self.samples.mean(axis=1, dtype=np.float32) / 32768

    def close(self) -> None:
        pass


def run(told: dict[str, Any]) -> None:
    listen.media.decode = lambda path, **_: Samples(path)  # type: ignore[assignment]
    listen.media.channels_differ = lambda decoded: decoded.channels == 2  # type: ignore[assignment]
    llm = {"model": "scripted-1", "base_url": told["url"], "preflight": False, "concurrency": 2}
    bench = Bench(Path(told["folder"]), inbox=Path(told["inbox"]), llm=llm)
    bench.ears = Ears(pace_s=told["pace_s"], log=Path(told["heard"]))
    bench.run(bench.inbox, extractor=None)


def main() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        process = os.fork()
        if process == 0:
            code = 1
            try:
                run(told)
                code = 0
            finally:
                os._exit(code)
        if told["kill_after_s"] is not None:
            time.sleep(told["kill_after_s"])
            os.kill(process, signal.SIGKILL)  # it was not waited for, so the number is still its own
        print(os.waitpid(process, 0)[1], flush=True)


if __name__ == "__main__":
    main()
