"""A reviewer without a browser: keeps the cookie, sends forms with the page's own token, from the page's own origin."""

from __future__ import annotations

import http.client
import re
from typing import Any, NamedTuple
from urllib.parse import urlencode

import review_house as house


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Reader:
    """Somebody at the door; signed in once `enter` was called."""

    def __init__(self, served: house.Serving) -> None:
        self.served = served
        self.host = f"127.0.0.1:{served.port}"
        self.cookie = ""
        self.token = ""

    def send(self, method: str, path: str, form: dict[str, Any] | None = None, **headers: str) -> Answer:
        wire = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=60)
        given = {"Host": self.host, "Origin": f"http://{self.host}"}
        if self.cookie:
            given["Cookie"] = self.cookie
        body = None
        if form is not None:
            body = urlencode(form, doseq=True)
            given["Content-Type"] = "application/x-www-form-urlencoded"
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        wire.request(method, path, body, {name: value for name, value in given.items() if value != "none"})
        answer = wire.getresponse()
        content = answer.read()
        wire.close()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, content)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, **headers)

    def post(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> Answer:
        return self.send("POST", path, {"token": self.token, **(form or {})}, **headers)

    def enter(self, reviewer: str, name: str, role: str = "interviewer") -> Reader:
        link = self.served.link(reviewer, name, role)
        answer = self.send("POST", "/enter", {"link": link.rsplit("/", 1)[1]})
        assert answer.status == 303, answer
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        self.token = re.findall(r'name="token" value="(\w+)"', self.get("/").text)[0]
        return self

    def call(self, interview: str, pillar: str, step: int, level: str = "ok", **more: Any) -> Answer:
        form = {"pillar": pillar, "step": step, "level": level, "rationale": "Ran the test twice", "basis": "none_seen"}
        hx = {"HX_Request": more.pop("HX_Request")} if "HX_Request" in more else {}
        return self.post(f"/interviews/{interview}/calls", {**form, **more}, **hx)

    def all_calls(self, interview: str, step: int, level: str = "ok", **more: Any) -> None:
        for pillar in PILLARS:
            assert self.call(interview, pillar, step, level, **more).status == 303
        assert self.post(f"/interviews/{interview}/close", {"step": step}).status == 303


PILLARS = ("execution_coding", "architecture_tradeoffs", "collaboration_communication", "ownership_debugging")
