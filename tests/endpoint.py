"""A scripted OpenAI-compatible server on loopback: real sockets, so that the client's whole stack is under test."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "scripted-1"
EMPTY = '{"evidence":[],"probes":[]}'


@dataclass
class Reply:
    """What the server does with one request. `way` is how the bytes go out."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    way: str = "whole"  # whole | cut | short | no-final-chunk | drip | hang | endless


def chat(text: str | None = EMPTY, *, finish: str | None = "stop", model: Any = MODEL, **more: Any) -> Reply:
    """A chat answer. `usage`, `message` and `delay_s` may be given."""
    delay_s = more.pop("delay_s", 0.0)
    message = more.pop("message", {"role": "assistant", "content": text})
    choice = {"index": 0, "message": message, "finish_reason": finish}
    content = {"id": "x", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], **more}
    return Reply(json.dumps(content).encode(), delay_s=delay_s)


def fails(status: int, code: str = "", message: str = "no", **headers: str) -> Reply:
    """An error answer in the usual form."""
    body = json.dumps({"error": {"message": message, "type": code or "error", "code": code}}).encode()
    return Reply(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of the script."""


Script = Callable[[dict[str, Any], int], Reply]


class Endpoint:
    """Serves POST /v1/chat/completions by script(body, n), n counting from 0; keeps what it received."""

    def __init__(
        self, script: Script | Sequence[Reply] | Reply, models: Sequence[str] = (MODEL,), port: int = 0
    ) -> None:
        self.script = script
        self.models = models
        self.received: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.under_way = 0
        self.most_at_once = 0
        self.other: Callable[[str, str, bytes], Reply] | None = None
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                if owner.other is not None and not self.path.endswith("/models"):
                    self._send(owner.other("GET", self.path, b""))
                    return
                body = json.dumps({"object": "list", "data": [{"id": m, "object": "model"} for m in owner.models]})
                self._send(Reply(body.encode(), 200 if self.path.endswith("/models") else 404))

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                if owner.other is not None and not self.path.endswith("/chat/completions"):
                    self._send(owner.other("POST", self.path, raw))
                    return
                reply = owner._reply(json.loads(raw), dict(self.headers))
                if reply.delay_s:
                    time.sleep(reply.delay_s)
                with owner._lock:
                    owner.under_way -= 1  # before the answer leaves, or the next request could overtake this line
                self._send(reply)

            def _send(self, reply: Reply) -> None:
                try:
                    self._write(reply)
                except OSError:
                    self.close_connection = True

            def _write(self, reply: Reply) -> None:
                if reply.way == "hang":  # not a byte
                    owner._released.wait(30)
                    self.close_connection = True
                    return
                headers = {"Content-Type": "application/json", **reply.headers}
                self.send_response(reply.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if reply.way == "no-final-chunk":
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(reply.body), reply.body))
                    self.close_connection = True
                    return
                if reply.way == "endless":
                    self.send_header("Content-Length", str(2**40))
                    self.end_headers()
                    while not owner._released.is_set():
                        self.wfile.write(reply.body)
                extra = 50 if reply.way == "short" else 0
                self.send_header("Content-Length", str(len(reply.body) + extra))
                self.end_headers()
                if reply.way == "whole":
                    self.wfile.write(reply.body)
                elif reply.way in ("cut", "short"):
                    self.wfile.write(reply.body if reply.way == "short" else reply.body[: len(reply.body) // 2])
                    self.close_connection = True
                elif reply.way == "drip":
                    for byte in reply.body:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(0.02)

        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def _reply(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        with self._lock:
            n = len(self.received)
            self.received.append(body)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
        if isinstance(self.script, Reply):
            return self.script
        if callable(self.script):
            return self.script(body, n)
        return self.script[min(n, len(self.script) - 1)]

    def follow(self, script: Script | Sequence[Reply] | Reply) -> None:
        """From now on, another script; what was received is forgotten."""
        with self._lock:
            self.script = script
            self.received.clear()
            self.headers.clear()
            self.most_at_once = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Endpoint:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
