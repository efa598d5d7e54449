"""Who is at the page: one-time links, signed cookies, a token in every form, a lock-out, an audit line a look.

A cookie carries a random visit secret under a signature; the database knows the secret's hash only. The form token is
bound to the visit, so a page of somebody else's making cannot write.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fastapi import Request
from itsdangerous import BadSignature, TimestampSigner

from pipeline.adapters.store import people
from pipeline.adapters.store.connection import Session
from pipeline.adapters.store.desk import Desk
from pipeline.workspace import write_private

if TYPE_CHECKING:
    from pipeline.adapters.store.connection import Row

FAILURES = 5  # tries that fail within WINDOW_S, then nobody unknown gets in for as long
WINDOW_S = 60.0


class Refused(Exception):
    """A request that gets an error page: status and a sentence that tells nothing about what is stored."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Visit(NamedTuple):
    """A signed-in reviewer with the store open for the length of one request."""

    db: Session
    reviewer: Row
    form_token: str

    @property
    def reviewer_id(self) -> str:
        """The id under which calls are signed."""
        return str(self.reviewer["reviewer_id"])

    @property
    def is_lead(self) -> bool:
        """Whether this is a hiring lead."""
        return bool(self.reviewer["role"] == "hiring_lead")


class Throttle:
    """Counts failures by address; too many in a minute, and unknown visitors from there have to wait."""

    def __init__(self) -> None:
        self._failures: dict[str, deque[float]] = {}
        self._turn = threading.Lock()

    def check(self, address: str) -> None:
        """Raises Refused 429 while the address is locked out."""
        with self._turn:
            if len(self._recent(address)) >= FAILURES:
                raise Refused(429, "Too many tries. Wait a minute, then ask for a fresh link.")

    def failed(self, address: str) -> None:
        """Note a failure."""
        with self._turn:
            if len(self._failures) > 10_000:
                self._failures.clear()
            self._recent(address).append(time.monotonic())

    def _recent(self, address: str) -> deque[float]:
        tries = self._failures.setdefault(address, deque(maxlen=FAILURES))
        while tries and time.monotonic() - tries[0] > WINDOW_S:
            tries.popleft()
        return tries


class Door:
    """Lets people in and knows them again."""

    def __init__(self, store: Desk, key: bytes, *, port: int, secure: bool) -> None:
        self.store = store
        self.cookie = f"verbatim_{port}"  # cookies do not tell ports apart, their names do
        self.secure = secure
        self.throttle = Throttle()
        self._key = key
        self._signer = TimestampSigner(key, salt="visit")

    def seal(self, visit: str) -> str:
        """The cookie's value."""
        return self._signer.sign(visit).decode()

    def form_token(self, visit: str) -> str:
        """The token every form of this visit carries."""
        return hmac.new(self._key, b"form:" + visit.encode(), sha256).hexdigest()

    def visit_secret(self, request: Request) -> str:
        """The secret in the cookie. Raises Refused 401 without one, 429 after too many forged ones."""
        address = request.client.host if request.client else "?"
        sealed = request.cookies.get(self.cookie)
        if sealed is None:
            raise Refused(401, "Sign in with the link that you were given.")
        try:
            return self._signer.unsign(sealed, max_age=people.VISIT_HOURS * 3600).decode()
        except BadSignature:
            self.throttle.check(address)
            self.throttle.failed(address)
            raise Refused(401, "Sign in again: ask for a fresh link.") from None

    def check_form(self, visit: str, token: str | None) -> None:
        """Raises Refused 403 unless the form was made for this visit."""
        if not token or not hmac.compare_digest(token.encode(), self.form_token(visit).encode()):
            raise Refused(403, "This form is out of date. Load the page again.")

    @contextmanager
    def visit(self, request: Request) -> Iterator[Visit]:
        """The reviewer of a request, with the store open. Raises Refused 401."""
        secret = self.visit_secret(request)
        with self.store.session() as db:
            reviewer = people.visitor(db, secret)
            if reviewer is None:
                raise Refused(401, "Your visit is over. Ask for a fresh link.")
            yield Visit(db, reviewer, self.form_token(secret))

    @contextmanager
    def writing(self, request: Request, token: str | None) -> Iterator[Visit]:
        """A visit that may write: the form was made for it. Checked before the store is opened."""
        self.check_form(self.visit_secret(request), token)
        with self.visit(request) as visit:
            yield visit


def own_key(folder: Path) -> bytes:
    """The workspace's signing key, made on first use, readable by its owner only."""
    path = folder / "review.key"
    if not path.exists():
        write_private(path, secrets.token_bytes(32))
    return path.read_bytes()
