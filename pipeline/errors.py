"""Every error a person can meet, in one tree.

VerbatimError            exit code 2: usage or set-up
├── SettingsError        a flag, an environment variable or verbatim.toml
├── ManifestError        an entry of a manifest
├── RubricError          a file under prompts/
├── MediaError           a recording that cannot be decoded
├── TranscriptError      a transcript that cannot be read
├── FeedbackError        written feedback that cannot be linted
├── ModelMissingError    no speech model in reach
├── EndpointError        a model endpoint that cannot be used
│   └── RunStopError     exit code 4: nothing more is asked in this run; the next run goes on from here
├── AnswerError          a model's answer that cannot be accepted
├── StoreError           the database
│   └── StoreBusyError   another program holds it
├── ReviewError          a call or a correction that cannot be taken as it is
│   └── DebriefWaitsError  exit code 1: something is still missing for the packet
└── MissingExtraError    an optional package is not installed
"""

from __future__ import annotations


class VerbatimError(Exception):
    """What failed, what is kept, and what to type next; printed without a traceback.

    `what` names the thing and the fault. `kept` says which work stands. `next_step` is a command or an edit.
    """

    exit_code = 2

    def __init__(self, what: str, *, kept: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.kept = kept
        self.next_step = next_step

    def __str__(self) -> str:
        parts = [self.what]
        if self.kept:
            parts.append(f"Kept: {self.kept}")
        if self.next_step:
            parts.append(f"Next: {self.next_step}")
        return "\n".join(parts)


class SettingsError(VerbatimError):
    """A flag, an environment variable or a line of verbatim.toml that cannot be used."""


class ManifestError(VerbatimError):
    """One entry of a manifest; the other entries run."""


class RubricError(VerbatimError):
    """A rubric, template or example under prompts/ that does not hold together."""


class MediaError(VerbatimError):
    """A recording that cannot be decoded, with the reason."""


class TranscriptError(VerbatimError):
    """A transcript file that cannot be read, with line and reason."""


class FeedbackError(VerbatimError):
    """Written feedback that cannot be linted: missing, too large, not UTF-8, without the column."""


class ModelMissingError(VerbatimError):
    """No speech model in a folder, an installed package or the hub's cache."""


class EndpointError(VerbatimError):
    """A model endpoint that is not configured, not allowed or does not answer properly."""


class RunStopError(EndpointError):
    """The endpoint, or a cap, ended the run: no quota, a refused key, a redirect, a page instead of an answer."""

    exit_code = 4


class AnswerError(VerbatimError):
    """A model's answer that was kept on disk but cannot be accepted as evidence.

    `fault` names the kind in one word: format, empty, refused, filtered, finish, length, other-model, truncated,
    too-long, bad-request, no-answer, or pending (asked of nobody yet).
    """

    def __init__(self, what: str, *, fault: str = "format", kept: str = "", next_step: str = "") -> None:
        super().__init__(what, kept=kept, next_step=next_step)
        self.fault = fault


class StoreError(VerbatimError):
    """The database cannot be opened, read or written."""


class StoreBusyError(StoreError):
    """Another program held the database for longer than we waited."""


class ReviewError(VerbatimError):
    """A call or a correction that cannot be taken: what to fill in, or why it is not the time."""


class DebriefWaitsError(ReviewError):
    """A packet that should wait: a call is missing, or a pillar was never asked about."""

    exit_code = 1


class MissingExtraError(VerbatimError):
    """An optional package is needed; the message names the one install line."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the extra '{extra}', which is not installed.",
            next_step=f"pip install 'verbatim-interviews[{extra}]'",
        )
