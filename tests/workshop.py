"""A workspace on a bench: small recordings and transcripts, ears that need no model, and what the tables hold."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sounds import wav

from pipeline.adapters.store.connection import Store
from pipeline.ingest import Intake, take_in
from pipeline.records import Chunk, Draft, Extraction, Heard, HeardWord, Line, ProbeDraft, Role
from pipeline.rubric import Rubric
from pipeline.runner import Runner
from pipeline.settings import Settings, load_settings
from pipeline.worklist import Ending
from pipeline.workspace import Workspace

TALK = (
    ("Ines", "The export job fails in production. Where would you look first?"),
    ("Olu", "My guess is that the lock is held too long, so I change only the timeout and run the test again."),
    ("Ines", "And how would you roll that out?"),
    ("Olu", "Behind a flag, to one region first, and I add an alert on the error rate before that."),
    ("Ines", "Did you think about tests at all?"),
    ("Olu", "Honestly I find tests a waste of time."),
)
ROLES = 'roles = { "Ines" = "interviewer", "Olu" = "candidate" }\n'
VARYING = {"run_id", "created_at", "seconds", "mtime_ns"}
PER_RUN = ("runs", "journal", "schema_version")


class Ears:
    """A Transcriber that makes words of the samples' own numbers, after `pace_s` seconds a stream."""

    def __init__(self, pace_s: float = 0.0, log: Path | None = None) -> None:
        self.pace_s = pace_s
        self.log = log
        self.heard: list[str] = []
        self.fault: Exception | None = None

    def fingerprint(self) -> str:
        return "ears-1"

    def prepare(self) -> None:
        """Nothing to load."""

    def hear(self, samples: Any, *, speaker: str, on_progress: Callable[[float, float], None] | None = None) -> Heard:
        stream = voice_in(samples)
        self.heard.append(stream)
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{stream}\n")
        if self.fault is not None:
            raise self.fault
        for step in range(5):
            time.sleep(self.pace_s / 5)
            if on_progress is not None:
                on_progress(step, 5)
        text = " I run the test again and again. My guess is the lock." if stream != "v0" else ""
        words = [
            HeardWord(text=f" {word}", start_s=0.05 * i, end_s=0.05 * i + 0.04, probability=0.9)
            for i, word in enumerate([*([stream] if text else []), *text.split()])
        ]
        return Heard(speaker=speaker, words=tuple(words), language="en", duration_s=len(samples) / 16_000, model="ears")


def voice(number: int, seconds: float = 1.0) -> np.ndarray:
    """Sound that `voice_in` tells apart from other numbers; 0 is silence."""
    return np.full(int(seconds * 16_000), number * 256, dtype=np.int16)


def voice_in(samples: Any) -> str:
    """The number of a voice, as a word."""
    return f"v{round(float(samples[len(samples) // 2]) * 32768 / 256)}"


def recording(path: Path, *voices: int, seconds: float = 1.0) -> Path:
    """A WAV with one voice a channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return wav(path, np.stack([voice(number, seconds) for number in voices], axis=1))


def transcript(path: Path, turns: Sequence[tuple[str, str]] = TALK) -> Path:
    """A WebVTT file, six seconds a turn."""

    def clock(seconds: int) -> str:
        return f"{seconds // 60:02d}:{seconds % 60:02d}.000"

    cues = [f"{clock(6 * n)} --> {clock(6 * n + 5)}\n{who}: {text}\n" for n, (who, text) in enumerate(turns, 1)]
    path.write_text("WEBVTT\n\n" + "\n".join(cues), encoding="utf-8")
    return path


def entry(name: str, **fields: str) -> str:
    """One table of a manifest; `fields` are TOML values."""
    rows = {"interview_id": f'"{name}"', "candidate_id": f'"c-{name}"', "consent": "true", **fields}
    return "[[interviews]]\n" + "".join(f"{key} = {value}\n" for key, value in rows.items())


class Cues:
    """An Extractor of two words and a question mark: quick, and enough to see rows of every kind."""

    name = "cues"
    model = "two-words"
    signals = (("test", "execution_coding", "tests-own-code"), ("waste", "ownership_debugging", "no-test-interest"))

    def __init__(self) -> None:
        self.asked = 0

    def fingerprint(self, rubric: Rubric) -> str:
        return f"cues {rubric.hash}"

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        self.asked += 1
        drafts, probes = [], []
        for chunk in chunks:
            for line in lines[chunk.first_line - 1 : chunk.last_line]:
                where = {"chunk": chunk.chunk, "first": line.line, "last": line.line}
                drafts += [
                    Draft(pillar=pillar, signal=signal, **where)
                    for word, pillar, signal in self.signals
                    if word in line.text
                ]
                if line.text.endswith("?"):
                    probes.append(ProbeDraft(chunk=chunk.chunk, pillar="execution_coding", line=line.line))
        return Extraction(
            extractor=self.name, model=self.model, prompt_hash="p", drafts=tuple(drafts), probes=tuple(probes)
        )


class Silent:
    """A watcher that only remembers."""

    def __init__(self) -> None:
        self.endings: list[Ending] = []

    def stage(self, interview_id: str, stage: str, done: float, total: float) -> None:
        pass

    def ended(self, ending: Ending) -> None:
        self.endings.append(ending)


@cache
def _empty_database() -> bytes:
    """A migrated file; made once, because making it costs more than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.duckdb"
        with Store(path).session():
            pass
        return path.read_bytes()


class Bench:
    """A workspace with a folder of recordings beside it."""

    def __init__(self, folder: Path, *, inbox: Path | None = None, **flags: dict[str, Any]) -> None:
        self.workspace = Workspace.create(folder / "ws")
        if not self.workspace.database.exists():
            self.workspace.database.write_bytes(_empty_database())
        self.inbox = inbox or folder / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.settings: Settings = load_settings(self.workspace.folder, flags)
        self.ears = Ears()
        self.cues = Cues()

    def manifest(self, *entries: str) -> Path:
        path = self.inbox / "manifest.toml"
        path.write_text("\n".join(entries), encoding="utf-8")
        return path

    def runner(self, **more: Any) -> Runner:
        return Runner(self.workspace, self.settings, **{"transcriber": self.ears, "extractor": self.cues, **more})

    def run(
        self, path: Path | None = None, *, only: Sequence[str] = (), force: bool = False, **more: Any
    ) -> dict[str, Ending]:
        """Run the manifest (or `path`, or what is known) and give the endings by id."""
        intake = Intake()
        if path is not None:
            intake = take_in(path, default_profile="senior-backend", consent=True, duration_of=lambda _: None)
        endings = self.runner(**more).run(intake, Silent(), only=only, force=force)
        names = [ending.interview_id for ending in endings]
        assert len(set(names)) == len(names), names
        return {ending.interview_id: ending for ending in endings}

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.workspace.store().session() as db:
            return db.rows(query)

    def states(self) -> dict[str, str]:
        return {row["interview_id"]: row["state"] for row in self.rows("SELECT interview_id, state FROM interviews")}


def tables(store: Store, *, everything: bool = False) -> dict[str, list[str]]:
    """Every table's rows in a canonical order; unless `everything`, without what names a run or a moment."""
    found: dict[str, list[str]] = {}
    with store.session() as db:
        names = [r["table_name"] for r in db.rows("SELECT table_name FROM duckdb_tables() ORDER BY table_name")]
        for name in names:
            if name in PER_RUN and not everything:
                continue
            rows = [
                {key: value for key, value in row.items() if everything or key not in VARYING}
                for row in db.rows(f'SELECT * FROM "{name}"')
            ]
            found[name] = sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)
    return found
