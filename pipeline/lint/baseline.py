"""A committed list of findings that are known: new ones count, old ones do not, mended ones are pruned.

Entries are fingerprints, so that a moved line stays known and no word of the feedback gets into the file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.lint.finding import Finding

_VERSION = 1
Known = Counter[tuple[str, str, str]]  # file, code, fingerprint


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
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        raise SettingsError(
            f"{path} is not a lint baseline.", next_step="write it again with --write-baseline."
        ) from None
    return Counter({row[:3]: row[3] for row in rows})


def key(finding: Finding) -> tuple[str, str, str]:
    """What a baseline knows a finding by."""
    return finding.file, finding.code, finding.fingerprint


def split(found: Iterable[Finding], known: Known) -> tuple[list[Finding], list[Finding]]:
    """New findings and known ones. What stays above zero in `known` afterwards is stale."""
    fresh: list[Finding] = []
    old: list[Finding] = []
    for finding in found:
        if known[key(finding)] > 0:
            known[key(finding)] -= 1
            old.append(finding)
        else:
            fresh.append(finding)
    return fresh, old


def dump(found: Iterable[Finding]) -> str:
    """The file for these findings."""
    return dump_known(Counter(map(key, found)))


def dump_known(known: Mapping[tuple[str, str, str], int]) -> str:
    """The file: sorted, one entry a line, so that a diff can be read."""
    lines = [
        json.dumps({"file": file, "code": code, "fingerprint": print_, "count": count})
        for (file, code, print_), count in sorted(known.items())
    ]
    body = "\n    " + ",\n    ".join(lines) + "\n  " if lines else ""
    return f'{{\n  "version": {_VERSION},\n  "findings": [{body}]\n}}\n'
