"""Five reviewers at work while a batch writes: every action answered, none lost, how long each took.

Run: python -m eval.review_bench [--reviewers 5] [--actions 40] [--think 0.5] [--batch recordings]. The server and the
batch are processes of their own, on a workspace of made-up interviews. An action is what a click costs: a page, a
call, a play, a piece of sound, a look at an origin. Afterwards every confirmed write is looked for in the database.
The batch is `verbatim run --force`, again and again: "recordings" hears the demo's recordings with Whisper, which
keeps every core busy; "transcripts" imports interviews five at a time, which writes as densely as anything can.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pipeline.adapters.store import people
from pipeline.adapters.store.record import now
from pipeline.workspace import Workspace

PILLARS = ("execution_coding", "architecture_tradeoffs", "collaboration_communication", "ownership_debugging")
TALK = (
    "Let me write a test for that first and then run it again to see that it fails.",
    "I think the lock is the reason, so I take it out and run the same test fifty times.",
    "What happens when the queue is empty, and who notices that?",
    "I would start with one table and a job, because three engineers have to run it.",
    "Why did you put all of that in one place?",
    "It was the framework's fault anyway, that thing has been weird from the start.",
)


class Action(NamedTuple):
    """One request as a reviewer felt it."""

    what: str
    seconds: float
    status: int


class Person:
    """A reviewer's browser: one connection, one cookie, one form token."""

    def __init__(self, port: int, link: str) -> None:
        self.host = f"127.0.0.1:{port}"
        self.wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookie, self.token = "", ""
        self.actions: list[Action] = []
        answer, _ = self.send("sign in", "POST", "/enter", {"link": link})
        self.cookie = (answer.getheader("set-cookie") or "").split(";")[0]
        _, page = self.send("home", "GET", "/")
        self.token = re.findall(rb'name="token" value="(\w+)"', page)[0].decode()

    def send(
        self, what: str, method: str, path: str, form: dict[str, Any] | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Send, read the whole answer, note how long it took."""
        body = urlencode(form, doseq=True) if form is not None else None
        given = {"Cookie": self.cookie, "Origin": f"http://{self.host}", **headers}
        if body is not None:
            given["Content-Type"] = "application/x-www-form-urlencoded"
        started = time.perf_counter()
        self.wire.request(method, path, body, given)
        answer = self.wire.getresponse()
        content = answer.read()
        self.actions.append(Action(what, time.perf_counter() - started, answer.status))
        return answer, content


def workspace_of(folder: Path, interviews: int, minutes: int) -> Workspace:
    """Interviews of one candidate, run from transcripts with a sound file beside them."""
    workspace = Workspace.create(folder / "ws")
    source = folder / "in"
    source.mkdir()
    manifest = []
    for number in range(interviews):
        write_interview(source, f"r-{number:03d}", minutes, seed=number)
        manifest.append(entry(f"r-{number:03d}", f"c-{number % 2:03d}"))
    (source / "manifest.toml").write_text("\n".join(manifest), encoding="utf-8")
    run(workspace, source / "manifest.toml")
    return workspace


def entry(name: str, candidate: str) -> str:
    """One interview of a manifest."""
    return (
        f'[[interviews]]\ninterview_id = "{name}"\ncandidate_id = "{candidate}"\nconsent = true\n'
        f'interviewers = ["nobody"]\ntranscript = "{name}.json"\n'
        '[interviews.roles]\nleft = "interviewer"\nright = "candidate"\n'
    )


def write_interview(folder: Path, name: str, minutes: int, seed: int) -> None:
    """A transcript of short turns."""
    pick = random.Random(seed)  # noqa: S311 - made-up talk
    clock, segments = 0.0, list[dict[str, Any]]()
    while clock < minutes * 60:
        speaker = "left" if len(segments) % 3 == 0 else "right"
        text = " ".join(pick.sample(TALK, 1 if speaker == "left" else 3))
        segments.append({"start": clock, "end": clock + 12, "speaker": speaker, "text": text})
        clock += 12.5
    (folder / f"{name}.json").write_text(json.dumps({"segments": segments}), encoding="utf-8")


def run(workspace: Workspace, manifest: Path) -> None:
    """One batch in its own process."""
    words = [sys.executable, "-m", "cli", "run", str(manifest), "-w", str(workspace.folder), "--offline"]
    subprocess.run(words, check=True, capture_output=True)


def sound_for(workspace: Workspace) -> None:
    """Give the first interview a sound file, so that there is something to hear."""
    path = workspace.folder / "one.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 16_000 * 60))
    status = path.stat()
    row = {"recording_id": "r-sound", "path": path.name, "sha256": "0", "kind": "audio", "duration_s": 60.0}
    with workspace.store().session() as db:
        names = [r["interview_id"] for r in db.rows("SELECT interview_id FROM interviews")]
        more = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "channels": 1}
        db.insert("recordings", [{**row, **more, "interview_id": name} for name in names])
        db.execute("UPDATE interviews SET folder = ?", [str(workspace.folder)])


def work(
    person: Person, interview: str, actions: int, seed: int, confirmed: list[tuple[str, str]], think_s: float
) -> None:
    """What a reviewer does in a quarter of an hour, with `think_s` between two clicks on average."""
    pick = random.Random(seed)  # noqa: S311 - a made-up habit
    _, page = person.send("page", "GET", f"/interviews/{interview}")
    pieces = [name.decode() for name in re.findall(rb'id="(e-\w+)"', page)]
    for number in range(actions):
        pillar = PILLARS[number % 4]
        kind = pick.choices(("call", "play", "sound", "page", "origin", "lint", "home"), (10, 8, 6, 6, 4, 4, 2))[0]
        piece = pick.choice(pieces)
        time.sleep(pick.uniform(0.5, 1.5) * think_s)
        if kind == "call":
            text = f"Ran the failing test again before changing anything, {seed}-{number}"
            form = {"pillar": pillar, "step": 2, "level": pick.choice(("weak", "ok", "strong")), "rationale": text}
            form |= {"basis": "none_seen", "token": person.token}
            headers = {"HX-Request": "true"}
            answer, _ = person.send(kind, "POST", f"/interviews/{interview}/calls", form, **headers)
            if answer.status == 200:
                confirmed.append((interview, text))
        elif kind == "play":
            person.send(kind, "POST", f"/interviews/{interview}/plays", {"token": person.token, "evidence_id": piece})
        elif kind == "sound":
            start = pick.randrange(0, 1_500_000)
            person.send(kind, "GET", f"/interviews/{interview}/audio/r-sound", Range=f"bytes={start}-{start + 65535}")
        elif kind == "page":
            person.send(kind, "GET", f"/interviews/{interview}")
        elif kind == "origin":
            person.send(kind, "GET", f"/interviews/{interview}/evidence/{piece}")
        elif kind == "lint":
            person.send(
                kind, "POST", "/lint", {"token": person.token, "rationale": "Seemed smart, ran the test twice."}
            )
        else:
            person.send(kind, "GET", "/")


class Batch(threading.Thread):
    """`verbatim run` again and again, in processes of its own, until told to stop."""

    def __init__(self, workspace: Workspace, source: Path, names: list[str]) -> None:
        super().__init__()
        self.words = [
            sys.executable,
            "-m",
            "cli",
            "run",
            str(source),
            "-w",
            str(workspace.folder),
            "--offline",
            "--force",
            *(word for name in names for word in ("--interview", name)),
        ]
        self.asr = workspace.asr
        self.enough = threading.Event()
        self.runs, self.faults = 0, list[str]()
        self.child: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """One run after another; the last one is stopped in its middle, as people do."""
        while not self.enough.is_set():
            for heard in self.asr.glob("*.json"):
                heard.unlink()  # so that it listens again
            self.child = subprocess.Popen(self.words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            _, said = self.child.communicate()
            if self.child.returncode != 0 and not self.enough.is_set():
                self.faults.append(said[-400:])
            self.runs += 1

    def stop(self) -> None:
        """End it."""
        self.enough.set()
        if self.child is not None:
            self.child.terminate()


def batch_of(workspace: Workspace, kind: str, folder: Path, minutes: int) -> Batch:
    """A batch on material of its own."""
    source = folder / "batch"
    if kind == "recordings":
        from pipeline.examples import copy_examples

        return Batch(workspace, copy_examples(source), ["i-001", "i-002"])
    source.mkdir()
    names = [f"b-{n}" for n in range(5)]
    for n, name in enumerate(names):
        write_interview(source, name, minutes, seed=n)
    (source / "manifest.toml").write_text("\n".join(entry(n, "c-900") for n in names), encoding="utf-8")
    return Batch(workspace, source / "manifest.toml", names)


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(reviewers: int, actions: int, minutes: int, think_s: float, kind: str) -> dict[str, Any]:
    """Run it all; returns figures."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        workspace = workspace_of(folder, reviewers, minutes)
        sound_for(workspace)
        links = {}
        with workspace.store().session() as db:
            for n in range(reviewers):
                links[n] = people.add_reviewer(db, f"r-{n}", f"Reviewer {n}", "interviewer")
                db.insert("assignments", [{"reviewer_id": f"r-{n}", "candidate_id": c} for c in ("c-000", "c-001")])
        port = 20_000 + int(time.time()) % 20_000
        server = subprocess.Popen(
            [sys.executable, "-m", "cli", "review", "-w", str(workspace.folder), "--port", str(port)],
            stderr=subprocess.DEVNULL,
        )
        batch = batch_of(workspace, kind, folder, minutes)
        try:
            _await_port(port)
            crowd = [Person(port, link) for link in links.values()]
            for person in crowd:
                person.actions.clear()
            batch.start()
            time.sleep(3.0)
            confirmed: list[tuple[str, str]] = []
            started = time.perf_counter()
            threads = [
                threading.Thread(target=work, args=(person, f"r-{n:03d}", actions, n, confirmed, think_s))
                for n, person in enumerate(crowd)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            took = time.perf_counter() - started
        finally:
            batch.stop()
            server.terminate()
            server.wait()
            if batch.is_alive():
                batch.join()
        return _figures(workspace, [a for p in crowd for a in p.actions], confirmed, batch, kind, took)


def _figures(
    workspace: Workspace,
    seen: list[Action],
    confirmed: list[tuple[str, str]],
    batch: Batch,
    kind: str,
    took: float,
) -> dict[str, Any]:
    with workspace.store().session() as db:
        kept = {(r["interview_id"], r["rationale"]) for r in db.rows("SELECT interview_id, rationale FROM calls")}
    seconds = [action.seconds for action in seen]
    by_kind = {
        kind: round(1000 * percentile([a.seconds for a in seen if a.what == kind], 0.95))
        for kind in sorted({a.what for a in seen})
    }
    return {
        "at": now()[:19],
        "actions": len(seen),
        "errors": sum(action.status >= 400 for action in seen),
        "confirmed_calls": len(confirmed),
        "lost_calls": len(set(confirmed) - kept),
        "batch": kind,
        "batch_runs": batch.runs,
        "batch_faults": len(batch.faults),
        "median_ms": round(1000 * statistics.median(seconds)),
        "p95_ms": round(1000 * percentile(seconds, 0.95)),
        "max_ms": round(1000 * max(seconds)),
        "p95_ms_by_kind": by_kind,
        "seconds": round(took, 1),
    }


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            wire = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            wire.request("GET", "/")
            wire.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the review page did not start")


def main() -> int:
    """Print the figures as JSON; exit 1 when an action failed, a call was lost, or p95 is not under 200 ms."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    words.add_argument("--reviewers", type=int, default=5)
    words.add_argument("--actions", type=int, default=40)
    words.add_argument("--minutes", type=int, default=30, help="length of each made-up interview")
    words.add_argument("--think", type=float, default=0.5, help="seconds between two clicks of one reviewer")
    words.add_argument("--batch", choices=("recordings", "transcripts"), default="recordings")
    given = words.parse_args()
    figures = measure(given.reviewers, given.actions, given.minutes, given.think, given.batch)
    print(json.dumps(figures, indent=2))
    sound = figures["errors"] == figures["lost_calls"] == figures["batch_faults"] == 0
    return 0 if sound and figures["p95_ms"] < 200 else 1


if __name__ == "__main__":
    sys.exit(main())
