"""One opening of the database for all requests of this program that come close together.

Opening costs more than most questions. So threads queue here, first come first served, and one after the other uses
the same open session. It is closed as soon as another program waits for its turn, and when nobody came for a while.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.adapters.store.connection import Session, Store, _named_faults

IDLE_S = 0.5  # nobody came: the file is free for programs that know nothing of turns
LEAST_S = 0.25  # once open, it serves for as long, whoever waits: those who queued meanwhile get their answer
LOOK_S = 0.02  # how often it looks whether somebody waits


class Desk:
    """A Store that threads share: `with desk.session() as db: ...`, as with a Store."""

    def __init__(self, store: Store, *, idle_s: float = IDLE_S, least_s: float = LEAST_S) -> None:
        self.store = store
        self.idle_s = idle_s
        self.least_s = least_s
        self._line: deque[object] = deque()  # who works, in front, and who waits
        self._working = False
        self._changed = threading.Condition()
        self._db: Session | None = None
        self._closing = False
        self._keeper: threading.Thread | None = None
        self._fault: Exception | None = None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The open session when it is this thread's turn. Raises StoreBusyError and StoreError as a Store does."""
        ticket = object()
        db = self._wait(ticket)
        try:
            with _named_faults(self.store.path):
                yield db
        finally:
            with self._changed:
                self._line.remove(ticket)
                self._working = False
                self._changed.notify_all()

    def close(self) -> None:
        """Let go of the file as soon as nobody works with it; the next session opens it again."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _wait(self, ticket: object) -> Session:
        with self._changed:
            self._line.append(ticket)
            try:
                while True:
                    if self._fault is not None and self._keeper is None:
                        raise self._fault
                    if self._keeper is None:
                        # not a daemon, whoever asks first: a program that ends waits until the file is closed
                        self._keeper = threading.Thread(target=self._keep, name="store", daemon=False)
                        self._keeper.start()
                    if self._db is not None and not self._closing and self._line[0] is ticket:
                        self._working = True
                        return self._db
                    self._changed.wait()
            except BaseException:
                self._line.remove(ticket)
                if not self._line:
                    self._fault = None
                self._changed.notify_all()
                raise

    def _keep(self) -> None:
        """Open, stay as long as it is good, close. Opening and closing are one thread's work."""
        fault: Exception | None = None
        try:
            with self.store.session() as db:
                self._serve(db)
        except Exception as error:
            fault = error
        with self._changed:
            self._fault = fault if self._line else None
            self._keeper = None
            self._changed.notify_all()

    def _serve(self, db: Session) -> None:
        least = time.monotonic() + self.least_s
        idle = time.monotonic() + self.idle_s
        with self._changed:
            self._db, self._closing = db, False
            self._changed.notify_all()
            while time.monotonic() < idle and not self._closing:
                self._changed.wait(timeout=LOOK_S)
                if self._line:
                    idle = time.monotonic() + self.idle_s
                if time.monotonic() >= least and self.store.wanted():
                    break
            self._closing = True  # nobody new begins; who is at work may end
            self._changed.wait_for(lambda: not self._working)
            self._db = None
