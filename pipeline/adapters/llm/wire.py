"""What may pass between us and an endpoint: bodies of a bounded size as they are, and no header that nobody asked for.

A body is held in memory, so one without end, or one that unpacks to a thousand times its size, must stop here. The
client adds headers from OPENAI_* variables and about this machine; a server that is local gets none of them.

Each request under way has a connection pool to itself: a pool looks every idle connection over, by two system calls,
each time a request begins or ends, which at 32 at once took a sixth of the time.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable

import httpx2

LONGEST_ANSWER = 16_000_000  # bytes; a long answer with everything around it has a few hundred thousand
LONGEST_FILE = 2_000_000_000  # results of a batch of 50,000
_ONE = httpx2.Limits(max_connections=1, max_keepalive_connections=1)
_NEEDED = frozenset(
    ["host", "accept", "accept-encoding", "connection", "authorization", "content-type", "content-length", "user-agent"]
)


class TooMuchError(httpx2.TransportError):
    """A body that is longer than anything we asked for, or packed although we asked for it as it is."""


class Wire(httpx2.AsyncBaseTransport):
    """Connections on which at most `longest` bytes come back for a request. `bare` leaves out the client's headers."""

    def __init__(self, *, longest: int, bare: bool, verify: ssl.SSLContext | bool) -> None:
        self.longest, self.bare, self.verify = longest, bare, verify
        self._free: list[httpx2.AsyncHTTPTransport] = []
        self._lanes: list[httpx2.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it. Raises TooMuchError at once, or while the body is read."""
        headers = [(name, value) for name, value in request.headers.items() if not self.bare or name in _NEEDED]
        sent = httpx2.Request(
            request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
        )
        sent.headers["accept-encoding"] = "identity"
        lane = self._free.pop() if self._free else self._another()
        try:
            response = await lane.handle_async_request(sent)
        except BaseException:
            self._free.append(lane)
            raise
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        body = _Bounded(response.stream, self.longest, lambda: self._free.append(lane))
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await body.aclose()
            raise TooMuchError("a packed body")
        kind = response.headers.get("content-type", "")
        response.headers["content-type"] = kind.split(";")[0]  # JSON is UTF-8; a server may name any codec at all
        response.stream = body
        return response

    def _another(self) -> httpx2.AsyncHTTPTransport:
        lane = httpx2.AsyncHTTPTransport(trust_env=False, verify=self.verify, limits=_ONE)
        self._lanes.append(lane)
        return lane

    async def aclose(self) -> None:
        """Close every connection."""
        for lane in self._lanes:
            await lane.aclose()


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, longest: int, done: Callable[[], None]) -> None:
        self.stream, self.left = stream, longest
        self._done: Callable[[], None] | None = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self.stream:
            self.left -= len(part)
            if self.left < 0:
                raise TooMuchError("a body without end")
            yield part

    async def aclose(self) -> None:
        try:
            await self.stream.aclose()
        finally:
            if self._done is not None:
                self._done()
                self._done = None
