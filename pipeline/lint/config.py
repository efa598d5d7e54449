"""What the linter is told: flags over the nearest configuration over the defaults.

The nearest of `verbatim.toml` (table `[lint]`) and `pyproject.toml` (table `[tool.verbatim.lint]`) counts, searched
from each file upwards; in one folder `verbatim.toml` wins. An unknown key is an error.
"""

from __future__ import annotations

import fnmatch
import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import SettingsError
from pipeline.lint.finding import SEVERITIES

CONFIG_NAMES = ("verbatim.toml", "pyproject.toml")


class LintConfig(NamedTuple):
    """One set of choices. Codes are prefixes: "GF5" means every rule of that hundred."""

    select: tuple[str, ...] = ("GF",)
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    fail_on: str = "info"
    field: str = ""
    id_field: str = ""
    baseline: str = ""
    competencies: tuple[str, ...] = ()
    document_words: int = 40
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    folder: str = ""

    def wants(self, code: str, file: str) -> bool:
        """Whether a rule counts for a file. Longest prefix decides, ignoring wins a tie; per file it always does."""
        on = max((len(p) for p in (*self.select, *self.extend_select) if code.startswith(p)), default=0)
        off = max((len(p) for p in self.ignore if code.startswith(p)), default=0)
        return on > off and not any(
            code.startswith(prefix) and _fits(file, glob, self.folder)
            for glob, prefixes in self.per_file_ignores
            for prefix in prefixes
        )

    def check_codes(self, codes: list[str]) -> None:
        """Raise SettingsError for a prefix that no rule has."""
        own = (*self.select, *self.ignore, *self.extend_select, *(p for _, ps in self.per_file_ignores for p in ps))
        for prefix in own:
            if not prefix or not any(code.startswith(prefix) for code in codes):
                where = f"The configuration in {self.folder}: no" if self.folder else "No"
                raise SettingsError(
                    f"{where} lint rule starts with {prefix!r}.", next_step="verbatim explain lists the codes."
                )


def _fits(file: str, glob: str, folder: str) -> bool:
    path = Path(file)
    names = {file, path.name, path.as_posix()}
    if folder and path.is_absolute() and path.is_relative_to(folder):
        names.add(path.relative_to(folder).as_posix())
    elif folder and (there := path.parent.resolve() / path.name).is_relative_to(folder):
        names.add(there.relative_to(folder).as_posix())
    return any(fnmatch.fnmatch(name, glob) for name in names)


def nearest(file: Path, explicit: Path | None = None) -> LintConfig:
    """The configuration for a file. Raises SettingsError when it cannot be read or has an unknown key."""
    if explicit is not None:
        if not explicit.is_file():
            raise SettingsError(f"{explicit} is not a file.", next_step="name a TOML file with --config.")
        return _load(explicit) or LintConfig(folder=str(explicit.resolve().parent))
    return _nearest_in(file.parent.resolve())  # the file itself may be a link to nowhere


def forget() -> None:
    """Look at the configuration files again: somebody who watches, or an editor, may have changed them."""
    _nearest_in.cache_clear()


@cache
def _nearest_in(folder: Path) -> LintConfig:
    for parent in (folder, *folder.parents):
        for name in CONFIG_NAMES:
            if os.path.isfile(parent / name):  # noqa: PTH113 - False where a folder may not be entered
                found = _load(parent / name)
                if found is not None:
                    return found
    return LintConfig()


def _load(path: Path) -> LintConfig | None:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, or too deep
        raise SettingsError(f"{path} is not valid TOML: {error}", next_step=f"mend {path} and run again.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.", next_step="check its permissions.") from None
    table: Any = content
    for key in _table(path).split("."):
        table = table.get(key) if isinstance(table, dict) else None
    return None if table is None else parsed(table, path)


def _table(path: Path) -> str:
    return "tool.verbatim.lint" if path.name == "pyproject.toml" else "lint"


def parsed(table: Any, path: Path) -> LintConfig:
    """Check one `[lint]` table. Raises SettingsError that names the key."""
    where = f"{path}, [{_table(path)}]"
    if not isinstance(table, dict):
        raise SettingsError(f"{where} is not a table.", next_step=f"mend {path}.")
    known = [name for name in LintConfig._fields if name != "folder"]
    chosen: dict[str, Any] = {"folder": str(path.resolve().parent)}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known or "_" in key:
            keys = ", ".join(k.replace("_", "-") for k in known)
            raise SettingsError(f"{where}: unknown key {key!r}.", next_step=f"use one of {keys}.")
        chosen[name] = _value(name, value, f"{where}: {key}")
    return LintConfig(**chosen)


def _value(name: str, value: Any, where: str) -> Any:
    if name in {"select", "ignore", "extend_select", "competencies"} and _is_texts(value):
        return tuple(value)
    if name == "per_file_ignores" and isinstance(value, dict) and all(map(_is_texts, value.values())):
        return tuple((glob, tuple(codes)) for glob, codes in value.items())
    if name == "fail_on" and value in SEVERITIES:
        return value
    if name in {"field", "id_field", "baseline"} and isinstance(value, str):
        return value
    if name == "document_words" and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise SettingsError(f"{where} has a value of the wrong kind.", next_step="see docs/lint.md for an example.")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
