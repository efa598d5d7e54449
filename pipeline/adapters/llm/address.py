"""Where requests go: this machine, or a host that the user allowed by name. Decided before anything is sent."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit, urlunsplit

from pipeline.errors import EndpointError, SettingsError
from pipeline.records import Record
from pipeline.settings import Llm

HOSTED = "https://api.openai.com/v1"
NO_KEY = "none"  # servers on this machine ask for no key; the client insists on one


class Address(Record):
    """A checked base URL. `endpoint` names it in hashes and on screen and never holds a secret."""

    endpoint: str
    host: str
    local: bool
    encrypted: bool


def find_address(settings: Llm) -> Address:
    """The endpoint of the settings, of OPENAI_BASE_URL, or the hosted default, when it may be used.

    A host that is not this machine must stand in `allow_hosts` (as `host` or `host:port`). Raises SettingsError for a
    URL that cannot be one and EndpointError for a host that was not allowed.
    """
    url = settings.base_url or os.environ.get("OPENAI_BASE_URL") or HOSTED
    source = "llm.base_url" if settings.base_url else "OPENAI_BASE_URL" if url != HOSTED else "the hosted default"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # its text may hold the whole address, a password in it included
        raise SettingsError(f"{source} is not an http or https address.", next_step="see docs/endpoint.md.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError(f"{source} is not an http or https address.", next_step="see docs/endpoint.md.")
    if parts.username or parts.password or parts.query:
        raise SettingsError(
            f"{source} carries a name, a password or a query.",
            next_step="put the key into the environment (OPENAI_API_KEY).",
        )
    local = is_local(host)
    place = f"{host}:{port}" if port else host
    if not local and not {host, place} & {allowed.lower() for allowed in settings.allow_hosts}:
        raise EndpointError(
            f"{place} ({source}) is not this machine and is not allowed to receive transcripts.",
            kept="nothing was sent.",
            next_step=f'add it on purpose: [llm] allow_hosts = ["{host}"] in verbatim.toml.',
        )
    endpoint = urlunsplit((parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"), "", ""))
    return Address(endpoint=endpoint, host=host, local=local, encrypted=parts.scheme == "https")


def is_local(host: str) -> bool:
    """True for loopback addresses and localhost: nothing sent there leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def find_key(address: Address, variable: str) -> str:
    """The key from the environment; a local server gets a placeholder and never a real key by accident."""
    if address.local:
        variable, key = "VERBATIM_LOCAL_KEY", os.environ.get("VERBATIM_LOCAL_KEY", "").strip() or NO_KEY
    else:
        key = (os.environ.get(variable) or os.environ.get("OPENAI_API_KEY") or "").strip()
    if not key:
        raise EndpointError(
            f"{address.host} needs a key and {variable} is not set.",
            next_step=f"export {variable}=..., then run again.",
        )
    if not (key.isascii() and key.isprintable()):
        raise EndpointError(f"{variable} holds characters that no key has.", next_step=f"export {variable} again.")
    return key
