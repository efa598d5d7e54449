"""What every request and answer passes: known hosts only, writes from our own pages only, nothing foreign runs."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.worklist import reason_of

MAX_BODY = 200_000  # bytes; the longest form is a reason and some ids
BODY_S = 20.0  # a body that takes longer is given up
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], origins: Collection[str]) -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse early, else pass on and dress the answer."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer[name] = value
                answer.setdefault("cache-control", "no-store")
                if "server" in answer:
                    del answer["server"]
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal:
            await PlainTextResponse(refusal, 403)(scope, receive, dressed)
            return
        try:
            await self.app(scope, _bounded(receive), dressed)
        except Exception as error:  # ours; what it says may quote what was stored, so only its kind and place are told
            print(f"review page: {reason_of(error)}", file=sys.stderr)
            if not begun:
                await PlainTextResponse("This did not work. What was saved before is kept.", 500)(
                    scope, receive, dressed
                )

    def _refusal(self, scope: Scope, headers: Headers) -> str | None:
        if len(headers.getlist("host")) != 1 or headers["host"].lower() not in self.hosts:
            return "This address is not served here."
        if scope["method"] in ("GET", "HEAD"):
            return None
        if scope["method"] != "POST":
            return "Only GET and POST are served."
        if not self._own(headers.get("origin")):
            return "Writes come from this site's own pages only."
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return "Writes come from this site's own pages only."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            return "Too long."
        return None

    def _own(self, origin: str | None) -> bool:
        return origin is not None and _origin(origin) in self.origins


def _origin(text: str) -> str:
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _bounded(receive: Receive) -> Receive:
    """Stop reading a body that is longer than it said, or never said, or does not come."""
    seen, whole, until = 0, False, time.monotonic() + BODY_S

    async def limited() -> dict[str, Any]:
        nonlocal seen, whole
        if whole:  # from here on the server tells of a visitor who left, whenever that is
            return dict(await receive())
        try:
            message = dict(await asyncio.wait_for(receive(), until - time.monotonic()))
        except TimeoutError:
            return {"type": "http.disconnect"}
        seen += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        return message if seen <= MAX_BODY else {"type": "http.disconnect"}

    return limited
