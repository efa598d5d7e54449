"""What may pass between us and an endpoint: bodies of a bounded size as they are, and no header that nobody asked for.

A body is held in memory, so one without end, or one that unpacks to a thousand times its size, must stop here. The
client adds headers from OPENAI_* variables and about this machine; a server that is local gets none of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2

LONGEST_ANSWER = 16_000_000  # bytes; a long answer with everything around it has a few hundred thousand
LONGEST_FILE = 2_000_000_000  # results of a batch of 50,000
_NEEDED = frozenset(
    ["host", "accept", "accept-encoding", "connection", "authorization", "content-type", "content-length", "user-agent"]
)


class TooMuchError(httpx2.TransportError):
    """A body that is longer than anything we asked for, or packed although we asked for it as it is."""


class Wire(httpx2.AsyncHTTPTransport):
    """Connections on which at most `longest` bytes come back for a request. `bare` leaves out the client's headers."""

    def __init__(self, *, longest: int, bare: bool, **options: Any) -> None:
        super().__init__(trust_env=False, **options)
        self.longest, self.bare = longest, bare

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it. Raises TooMuchError at once, or while the body is read."""
        headers = [(name, value) for name, value in request.headers.items() if not self.bare or name in _NEEDED]
        sent = httpx2.Request(
            request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
        )
        sent.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(sent)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.stream.aclose()
            raise TooMuchError("a packed body")
        kind = response.headers.get("content-type", "")
        response.headers["content-type"] = kind.split(";")[0]  # JSON is UTF-8; a server may name any codec at all
        response.stream = _Bounded(response.stream, self.longest)
        return response


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, longest: int) -> None:
        self.stream, self.left = stream, longest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self.stream:
            self.left -= len(part)
            if self.left < 0:
                raise TooMuchError("a body without end")
            yield part

    async def aclose(self) -> None:
        await self.stream.aclose()
