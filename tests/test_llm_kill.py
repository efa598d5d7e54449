"""A batch that is killed, stopped or left repeats at most the calls that were under way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from batchroom import PILLARS, Room, answer
from endpoint import MODEL, Reply

ROOT = Path(__file__).parent.parent
AT_ONCE = 3
NAMES = ["a", "b", "c", "d", "e"]
CALLS = len(NAMES) * len(PILLARS)


def slow(body: dict[str, Any], n: int) -> Reply:
    reply = answer(body)
    reply.delay_s = 0.1
    return reply


@pytest.mark.parametrize(
    ("how", "after"),
    [(signal.SIGKILL, 10), (signal.SIGTERM, 9)],
    ids=["row 27", "row 28"],
)
def test_rows_27_28_nothing_that_was_answered_is_asked_again(tmp_path: Path, how: signal.Signals, after: int):
    with Room(tmp_path, NAMES) as room:
        room.server.follow(slow)
        (room.workspace.folder / "verbatim.toml").write_text(
            f'[llm]\nmodel = "{MODEL}"\nbase_url = "{room.server.url}"\npreflight = false\n'
            f"concurrency = {AT_ONCE}\ndeadline_s = 5.0\n[extract]\nchunk_lines = 40\nmargin_turns = 0\n"
        )
        command = [sys.executable, "cli.py", "run", str(room.manifest), "-w", str(room.workspace.folder)]
        batch = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 60
        while len(room.server.received) <= after and batch.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        assert batch.poll() is None, batch.communicate()
        os.kill(batch.pid, how)
        _, told = batch.communicate(timeout=30)
        assert batch.returncode == (130 if how != signal.SIGKILL else -9), told
        if how != signal.SIGKILL:
            assert "Interrupted" in told
            assert "verbatim run" in told
        time.sleep(0.25)  # what was under way ends at the server
        sent = len(room.server.received)
        answered = sum(kept["raw"] is not None for kept in room.kept())
        assert sent - answered <= AT_ONCE, "at most the calls under way had no answer on disk"
        room.workspace.sweep()  # what the next run does first: a killed write may have left half a file
        room.check()
        endings = room.run(answer, concurrency=AT_ONCE)
        assert {end.state for end in endings.values()} <= {"done", "unchanged"}
        assert len(room.server.received) == CALLS - answered
        assert sent + len(room.server.received) <= CALLS + AT_ONCE
        room.check()
        room.settled()
