"""One try at one request, and a name for whatever comes back. The only module that talks through `openai`.

The client's own retries, redirects, proxies from the environment and parsing are off: every try is logged by us, a
redirect would carry a transcript to another host, and the raw body must be on disk before anybody reads it.
"""

from __future__ import annotations

import json
import math
import os
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from pipeline.adapters.llm.envelope import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import AsyncOpenAI

Kind = Literal[
    "rate",  # 429: wait and try again
    "quota",  # 429 that will not go away: stop
    "server",  # 5xx, 408, 409, or an error in a 200: try again
    "connection",  # refused, cut, no such host: try again
    "timeout",
    "garbled",  # 200 with half a body
    "too-large",  # a body without end, or a packed one
    "page",  # 200 with HTML: a proxy or a sign-in page: stop
    "redirect",  # 3xx: stop
    "key",  # 401, 403: stop
    "missing",  # 404: no such model or path: stop
    "too-long",  # the prompt does not fit
    "refused-form",  # 400 about a field of ours: another dialect
    "bad-request",
]
STOPS: dict[str, str] = {
    "quota": "has no quota left for this key",
    "page": "answered with a web page, as a sign-in page or a proxy does",
    "redirect": "redirects to another address, which is not followed",
    "key": "refused the key",
    "missing": "knows no such model or address",
}
_QUOTA = frozenset(["insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded"])
TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|exceeds? the (?:available |maximum |model'?s )?context|"
    r"maximum context length|context (?:window|size|length)|too many tokens|prompt is too long"
)
_FORM_FIELDS = re.compile(
    r"response_format|json_schema|json_object|grammar|max_tokens|max_completion_tokens|temperature"
)


SHORTEST_KEY = 8  # characters; shorter ones are placeholders and common words


class Fault(Exception):
    """What went wrong in one try. `raw` is the body as received, `hints` the endpoint's words, lower case; both are
    for the kept file and for choosing a dialect, never for a message or a log, since endpoints quote their input."""

    def __init__(
        self,
        kind: Kind,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        raw: str | None = None,
        hints: str = "",
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status
        self.retry_after_s = retry_after_s
        self.raw = raw
        self.hints = hints


def connect(base_url: str, key: str, *, deadline_s: float, local: bool, files: bool = False) -> AsyncOpenAI:
    """A client for that endpoint that does nothing by itself. `files`: whole result files may come back."""
    import ssl

    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

    from pipeline.adapters.llm.wire import LONGEST_ANSWER, LONGEST_FILE, Wire

    certificates = os.environ.get("SSL_CERT_FILE")  # a company's own; nothing else of the environment is used
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=certificates) if certificates else True
    if base_url.startswith("http://"):
        verify = False  # nothing to verify without TLS, and redirects are off; saves loading the certificates
    wire = Wire(longest=LONGEST_FILE if files else LONGEST_ANSWER, bare=local, verify=verify)
    http = DefaultAsyncHttpxClient(follow_redirects=False, trust_env=False, transport=wire)
    patience = Timeout(deadline_s, connect=min(10.0, deadline_s))
    return AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=patience, http_client=http)


async def post(client: AsyncOpenAI, body: dict[str, Any]) -> str:
    """Send a chat request; the raw body of a 200 that is a chat answer. Raises Fault for anything else."""
    import httpx2
    import openai

    from pipeline.adapters.llm.wire import TooMuchError

    try:
        # The whole body goes in as it is: the same bytes as in a batch file, without the client's own rewriting.
        response = await client.post("/chat/completions", body=body, cast_to=httpx2.Response)
        status, kind = response.status_code, response.headers.get("content-type", "")
        raw = _without(client.api_key, response.content.decode("utf-8"))
    except openai.APITimeoutError:
        raise Fault("timeout") from None
    except openai.APIStatusError as error:
        said = _without(client.api_key, error.response.content.decode("utf-8", "replace"))
        raise _status_fault(error.status_code, error.response.headers, said) from None
    except openai.APIConnectionError as error:
        raise Fault("too-large" if isinstance(error.__cause__, TooMuchError) else "connection") from None
    except UnicodeDecodeError:
        raise Fault("garbled", status=200) from None
    fault = _content_fault(status, kind, raw)
    if fault is not None:
        raise fault
    return raw


async def known_models(client: AsyncOpenAI) -> set[str] | None:
    """Names of the models that the endpoint lists; None where it lists none. Raises Fault when it cannot be reached."""
    import openai

    try:
        listed = await client.models.with_raw_response.list()
        rows = read_json(listed.http_response.text)["data"]
        return {str(row["id"]) for row in rows}
    except openai.APIConnectionError:
        raise Fault("connection") from None
    except (openai.OpenAIError, ValueError, KeyError, TypeError):
        return None


def _without(key: str, raw: str) -> str:
    """The body without our own key: some servers and proxies repeat what was sent to them."""
    return raw.replace(key, "[key]") if len(key) >= SHORTEST_KEY else raw


def _content_fault(status: int, kind: str, raw: str) -> Fault | None:
    """A 200 that is no chat answer. Nothing in a page or in half a body is looked at further."""
    if "html" in kind.lower() or raw.lstrip()[:1] == "<":
        return Fault("page", status=status, raw=raw)
    try:
        content = read_json(raw)
    except ValueError:
        return Fault("garbled", status=status, raw=raw)
    if not isinstance(content, dict):
        return Fault("garbled", status=status, raw=raw)
    if content.get("error") and not content.get("choices"):
        return Fault("server", status=status, raw=raw)
    return None


def _status_fault(status: int, headers: Mapping[str, str], raw: str) -> Fault:
    code, hints = _reason(raw)

    def fault(kind: Kind) -> Fault:
        return Fault(kind, status=status, retry_after_s=_retry_after(headers), raw=raw, hints=hints)

    if status == 429:
        return fault("quota" if code in _QUOTA else "rate")
    if 300 <= status < 400:
        return fault("redirect")
    if status in (401, 403):
        return fault("key")
    if status == 404:
        return fault("missing")
    if status == 413 or (status < 500 and TOO_LONG.search(hints)):
        return fault("too-long")
    if status in (400, 422, 501) and _FORM_FIELDS.search(hints):
        return fault("refused-form")
    if status >= 500 or status in (408, 409, 425):
        return fault("server")
    return fault("bad-request")


def _reason(raw: str) -> tuple[str, str]:
    """The error's code, and everything it says in lower case."""
    try:
        content = read_json(raw)
    except ValueError:
        return "", raw[:2000].lower()
    error = content.get("error", content) if isinstance(content, dict) else {}
    if not isinstance(error, dict):
        return "", str(error)[:2000].lower()
    code = str(error.get("code") or error.get("type") or "")
    kind = str(error.get("type") or "")
    return (code if code in _QUOTA else kind if kind in _QUOTA else code), json.dumps(error)[:2000].lower()


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the endpoint asks us to wait, from `retry-after-ms` or `retry-after` (seconds or a date)."""
    try:
        if "retry-after-ms" in headers:
            asked = float(headers["retry-after-ms"]) / 1000
            return None if math.isnan(asked) else max(asked, 0.0)
        value = headers.get("retry-after", "").strip()
        if not value:
            return None
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value)
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
