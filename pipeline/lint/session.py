"""One run of the linter over files: read, lint, print, and say what failed. Also the watching loop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from pipeline.errors import SettingsError, VerbatimError
from pipeline.lint import baseline, sources
from pipeline.lint.config import CONFIG_NAMES, LintConfig, forget, nearest
from pipeline.lint.finding import SEVERITIES, Note, NoteReport
from pipeline.lint.formats import FORMATS, clean, plural, statistics, summary_line
from pipeline.lint.rules import RuleSet, load_rules
from pipeline.lint.run import Look, lint_notes
from pipeline.plain import plain

_POLL_S = 0.5


class Flags(NamedTuple):
    """What the command line said; empty means: as configured."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    config: Path | None = None
    field: str = ""
    id_field: str = ""
    stdin_filename: str = ""
    output_format: str = ""
    fail_on: str = ""
    statistics: bool = False
    baseline: Path | None = None
    write_baseline: bool = False
    prune_baseline: bool = False


class Outcome(NamedTuple):
    """Reports, how many findings reach the failing severity, and whether something could not be linted."""

    reports: list[NoteReport]
    counts: int
    failed: bool


class Session:
    """The linter with its flags. Raises SettingsError at once for a flag that cannot be used."""

    def __init__(self, flags: Flags, rules: RuleSet | None = None, look: Look | None = None) -> None:
        self.flags, self.rules, self.look = flags, rules or load_rules(), look
        if flags.output_format and flags.output_format not in FORMATS:
            raise SettingsError(
                f"No output format {flags.output_format!r}.", next_step=f"use one of {', '.join(FORMATS)}."
            )
        if flags.fail_on and flags.fail_on not in SEVERITIES:
            raise SettingsError(f"No severity {flags.fail_on!r}.", next_step=f"use one of {', '.join(SEVERITIES)}.")
        LintConfig(flags.select or ("GF",), flags.ignore, flags.extend_select).check_codes(list(self.rules.rules))

    def config(self, file: str) -> LintConfig:
        """The configuration for a file, flags on top."""
        flags, found = self.flags, nearest(Path(file), self.flags.config)
        found.check_codes(list(self.rules.rules))
        return found._replace(
            select=flags.select or found.select,
            ignore=(*(() if flags.select else found.ignore), *flags.ignore),
            extend_select=(*(() if flags.select else found.extend_select), *flags.extend_select),
            fail_on=flags.fail_on or found.fail_on,
            field=flags.field or found.field,
            id_field=flags.id_field or found.id_field,
        )

    def once(self, paths: Sequence[Path], stdin: BinaryIO, out: TextIO, err: TextIO) -> Outcome:
        """Lint everything once and print the report to `out`, what could not be linted to `err`."""
        notes, failed = self._notes(paths, stdin, err)
        known_path = self._baseline_path(paths)
        known = baseline.load(known_path) if known_path and not self.flags.write_baseline else None
        reports = lint_notes(notes, self.rules, self.config, known, self.look)
        if known_path and self.flags.write_baseline:
            self._write(known_path, reports, err, failed=failed)
            return Outcome(reports, 0, failed)
        if known_path and known is not None:
            self._stale(known_path, known, notes, err)
        if self.flags.statistics:
            out.write(statistics(reports, self.rules, for_machine=self.flags.output_format == "json"))
        else:
            out.write(FORMATS[self.flags.output_format or "full"](reports, self.rules))
        if self.flags.output_format == "concise" or self.flags.statistics:
            err.write(summary_line(reports) + "\n")
        return Outcome(reports, sum(map(self._failing, reports)), failed)

    def _notes(self, paths: Sequence[Path], stdin: BinaryIO, err: TextIO) -> tuple[list[Note], bool]:
        notes: list[Note] = []
        failed = False
        files = [path for path in paths if str(path) != "-"]
        named, found, faults = sources.collect(files)
        for error in faults:
            err.write(f"verbatim: {plain(error)}\n")
            failed = True
        if files and not named and not found and not failed and len(files) == len(paths):
            err.write(f"Nothing to lint: no {', '.join(sources.SUFFIXES)} file in {', '.join(map(str, files))}.\n")
        if len(files) < len(paths):
            name = self.flags.stdin_filename or "stdin.txt"
            failed |= not self._take(notes, partial(stdin.read, sources.MAX_BYTES + 1), name, err, skip_tables=False)
        for path in (*named, *found):
            failed |= not self._take(notes, partial(sources.read, path), str(path), err, skip_tables=path in found)
        return notes, failed

    def _take(
        self, notes: list[Note], content: Callable[[], bytes], name: str, err: TextIO, *, skip_tables: bool
    ) -> bool:
        """Add the notes of one file; a table without feedback that was only met in a folder is skipped aloud."""
        try:
            config = self.config(name)
            text = sources.decoded(content(), clean(name))
            notes.extend(sources.notes(text, name, field=config.field, id_field=config.id_field))
        except SettingsError:
            raise
        except VerbatimError as error:
            if skip_tables and Path(name).suffix.lower() in sources.TABLES and not self.flags.field:
                err.write(f"Skipped {clean(str(error.what))}\n")
                return True
            err.write(f"verbatim: {plain(error)}\n")
            return False
        return True

    def _failing(self, report: NoteReport) -> int:
        least = SEVERITIES.index(self.config(report.note.file).fail_on)
        # What a rule found counts as the rule said: a model can make the exit status stricter, never laxer.
        return sum(SEVERITIES.index(f.downgraded_from or f.severity) >= least for f in report.findings)

    # ---- baseline ---------------------------------------------------------------------------------------------------

    def _baseline_path(self, paths: Sequence[Path]) -> Path | None:
        if self.flags.baseline is not None:
            return self.flags.baseline
        in_folder = os.path.isdir(paths[0])  # noqa: PTH112 - False where a folder may not be entered
        configured = self.config(str(paths[0] / "x" if in_folder else paths[0]))
        if configured.baseline:
            return Path(configured.folder) / configured.baseline
        if self.flags.write_baseline or self.flags.prune_baseline:
            raise SettingsError(
                "No baseline is named.", next_step="name one with --baseline FILE or in the configuration."
            )
        return None

    def _write(self, path: Path, reports: Sequence[NoteReport], err: TextIO, *, failed: bool) -> None:
        if failed:  # what could not be linted would be missing from it
            err.write(f"{path} is not written: not everything could be linted.\n")
            return
        found = [finding for report in reports for finding in report.findings]
        self._save(path, baseline.dump(found, path))
        err.write(f"Wrote {plural(len(found), 'finding')} to {path}.\n")

    def _stale(self, path: Path, known: baseline.Known, notes: Sequence[Note], err: TextIO) -> None:
        stale = known.stale(note.file for note in notes)
        if stale and self.flags.prune_baseline:
            self._save(path, baseline.dump_known(known.written - stale))
            err.write(f"Took {plural(stale.total(), 'mended finding')} out of {path}.\n")
        elif stale:
            err.write(f"{path} holds {plural(stale.total(), 'mended finding')}; --prune-baseline takes them out.\n")

    @staticmethod
    def _save(path: Path, content: str) -> None:
        try:
            path.write_text(content, encoding="utf-8")
        except OSError as error:
            raise SettingsError(
                f"{path} cannot be written: {error.strerror}.", next_step="choose another file."
            ) from None

    # ---- watching ---------------------------------------------------------------------------------------------------

    def watch(self, paths: Sequence[Path], out: TextIO, err: TextIO, rounds: int = 0) -> None:
        """Lint whenever a file changes, appears or goes, until interrupted (or for `rounds` looks)."""
        if any(str(path) == "-" for path in paths):
            raise SettingsError("Standard input cannot be watched.", next_step="name files or folders.")
        last: dict[Path, tuple[int, int]] | None = None
        looks = 0
        while not rounds or looks < rounds:
            now = _stamps(paths, self.flags.config)
            if now != last:
                out.write(f"{time.strftime('%H:%M:%S')}\n")
                self._again(paths, out, err)
                out.flush()
                last = now
            looks += 1
            time.sleep(_POLL_S)

    def _again(self, paths: Sequence[Path], out: TextIO, err: TextIO) -> None:
        import io

        forget()
        try:
            self.once(paths, io.BytesIO(), out, err)
        except VerbatimError as error:  # a configuration in the middle of an edit
            err.write(f"verbatim: {plain(error)}\n")


def _stamps(paths: Sequence[Path], explicit: Path | None = None) -> dict[Path, tuple[int, int]]:
    stamps = {}
    named, found, _ = sources.collect(paths)
    files = [*named, *found]
    above = {folder for path in (*paths, *files) for folder in (path, *path.absolute().parents)}
    configs = [explicit] if explicit else [folder / name for folder in above for name in CONFIG_NAMES]
    for path in (*files, *configs):
        try:
            status = path.stat()
        except OSError:
            continue
        stamps[path] = (status.st_mtime_ns, status.st_size)
    return stamps
