"""Threads share one opening, one after the other, first come first served; other programs get their turn."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.adapters.store.connection import Session, Store
from pipeline.adapters.store.desk import Desk
from pipeline.errors import StoreBusyError

ROOT = Path(__file__).parent.parent


class Counting(Store):
    """A Store that counts how often it was opened."""

    opened = 0

    def session(self, *, read_only: bool = False):  # type: ignore[no-untyped-def]
        self.opened += 1
        return super().session(read_only=read_only)


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    found = Counting(tmp_path / "verbatim.duckdb")
    with found.session():
        pass
    found.opened = 0
    return found


def test_many_threads_write_through_few_openings_and_nothing_is_lost(store: Counting) -> None:
    desk = Desk(store)
    inside = 0

    def write(number: int) -> None:
        nonlocal inside
        for turn in range(5):
            with desk.session() as db:
                inside += 1
                assert inside == 1  # one at a time
                with db.transaction():
                    db.journal(f"r-{number}", "call", str(turn))
                inside -= 1

    threads = [threading.Thread(target=write, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.session() as db:
        assert db.value("SELECT count(DISTINCT (actor, subject)) FROM journal") == 60
        assert db.value("SELECT max(seq) FROM journal") == 60
    assert store.opened < 30


ENDS = """
import sys, threading
from pathlib import Path
from pipeline.adapters.store.connection import Store
from pipeline.adapters.store.desk import Desk
desk = Desk(Store(Path(sys.argv[1])))
def ask():
    with desk.session() as db:
        db.journal("r", "call", "x")
asking = threading.Thread(target=ask, daemon=True)  # as a web server's threads are
asking.start()
asking.join()
"""


def test_a_program_that_ends_closes_the_file_first(store: Counting) -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS, str(store.path)], cwd=ROOT, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert not Path(f"{store.path}.wal").exists()
    with store.session() as db:
        assert db.value("SELECT count(*) FROM journal") == 1


def test_a_fault_in_one_turn_is_its_own(store: Counting) -> None:
    desk = Desk(store)

    def fail() -> None:
        with desk.session() as db, db.transaction():
            db.journal("r", "call", "x")
            raise RuntimeError("mine")

    for _ in range(3):
        with pytest.raises(RuntimeError, match="mine"):
            fail()
        with desk.session() as db:
            assert db.value("SELECT count(*) FROM journal") == 0


def test_the_file_is_let_go_when_nobody_waits_and_while_many_do(store: Counting) -> None:
    desk = Desk(store)
    other = Store(store.path, wait_s=5)
    with desk.session() as db:
        assert db.value("SELECT 1") == 1
    with other.session() as db:  # soon after, without a further word
        assert db.value("SELECT 1") == 1
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            with desk.session() as db:
                db.value("SELECT 1")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            started = time.monotonic()
            with other.session() as db:
                db.value("SELECT 1")
            assert time.monotonic() - started < 4
    finally:
        stop.set()
        for thread in threads:
            thread.join()


HOLD = """
import sys, time
from pathlib import Path
from pipeline.adapters.store.connection import Store
with Store(Path(sys.argv[1])).session():
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(path: Path, seconds: float) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_who_waited_too_long_is_told_who_holds_it_and_the_next_try_works(store: Counting) -> None:
    child = hold(store.path, 60)
    desk = Desk(Store(store.path, wait_s=0.2))
    seen: list[Exception] = []

    def ask() -> None:
        try:
            with desk.session():
                raise AssertionError("it was held")
        except StoreBusyError as error:
            seen.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 3
    assert all(str(child.pid) in str(error) for error in seen)
    child.kill()
    child.communicate()
    with desk.session() as db:
        assert isinstance(db, Session)


AGAIN = """
import sys, time
from pathlib import Path
from pipeline.adapters.store.connection import Store
store = Store(Path(sys.argv[1]))
for _ in range(400):
    with store.session():
        print("held", flush=True)
        time.sleep(0.05)
"""


def test_a_program_that_comes_back_at_once_queues_behind_the_one_that_waits(store: Counting) -> None:
    """Turns alternate: nobody takes the file again and again while another program waits."""
    child = subprocess.Popen(
        [sys.executable, "-c", AGAIN, str(store.path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "held\n"
        waits = []
        for _ in range(5):
            started = time.monotonic()
            with store.session():
                waits.append(time.monotonic() - started)
    finally:
        child.kill()
        child.communicate()
    assert max(waits) < 5, waits  # a turn or two of the other, not its four hundred
