"""One opening of the database for all requests of this program that come close together.

Opening costs more than most questions. So threads queue here, first come first served, and one after the other uses
the same open session. It is closed when nobody came for `idle_s`, and after `hold_s` at the latest, so that a batch
gets its turn.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.adapters.store.connection import Session, Store, _named_faults

IDLE_S = 0.05  # a page's next request often follows at once
HOLD_S = 0.25  # a busy page lets go of the file this often
REST_S = 0.03  # and for this long, so that another program's next try finds it free


class Desk:
    """A Store that threads share: `with desk.session() as db: ...`, as with a Store."""

    def __init__(self, store: Store, *, idle_s: float = IDLE_S, hold_s: float = HOLD_S, rest_s: float = REST_S) -> None:
        self.store = store
        self.idle_s = idle_s
        self.hold_s = hold_s
        self.rest_s = rest_s
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

    def _wait(self, ticket: object) -> Session:
        with self._changed:
            self._line.append(ticket)
            try:
                while True:
                    if self._fault is not None and self._keeper is None:
                        raise self._fault
                    if self._keeper is None:
                        self._keeper = threading.Thread(target=self._keep, name="store", daemon=True)
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
        """Open, stay while somebody waits and the time is not up, close. Opening and closing stay in one thread."""
        fault: Exception | None = None
        held_long = False
        try:
            with self.store.session() as db:
                held_long = self._serve(db)
        except Exception as error:
            fault = error
        if held_long:
            time.sleep(self.rest_s)
        with self._changed:
            self._fault = fault if self._line else None
            self._keeper = None
            self._changed.notify_all()

    def _serve(self, db: Session) -> bool:
        """Hand the session round; True when it ended because the time was up."""
        until = time.monotonic() + self.hold_s
        with self._changed:
            self._db, self._closing = db, False
            self._changed.notify_all()
            idle = time.monotonic() + self.idle_s
            while time.monotonic() < min(until, idle):
                self._changed.wait(timeout=max(min(until, idle) - time.monotonic(), 0.001))
                if self._line:
                    idle = time.monotonic() + self.idle_s
            self._closing = True  # nobody new begins; who is at work may end
            self._changed.wait_for(lambda: not self._working)
            self._db = None
            return time.monotonic() >= until
