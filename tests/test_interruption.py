"""Killed, interrupted, out of disk: what was finished stays, nothing is done twice, the end is that of a quiet run."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from endpoint import Endpoint, chat
from workshop import ROLES, TALK, Bench, Cues, entry, recording, tables, transcript

from pipeline.errors import StoreError
from pipeline.prompting import load_rubric
from pipeline.workspace import Workspace, write_private

ROOT = Path(__file__).parent.parent
TESTS = Path(__file__).parent
KILLS = 30
PACE_S = 0.05
SIGNALS = {
    p.title: next(s.id for s in p.signals if s.polarity == "strong") for p in load_rubric("senior-backend").pillars
}


def answer(body: dict[str, Any], _n: int) -> Any:
    """The candidate's first line shows the pillar's first strong signal; the interviewer's first line asks."""
    shown, asked = body["messages"][1]["content"].rsplit("Pillar and its signals:\n", 1)
    signal_id = next(name for title, name in SIGNALS.items() if asked.startswith(title))
    marks = [
        line.split(" ") for line in shown.splitlines() if len(line.split(" ")) > 3 and line.split(" ")[0].isdigit()
    ]
    said = [n for n, mark, *_ in marks if mark == "C"][:1]
    probes = [int(n) for n, mark, *_ in marks if mark == "I"][:1]
    text = json.dumps({"evidence": [f"{n} {signal_id}" for n in said], "probes": probes})
    return chat(text, usage={"prompt_tokens": 100, "completion_tokens": 10}, delay_s=0.01)


def fill(inbox: Path) -> None:
    """Five interviews: transcripts, two channels, tracks, a mix beside a transcript."""
    inbox.mkdir()
    stereo = 'roles = { left = "interviewer", right = "candidate" }\n'
    entries = []
    for n in range(2):
        transcript(inbox / f"t{n}.vtt", [*TALK, ("Olu", f"That was interview {n}.")])
        entries.append(entry(f"t{n}", transcript=f'"t{n}.vtt"') + ROLES)
    recording(inbox / "s.wav", 2, 3)
    entries.append(entry("stereo", recordings='["s.wav"]') + stereo)
    recording(inbox / "a.wav", 6)
    recording(inbox / "b.wav", 7)
    tracks = 'roles = { "a.wav" = "interviewer", "b.wav" = "candidate" }\n'
    entries.append(entry("tracks", recordings='["a.wav", "b.wav"]') + tracks)
    recording(inbox / "m.wav", 8)
    (inbox / "m.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:00.300\nInes: x\n\n00:00.300 --> 00:01.000\nOlu: y\n")
    entries.append(entry("mixed", recordings='["m.wav"]', transcript='"m.vtt"') + ROLES)
    (inbox / "manifest.toml").write_text("\n".join(entries))


class Nursery:
    """Starts runs in forked processes and kills them."""

    def __init__(self, inbox: Path, url: str) -> None:
        self.inbox, self.url = inbox, url
        command = [sys.executable, str(TESTS / "killed_run.py")]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{TESTS}"}
        self.parent = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, folder: Path, kill_after_s: float | None = None) -> tuple[int, float]:
        """(status, seconds) of one run; killed after so many seconds unless it ended before."""
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        told = {"folder": str(folder), "inbox": str(self.inbox), "url": self.url, "heard": str(folder / "heard")}
        started = time.monotonic()
        self.parent.stdin.write(json.dumps({**told, "pace_s": PACE_S, "kill_after_s": kill_after_s}) + "\n")
        self.parent.stdin.flush()
        return int(self.parent.stdout.readline()), time.monotonic() - started

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.parent.communicate()


def heard_before(workspace: Path) -> set[str]:
    """The voices that are on disk as heard, by the word that names each."""
    found = set()
    for path in (workspace / "asr").glob("*.json"):
        words = json.loads(path.read_text())["content"].get("words", [])
        found |= {words[0]["text"].strip()} if words else set()
    return found


def answered_before(workspace: Path) -> set[str]:
    """The requests whose raw answer is on disk."""
    files = [p for p in (workspace / "llm").glob("*.json") if not p.name.startswith("endpoint-")]
    kept = [json.loads(path.read_text()) for path in files]
    return {json.dumps(k["request"]["messages"]) for k in kept if k["raw"] is not None}


@pytest.mark.slow
def test_killed_at_thirty_moments_and_run_again_the_tables_are_those_of_an_unbroken_run(tmp_path: Path):
    inbox = tmp_path / "inbox"
    fill(inbox)
    moments = random.Random()
    with Endpoint(answer) as server, Nursery(inbox, server.url) as nursery:
        status, _ = nursery.run(tmp_path / "unbroken")
        assert status == 0
        status, seconds = nursery.run(tmp_path / "measured")
        assert status == 0
        expected = tables(Workspace(tmp_path / "unbroken" / "ws").store())
        assert tables(Workspace(tmp_path / "measured" / "ws").store()) == expected
        assert len(expected["evidence"]) == 20
        calls = len(expected["llm_calls"])
        kills, numbers = 0, count()
        while kills < KILLS:
            folder = tmp_path / f"killed-{next(numbers)}"
            folder.mkdir()
            (folder / "heard").touch()
            for attempt in range(7):
                heard, answered = heard_before(folder / "ws"), answered_before(folder / "ws")
                log, received = len((folder / "heard").read_text().split()), len(server.received)
                last = attempt == 6
                status, _ = nursery.run(folder, None if last else moments.uniform(0, seconds * 0.7))
                assert status in (0, signal.SIGKILL)
                kills += status == signal.SIGKILL
                again = set((folder / "heard").read_text().split()[log:]) & heard
                assert not again, f"heard again: {again}"
                asked = {json.dumps(body["messages"]) for body in server.received[received:]}
                assert not asked & answered, "an answer on disk was asked for again"
                if status == 0:
                    break
                _nothing_is_half_done(Workspace(folder / "ws"))
            workspace = Workspace(folder / "ws")
            assert tables(workspace.store()) == expected
            assert not list(workspace.folder.rglob(".writing-*"))
            assert len(expected["llm_calls"]) == calls


def _nothing_is_half_done(workspace: Workspace) -> None:
    if not workspace.database.exists():
        return
    with workspace.store().session() as db:
        for row in db.rows("SELECT interview_id, state, transcript_hash FROM interviews"):
            name = [row["interview_id"]]
            counts = {
                table: db.value(f"SELECT count(*) FROM {table} WHERE interview_id = ?", name)
                for table in ("coverage", "speakers", "recordings", "stage_runs")
            }
            if row["state"] == "done":
                assert counts["coverage"] == 4, (row, counts)
                assert min(counts.values()) > 0, (row, counts)
            else:
                assert row["state"] == "pending", row
                assert max(counts.values()) == 0, (row, counts)


# --- Ctrl-C and SIGTERM, through the command line


def many(folder: Path, count: int) -> Path:
    inbox = folder / "inbox"
    inbox.mkdir()
    entries = []
    for n in range(count):
        transcript(inbox / f"t{n:02d}.vtt", [*TALK, ("Olu", f"That was interview {n}.")])
        entries.append(entry(f"t{n:02d}", transcript=f'"t{n:02d}.vtt"') + ROLES)
    (inbox / "manifest.toml").write_text("\n".join(entries))
    return inbox


def command(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "cli.py", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interruption_exits_130_names_the_next_command_and_is_resumable(tmp_path: Path, how: signal.Signals):
    inbox, folder = many(tmp_path, 3), tmp_path / "ws"
    Workspace.create(folder)
    quick = Event()

    def slow(body: dict[str, Any], n: int) -> Any:
        reply = answer(body, n)
        reply.delay_s = 0.0 if quick.is_set() or n < 4 else 20.0  # the first interview is answered, the others wait
        return reply

    with Endpoint(slow) as server:
        (folder / "verbatim.toml").write_text(
            f'[llm]\nmodel = "scripted-1"\nbase_url = "{server.url}"\npreflight = false\nconcurrency = 1\n'
        )
        batch = command("run", inbox, "-w", folder)
        assert batch.stderr is not None
        for line in batch.stderr:
            if "done in" in line:
                break
        batch.send_signal(how)
        _, told = batch.communicate(timeout=30)
        assert batch.returncode == 130, told
        assert "Traceback" not in told
        assert f"verbatim run -w {folder}" in told
        quick.set()
        with Workspace(folder).store().session() as db:
            states = {row["interview_id"]: row["state"] for row in db.rows("SELECT * FROM interviews")}
            before = db.rows("SELECT * FROM evidence ORDER BY ALL")
        assert sorted(states.values()) == ["done", "pending", "pending"]
        again = command("run", "-w", folder)
        _, told = again.communicate(timeout=60)
        assert again.returncode == 0, told
        assert "2 done, 1 unchanged" in told
        with Workspace(folder).store().session() as db:
            after = db.rows("SELECT * FROM evidence ORDER BY ALL")
    assert before
    assert all(row in after for row in before)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interruption_before_anything_began_exits_130(tmp_path: Path, how: signal.Signals):
    code = f"""
import os, sys
import cli
import pipeline.workspace
sys.argv = ["verbatim", "run", "-w", {str(tmp_path)!r}]
pipeline.workspace.Workspace.open = classmethod(lambda *_: os.kill(os.getpid(), {int(how)}))
cli.main()
"""
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert out.returncode == 130, out.stderr
    assert "Traceback" not in out.stderr


# --- A full disk, played by a limit on file size


FULL = """
import resource, sys
from pathlib import Path
import cli
from pipeline.adapters.store.connection import Store
from pipeline.workspace import Workspace
with Workspace(Path(sys.argv[2])).store().session():
    pass
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv = ["verbatim", "run", sys.argv[3], "-w", sys.argv[2]]
cli.main()
"""


def test_a_full_disk_is_one_named_error_and_the_next_run_goes_on(tmp_path: Path):
    inbox, folder = many(tmp_path, 2), tmp_path / "ws"
    Workspace.create(folder)
    out = subprocess.run(
        [sys.executable, "-c", FULL, "8192", str(folder), str(inbox)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode in (2, 3), out.stderr
    assert "Traceback" not in out.stderr
    assert "File too large" in out.stderr
    assert "free s" in out.stderr or "verbatim run" in out.stderr
    again = command("run", inbox, "-w", folder)
    _, told = again.communicate(timeout=60)
    assert again.returncode == 0, told
    assert "2 done" in told


def test_a_cache_file_that_cannot_be_written_fails_its_interview_by_name_and_leaves_no_scrap(tmp_path: Path):
    bench = Bench(tmp_path)
    recording(bench.inbox / "s.wav", 1, 2)
    transcript(bench.inbox / "t.vtt")
    stereo = 'roles = { left = "interviewer", right = "candidate" }\n'
    manifest = bench.manifest(entry("i-1", recordings='["s.wav"]') + stereo, entry("i-2", transcript='"t.vtt"') + ROLES)
    bench.workspace.asr.rmdir()
    bench.workspace.asr.write_text("in the way")
    ended = bench.run(manifest, extractor=Cues())
    assert (ended["i-1"].state, ended["i-2"].state) == ("failed", "done")
    assert "unexpected" not in (ended["i-1"].reason or "")
    bench.workspace.asr.unlink()
    bench.workspace.asr.mkdir(mode=0o700)
    assert bench.run()["i-1"].state == "done"


def test_writing_is_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "x.json"
    write_private(path, b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(StoreError, match="File too large"):
            write_private(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
    assert path.stat().st_mode & 0o077 == 0


def test_what_a_killed_program_was_writing_is_swept_and_a_living_ones_is_not(tmp_path: Path):
    workspace = Workspace.create(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (workspace.asr / f".writing-{gone.pid}-abc").write_text("words of a candidate")
    living = workspace.llm / f".writing-{os.getpid()}-abc"
    living.write_text("x")
    workspace.sweep()
    assert not list(workspace.asr.iterdir())
    assert living.exists()
