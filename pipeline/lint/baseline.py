"""A committed list of findings that are known: new ones count, old ones do not, mended ones are pruned.

Entries are fingerprints, so that a moved line stays known and no word of the feedback gets into the file. Files are
named as seen from the baseline's folder, so it holds wherever the linter is started.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import SettingsError
from pipeline.lint.finding import Finding

_VERSION = 1
_Key = tuple[str, str, str]  # file, code, fingerprint


class Known(NamedTuple):
    """What a baseline in `folder` says: how often each finding was there, and how often it has not come up again."""

    folder: str
    written: Counter[_Key]
    left: Counter[_Key]

    def stale(self, files: Iterable[str]) -> Counter[_Key]:
        """Entries that nothing answers to: in the linted `files` no such finding is left, or the file is gone."""
        linted = {filed(file, self.folder) for file in files}
        names = {file for file, _, _ in self.left}
        gone = linted | {file for file in names - linted if not os.path.lexists(Path(self.folder, file))}
        return Counter({entry: count for entry, count in self.left.items() if entry[0] in gone and count > 0})


def load(path: Path) -> Known:
    """Read a baseline. Raises SettingsError when it is missing or was not written by `--write-baseline`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise SettingsError(
                f"{path} is a baseline of another version.", next_step="write it again with --write-baseline."
            )
        rows = [(str(r["file"]), str(r["code"]), str(r["fingerprint"]), int(r["count"])) for r in content["findings"]]
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}.", next_step="write it with --write-baseline."
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SettingsError(
            f"{path} is not a lint baseline.", next_step="write it again with --write-baseline."
        ) from None
    written = Counter({row[:3]: row[3] for row in rows})
    return Known(_folder(path), written, written.copy())


def _folder(path: Path) -> str:
    return os.path.dirname(os.path.realpath(path))  # noqa: PTH120 - as `filed` sees it


def filed(file: str, folder: str) -> str:
    """A file as a baseline in `folder` names it, however the file was named on the command line."""
    try:
        there = os.path.join(os.path.realpath(Path(file).parent), Path(file).name)  # noqa: PTH118
        return Path(os.path.relpath(there, folder)).as_posix()
    except ValueError:  # on another drive
        return file


def _key(finding: Finding, folder: str) -> _Key:
    file = filed(finding.file, folder)
    return file, finding.code, finding._replace(file=file).fingerprint


def split(found: Iterable[Finding], known: Known) -> tuple[list[Finding], list[Finding]]:
    """New findings and known ones. What stays above zero in `known.left` has not come up."""
    fresh: list[Finding] = []
    old: list[Finding] = []
    for finding in found:
        key = _key(finding, known.folder)
        if known.left[key] > 0:
            known.left[key] -= 1
            old.append(finding)
        else:
            fresh.append(finding)
    return fresh, old


def dump(found: Iterable[Finding], path: Path) -> str:
    """The content of a baseline at `path` with these findings."""
    folder = _folder(path)
    return dump_known(Counter(_key(finding, folder) for finding in found))


def dump_known(known: Mapping[_Key, int]) -> str:
    """The file: sorted, one entry a line, so that a diff can be read."""
    lines = [
        json.dumps({"file": file, "code": code, "fingerprint": print_, "count": count})
        for (file, code, print_), count in sorted(known.items())
    ]
    body = "\n    " + ",\n    ".join(lines) + "\n  " if lines else ""
    return f'{{\n  "version": {_VERSION},\n  "findings": [{body}]\n}}\n'
