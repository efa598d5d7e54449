"""Start llama.cpp's own server in this process for a GGUF file, on loopback, through xllamacpp."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import EndpointError, MissingExtraError, SettingsError


class LocalServer(NamedTuple):
    """A running server. It stops with the process: its destructor can wait for ever for a server nobody asked."""

    url: str
    model: str
    handle: Any


def start(gguf: Path, *, port: int = 0, context: int = 8192, slots: int = 1, threads: int = 0) -> LocalServer:
    """Load the weights and listen on 127.0.0.1; `port` 0 takes a free one. `context` is in tokens, for each slot.

    Raises SettingsError for a file that is no GGUF, MissingExtraError without xllamacpp, EndpointError when it does
    not start (too little memory, a port in use).
    """
    try:
        with gguf.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise SettingsError(f"{gguf} cannot be read: {error.strerror}.", next_step="name a .gguf file.") from None
    if magic != b"GGUF":
        raise SettingsError(f"{gguf} is not a GGUF file.", next_step="name a .gguf file.")
    try:
        import xllamacpp
    except ImportError:
        raise MissingExtraError("local", "serving a model on this machine") from None
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.model_alias = {gguf.stem}
    params.port, params.n_parallel, params.n_ctx = port, slots, context * slots
    params.verbosity, params.ui, params.warmup = -1, False, False
    for pool in (params.cpuparams, params.cpuparams_batch):
        pool.n_threads = threads or max(1, (os.cpu_count() or 2) - 1)
        pool.poll = 0  # waiting threads sleep; spinning ones starve everybody else on a busy machine
    try:
        server = xllamacpp.Server(params)
    except (RuntimeError, ValueError, OSError) as error:
        raise EndpointError(
            f"{gguf.name} does not start: {error}", next_step="free memory, or choose --port."
        ) from None
    return LocalServer(url=f"{server.listening_address}/v1", model=gguf.stem, handle=server)
