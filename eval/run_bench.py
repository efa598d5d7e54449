"""What Verbatim costs beside plain faster-whisper: time and memory of whole runs, and what comes after the words.

    python -m eval.run_bench                  # everything, three rounds of whole runs
    python -m eval.run_bench --rounds 5       # more rounds
    python -m eval.run_bench --quick          # without whole runs

Plain and ours hear the same recordings with the same weights and settings, each in a process of its own, in turn; the
ratio is taken within a round, so that a busy machine slows both. Times are wall and processor seconds, memory is the
largest sum over the process and its children, sampled. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.records import Line, Role
    from pipeline.rubric import Rubric

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SAMPLE_S = 0.05
MB = 1 << 20

PLAIN = """
import json, sys
from faster_whisper import BatchedInferencePipeline, WhisperModel, decode_audio
model = BatchedInferencePipeline(WhisperModel(sys.argv[1], device="cpu", compute_type="int8", local_files_only=True))
words = 0
for path, stereo in json.loads(sys.argv[2]):
    decoded = decode_audio(path, split_stereo=stereo)
    for samples in decoded if stereo else [decoded]:
        segments, _ = model.transcribe(
            samples, beam_size=5, temperature=0.0, condition_on_previous_text=False, word_timestamps=True,
            vad_filter=True, batch_size=8,
        )
        words += sum(len(segment.words) for segment in segments)
print(words)
"""


class Cost(NamedTuple):
    """One process with its children: wall seconds, processor seconds, largest memory in bytes."""

    wall_s: float
    busy_s: float
    peak: int


def measure(command: Sequence[str]) -> Cost:
    """Run a command to its end, with Python's bytecode kept as usual. RuntimeError with its output when it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    peak = [0]
    watch = threading.Thread(target=_watch, args=(process, peak))
    watch.start()
    told, _ = process.communicate()
    watch.join()
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        raise RuntimeError(told.decode(errors="replace"))
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak[0])


def _watch(process: subprocess.Popen[bytes], peak: list[int]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_resident(member) for member in _tree(process.pid)))
        time.sleep(SAMPLE_S)


def _tree(root: int) -> list[int]:
    """A process and all below it."""
    found = [root]
    for member in found:
        for task in Path(f"/proc/{member}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def _resident(process: int) -> int:
    """Its pages in memory; what parent and child share counts twice, to our disadvantage."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def whole_runs(rounds: int) -> str:
    """Plain faster-whisper and a whole run over the demo's recordings, in turn."""
    from pipeline.adapters.weights import locate

    plain = [sys.executable, "-c", PLAIN, str(locate("base")), json.dumps(_streams())]
    results: list[tuple[Cost, Cost]] = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            ours = [sys.executable, "cli.py", "run", str(EXAMPLES / "manifest.toml"), "-w", folder]
            Path(folder, "verbatim.toml").touch()
            pair = [measure(plain), measure(ours)] if number % 2 == 0 else [measure(ours), measure(plain)][::-1]
        results.append((pair[0], pair[1]))
        print(f"round {number + 1}: plain {pair[0]}, ours {pair[1]}", file=sys.stderr)
    rows = ["| round | plain, wall s | ours | ratio | plain, CPU s | ours | ratio | plain, MB | ours | more |"]
    rows.append("|---|---|---|---|---|---|---|---|---|---|")
    rows += [_row(str(n), p, o) for n, (p, o) in enumerate(results, 1)]
    rows.append(_row("median", *(Cost(*map(median, zip(*side, strict=True))) for side in zip(*results, strict=True))))
    return "\n".join(rows)


def _row(name: str, plain: Cost, ours: Cost) -> str:
    return (
        f"| {name} | {plain.wall_s:.1f} | {ours.wall_s:.1f} | {ours.wall_s / plain.wall_s:.2f} "
        f"| {plain.busy_s:.1f} | {ours.busy_s:.1f} | {ours.busy_s / plain.busy_s:.2f} "
        f"| {plain.peak / MB:.0f} | {ours.peak / MB:.0f} | {(ours.peak - plain.peak) / MB:+.0f} |"
    )


def _streams() -> list[tuple[str, bool]]:
    """The demo's recordings, and whether each channel is a person."""
    return [(str(EXAMPLES / "i-001.ogg"), True), *((str(path), False) for path in sorted(EXAMPLES.glob("i-002/*.ogg")))]


def after_the_words() -> str:
    """Processor time of the stages behind the recogniser: an hour of talk, and a very long transcript."""
    from pipeline.adapters.offline import OfflineExtractor
    from pipeline.chunk import cut_chunks

    lines, roles, rubric = an_hour()
    chunks = cut_chunks(lines)
    rows = ["| what | bound | measured |", "|---|---|---|"]

    def extract(extractor: OfflineExtractor) -> Callable[[], object]:
        import anyio

        return lambda: anyio.run(extractor.extract, "i", lines, roles, chunks, rubric)

    warm = OfflineExtractor()
    extract(warm)()
    hours = lines[-1].end_s / 3600
    first = _best(lambda: extract(OfflineExtractor())(), 3) / hours
    rows.append(f"| offline extraction, an hour of talk ({len(lines)} lines), first interview | 1 s | {first:.2f} s |")
    rows.append(f"| the same, each further interview | 1 s | {_best(extract(warm), 5) / hours:.2f} s |")
    spans, quotes, words = _verification()
    rows.append(
        f"| verification, {quotes} pointers into {words:,} words | 1 ms each | {1000 * spans / quotes:.3f} ms each |"
    )
    return "\n".join(rows)


def an_hour() -> tuple[list[Line], dict[str, Role], Rubric]:
    """An hour of lines: the development interviews one after the other, with their roles and rubric."""
    from eval.dataset import load_split

    samples = load_split("dev")
    lines: list[Line] = []
    while not lines or lines[-1].end_s < 3600:
        for sample in samples:
            at_s, at, turn = (lines[-1].end_s, len(lines), lines[-1].turn) if lines else (0.0, 0, 0)
            lines += [
                n.model_copy(
                    update={
                        "line": at + n.line,
                        "turn": turn + n.turn,
                        "start_s": at_s + n.start_s,
                        "end_s": at_s + n.end_s,
                    }
                )
                for n in sample.lines
                if at_s + n.end_s <= 3605
            ]
            if lines[-1].end_s >= 3600:
                break
    return lines, samples[0].roles, samples[0].rubric


def _verification() -> tuple[float, int, int]:
    """(seconds, pointers, words): as many pointers as a generous model could give, a third of them wrong."""
    from pipeline.chunk import cut_chunks
    from pipeline.lines import assemble, cut_lines
    from pipeline.prompting import load_rubric
    from pipeline.records import Draft, Extraction, HeardWord, Utterance
    from pipeline.verify import verify

    said, clock = [], 0.0
    for n in range(2500):
        text = "Where did you look first and why was it slow? " * 4
        tokens = text.split()
        words = tuple(
            HeardWord(text=f" {w}" if i else w, start_s=clock + i * 0.3, end_s=clock + i * 0.3 + 0.2)
            for i, w in enumerate(tokens)
        )
        said.append(Utterance(speaker="left" if n % 2 else "right", text=" ".join(tokens), words=words))
        clock += 0.3 * len(tokens)
    transcript = assemble("i", said, source="bench", duration_s=clock)
    lines, rubric = cut_lines(transcript), load_rubric("senior-backend")
    chunks = cut_chunks(lines)
    roles: dict[str, Role] = {"left": "interviewer", "right": "candidate"}
    signals = list(rubric.pillar_of.items())
    drafts = []
    for chunk in chunks:
        for line in range(chunk.first_line, chunk.last_line + 1):
            signal, pillar = signals[line % len(signals)]
            drafts.append(
                Draft(
                    chunk=chunk.chunk, pillar=pillar, signal=signal, first=line, last=line + line % 3, prompted_by=None
                )
            )
    found = Extraction(extractor="bench", model="m", prompt_hash="p", drafts=tuple(drafts))
    took = _best(lambda: verify(transcript.transcript_hash, lines, roles, chunks, rubric, found), 3)
    return took, len(drafts), len(transcript.words)


def _best(work: Callable[[], object], times: int) -> float:
    """The least processor time of several goes."""
    taken = []
    for _ in range(times):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3, help="whole runs of each side")
    options.add_argument("--quick", action="store_true", help="leave whole runs out")
    given = options.parse_args()
    load = ", ".join(f"{n:.1f}" for n in os.getloadavg())
    versions = ", ".join(f"{name} {version(name)}" for name in ("faster-whisper", "ctranslate2", "duckdb"))
    print(f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores, load before: {load}.\n")
    if not given.quick:
        print(whole_runs(given.rounds), end="\n\n")
        print(f"Load after: {', '.join(f'{n:.1f}' for n in os.getloadavg())}.\n")
    print(after_the_words())


if __name__ == "__main__":
    main()
