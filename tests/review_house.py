"""A workspace with invented interviews for the tests of the review page: no recogniser, the real pipeline behind it."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.adapters.store import people
from pipeline.ingest import Intake
from pipeline.lines import utterances
from pipeline.listen import Listener, Said
from pipeline.records import (
    Chunk,
    Draft,
    Extraction,
    Heard,
    HeardWord,
    Interview,
    Line,
    Place,
    ProbeDraft,
    Recording,
    Role,
)
from pipeline.rubric import Rubric
from pipeline.runner import Runner
from pipeline.settings import load_settings
from pipeline.workspace import Workspace

EXAMPLES = Path(__file__).parent.parent / "examples"
Turn = tuple[str, str, float, float]  # speaker, text, start_s, end_s
ROLES: dict[str, Role] = {"left": "interviewer", "right": "candidate"}


class Quiet:
    """A watcher that keeps silent."""

    def stage(self, interview_id: str, stage: str, done: float, total: float) -> None:
        pass

    def ended(self, ending: Any) -> None:
        assert ending.state != "failed", ending


class Scripted(Listener):
    """Hears what a script says, at the script's times."""

    def __init__(self, workspace: Workspace, scripts: dict[str, list[Turn]]) -> None:
        super().__init__(workspace, Deaf(), language=None, max_hours=6)
        self.scripts = scripts

    def listen(self, interview: Interview, files: Sequence[Recording], progress: Callable[..., None]) -> Said:
        turns = self.scripts[interview.interview_id]
        end = max(t[3] for t in turns)
        seen = [f.model_copy(update={"duration_s": end, "channels": 2 if len(files) == 1 else 1}) for f in files]
        said = [u for turn in turns for u in utterances(_heard(turn))]
        return Said(
            recordings=tuple(seen),
            utterances=tuple(said),
            places=_places([t[0] for t in turns], seen),
            source="script",
            language="en",
            duration_s=end,
            flags=(),
        )


def _heard(turn: Turn) -> Heard:
    speaker, text, start, end = turn
    tokens = text.split(" ")
    step = (end - start) / len(tokens)
    words = [
        HeardWord(text=f" {t}" if i else t, start_s=round(start + i * step, 3), end_s=round(start + (i + 1) * step, 3))
        for i, t in enumerate(tokens)
    ]
    return Heard(speaker=speaker, words=tuple(words))


def _places(speakers: Sequence[str], seen: Sequence[Recording]) -> dict[str, Place]:
    by_path = {r.path: r.recording_id for r in seen}
    if len(seen) == 1:
        channels = {"left": 0, "right": 1}
        return {s: Place(recording_id=seen[0].recording_id, channel=channels.get(s)) for s in speakers}
    return {s: Place(recording_id=by_path.get(s)) for s in speakers}


class Deaf:
    def fingerprint(self) -> str:
        return "script"

    def prepare(self) -> None:
        """Nothing to load."""

    def hear(self, samples: object, *, speaker: str, on_progress: Any = None) -> Heard:
        raise AssertionError("nothing is to be heard")


Point = tuple[str, int, int, int | None]  # signal, first line, last line, prompted by


class Pointing:
    """Points where it is told to: for each interview, points and probes (pillar, line)."""

    name = "scripted"
    model = "by-hand"

    def __init__(self, told: Callable[[str, Sequence[Line]], tuple[list[Point], list[tuple[str, int]]]]) -> None:
        self.told = told

    def fingerprint(self, rubric: Rubric) -> str:
        return "by-hand"

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        def holder(first: int, last: int) -> int:
            return next(c.chunk for c in chunks if c.first_line <= first and last <= c.last_line)

        points, probes = self.told(interview_id, lines)
        drafts = [
            Draft(
                chunk=holder(min(f, p or f), la), pillar=rubric.pillar_of[s], signal=s, first=f, last=la, prompted_by=p
            )
            for s, f, la, p in points
        ]
        asked = [ProbeDraft(chunk=holder(n, n), pillar=p, line=n) for p, n in probes]
        return Extraction(
            extractor=self.name, model=self.model, prompt_hash="p", drafts=tuple(drafts), probes=tuple(asked)
        )


def _timing(name: str) -> list[dict[str, Any]]:
    text = (EXAMPLES / "scripts" / f"{name}.timing.json").read_text(encoding="utf-8")
    return list(json.loads(text)["turns"])


def as_scripted(name: str, lines: Sequence[Line]) -> tuple[list[Point], list[tuple[str, int]]]:
    """What the demo's script says a turn shows and asks for, on the lines that were cut."""
    points: list[Point] = []
    probes: list[tuple[str, int]] = []
    within = {
        t["turn"]: [n.line for n in lines if t["start_s"] - 0.01 <= n.start_s < t["end_s"]] for t in _timing(name)
    }
    for turn in _timing(name):
        own = within[turn["turn"]]
        asked = within[turn["prompted_by"]][-1] if turn["prompted_by"] is not None else None
        points += [(shown["signal"], own[0], own[:2][-1], asked) for shown in turn["shows"]]
        probes += [(pillar, own[-1]) for pillar in turn["probes"]]
    return points, probes


def example_turns(name: str, speakers: dict[str, str]) -> list[Turn]:
    """The turns of a demo interview with their real times."""
    return [(speakers[t["role"]], t["text"], t["start_s"], t["end_s"]) for t in _timing(name)]


def entry(name: str, candidate: str, interviewers: Sequence[str], folder: Path, **more: Any) -> Interview:
    fields: dict[str, Any] = {
        "interview_id": name,
        "candidate_id": candidate,
        "role_profile": "senior-backend",
        "interviewers": tuple(interviewers),
        "roles": ROLES,
        "roles_source": "manifest",
        "consent": True,
        "folder": str(folder),
        "format": "live-coding",
    }
    return Interview(**{**fields, **more})


def run(
    workspace: Workspace, entries: Sequence[Interview], scripts: dict[str, list[Turn]], extractor: Any = None
) -> None:
    """Take the interviews through the real pipeline."""
    runner = Runner(
        workspace, load_settings(workspace.folder), transcriber=Deaf(), extractor=extractor or Pointing(as_scripted)
    )
    runner.listener = Scripted(workspace, scripts)
    with ThreadPoolExecutor(1) as pool:  # a browser test keeps an event loop in the main thread
        pool.submit(runner.run, Intake(interviews=tuple(entries)), Quiet()).result()


def demo_house(folder: Path) -> Workspace:
    """Two demo interviews with sound: i-001 with c-001 in stereo, i-002 with c-002 on two tracks."""
    workspace = Workspace.create(folder / "ws")
    sound = folder / "sound"
    (sound / "i-002").mkdir(parents=True, exist_ok=True)
    for name in ("i-001.ogg", "i-002/arun.ogg", "i-002/tom.ogg"):
        shutil.copy(EXAMPLES / name, sound / name)
    tracks = {"interviewer": "i-002/arun.ogg", "candidate": "i-002/tom.ogg"}
    entries = [
        entry("i-001", "c-001", ["iv-1"], sound, recordings=("i-001.ogg",)),
        entry(
            "i-002",
            "c-002",
            ["iv-2"],
            sound,
            recordings=tuple(tracks.values()),
            roles={tracks["interviewer"]: "interviewer", tracks["candidate"]: "candidate"},
            format="system-design",
        ),
    ]
    scripts = {
        "i-001": example_turns("i-001", {"interviewer": "left", "candidate": "right"}),
        "i-002": example_turns("i-002", tracks),
    }
    run(workspace, entries, scripts)
    return workspace


def long_turns(lines: int = 640) -> list[Turn]:
    """An hour of talk: turns of one question and several sentences of an answer."""
    turns: list[Turn] = []
    clock, number = 0.0, 0
    while number < lines:
        turns.append(
            ("left", f"Question {number} about how you would test this part of the code, please?", clock, clock + 5)
        )
        answer = " ".join(
            f"Answer {number + k} says that I first wrote a small test and then ran it again." for k in range(1, 8)
        )
        turns.append(("right", answer, clock + 5, clock + 45))
        clock, number = clock + 45, number + 8
    return turns


class Serving(NamedTuple):
    """A server under test."""

    url: str
    port: int
    workspace: Workspace
    app: Any

    def link(self, reviewer: str, name: str, role: str = "interviewer") -> str:
        """A fresh one-time link."""
        with self.workspace.store().session() as db:
            return f"{self.url}/enter/{people.add_reviewer(db, reviewer, name, role)}"


@contextmanager
def serving(workspace: Workspace) -> Iterator[Serving]:
    """The real server on a free loopback port, in a thread."""
    import socket

    import uvicorn

    from pipeline.web.app import create_app

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(workspace, port=port)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(500):
        if server.started:
            break
        time.sleep(0.02)
    try:
        yield Serving(f"http://127.0.0.1:{port}", port, workspace, app)
    finally:
        server.should_exit = True
        thread.join(10)
