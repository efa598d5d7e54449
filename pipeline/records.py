"""The nouns of Verbatim as frozen records. No stage edits what another stage made.

Character offsets count Unicode code points in `Transcript.text`, end exclusive. Times are seconds from the start of
the recording. No record here has a field in which a level, score or rank of a candidate could be kept; the one place
for a judgement is `Call`, which a person signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from pipeline.hashing import content_hash

Role = Literal["candidate", "interviewer", "unknown"]
RoleSource = Literal["manifest", "proposed", "confirmed"]
Polarity = Literal["strong", "weak"]
CoverageState = Literal["evidence", "asked_none_seen", "not_asked", "not_assessable"]
Reason = Literal[
    "out_of_range",
    "reversed",
    "too_long",
    "not_candidate",
    "unknown_signal",
    "wrong_pillar",
    "prompt_not_interviewer",
    "prompt_not_before",
    "probe_not_interviewer",
    "duplicate",
    "overlap",
    "unsupported",
    "not_located",
]


class Record(BaseModel):
    """Frozen, closed, and silent about its input in error messages (which may reach a log)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Interview(Record):
    """One entry of a manifest, checked: who, with which recordings, by whose consent."""

    interview_id: str
    candidate_id: str
    role_profile: str
    held_on: date | None = None
    format: str | None = None
    interviewers: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # of people, to be replaced before words go to a host that is not this machine
    recordings: tuple[str, ...] = ()
    transcript: str | None = None
    roles: dict[str, Role] = Field(default_factory=dict)
    roles_source: RoleSource = "proposed"
    consent: bool = False
    folder: str = "."


class Recording(Record):
    """The bytes of one media or transcript file. `recording_id` is derived from their SHA-256."""

    recording_id: str
    interview_id: str
    path: str
    sha256: str
    kind: Literal["audio", "transcript"]
    size: int
    mtime_ns: int
    duration_s: float | None = None
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word as recognised or imported, before it has a place in the transcript's text.

    No `Record`, nor is `Word`: an hour has ten thousand of each, and a Record takes three objects, not one.
    """

    text: str
    start_s: float
    end_s: float
    probability: float | None = None


class Heard(Record):
    """What one speaker's stream (a track, a channel, or a whole mixed file) says.

    `speaker` is "" when the words carry no speaker. `text` of a word keeps its leading space when there is one.
    """

    speaker: str
    words: tuple[HeardWord, ...]
    language: str | None = None
    language_probability: float | None = None
    duration_s: float = 0.0
    model: str = ""
    flags: tuple[str, ...] = ()


class Utterance(Record):
    """Words one speaker says in a row, with the text exactly as it was heard or decoded."""

    speaker: str
    text: str
    words: tuple[HeardWord, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its place in the transcript's text (code points) and in the recording (seconds)."""

    start: int
    end: int
    start_s: float
    end_s: float
    speaker: str
    probability: float | None = None


class Transcript(Record):
    """The coordinate system of every quote: a text, its words, and what made it."""

    interview_id: str
    transcript_hash: str
    text: str
    words: tuple[Word, ...]
    source: str
    language: str | None = None
    duration_s: float = 0.0


class Speaker(Record):
    """A speaker label with its role, and why we hold it to be that role."""

    speaker: str
    role: Role
    source: RoleSource
    reason: str


class Place(Record):
    """Where a speaker is heard: a recording, and its channel when each channel is a person."""

    recording_id: str | None = None
    channel: int | None = None


class Line(Record):
    """Sentence-like stretch of one speaker: at most 28 words, numbered from 1 through the interview."""

    line: int
    turn: int
    speaker: str
    start: int
    end: int
    start_s: float
    end_s: float
    text: str


class Chunk(Record):
    """Whole turns that go to a model together; margins of two neighbours share turns. Inclusive line numbers."""

    chunk: int
    first_line: int
    last_line: int


class Draft(Record):
    """What an extractor points at, unproved: line numbers and a rubric id. There is no text in it.

    `fault` is a reason for rejection that the line numbers do not show: a second pass did not find the signal in the
    quote, or a quote that a model wrote out could not be located.
    """

    chunk: int
    pillar: str
    signal: str
    first: int
    last: int
    prompted_by: int | None = None
    request_hash: str | None = None
    fault: Reason | None = None  # what its extractor already knows to be wrong with it


class ProbeDraft(Record):
    """An interviewer's line that an extractor takes for a question about a pillar, unproved."""

    chunk: int
    pillar: str
    line: int
    request_hash: str | None = None


class ModelCall(Record):
    """One request to a model endpoint and what it took; `cached` when the answer was already on disk."""

    request_hash: str
    model: str
    cached: bool
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    attempts: int = 1


class ModelRequest(Record):
    """All that shapes an answer. Its hash names the file the raw answer is kept in."""

    endpoint: str
    model: str
    messages: tuple[dict[str, str], ...]
    answer_schema: dict[str, Any]
    temperature: float | None
    max_output_tokens: int
    extra: dict[str, Any] = Field(default_factory=dict)  # further fields of the body, from the provider's profile

    @cached_property
    def hash(self) -> str:
        """SHA-256 over everything above, shortened."""
        return content_hash(self.model_dump())

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied.__dict__.pop("hash", None)  # a copy with other messages must have another
        return copied


class ModelAnswer(Record):
    """A raw answer as the endpoint gave it, already kept on disk."""

    text: str
    model: str
    finish_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    attempts: int = 1
    cached: bool = False


class Extraction(Record):
    """Everything that an extractor pointed at in one interview."""

    extractor: str
    model: str
    prompt_hash: str
    drafts: tuple[Draft, ...] = ()
    probes: tuple[ProbeDraft, ...] = ()
    calls: tuple[ModelCall, ...] = ()


class Evidence(Record):
    """A verified span of the candidate's words that shows a signal. The quote is always sliced, never stored."""

    evidence_id: str
    pillar: str
    signal: str
    polarity: Polarity
    start: int
    end: int
    first_line: int
    last_line: int
    start_s: float
    end_s: float
    speaker: str
    prompted_by: int | None
    request_hash: str | None
    rubric_hash: str


class Rejection(Record):
    """A draft (of evidence, or of a probe) that did not hold, with the reason. Drafts = evidence + rejections."""

    kind: Literal["evidence", "probe"]
    reason: Reason
    detail: str
    chunk: int
    pillar: str
    signal: str | None
    first: int
    last: int
    request_hash: str | None = None


class Probe(Record):
    """An interviewer's line that asks about a pillar."""

    pillar: str
    line: int
    request_hash: str | None = None


class Verified(Record):
    """What held and what did not."""

    evidence: tuple[Evidence, ...]
    probes: tuple[Probe, ...]
    rejections: tuple[Rejection, ...]


class Coverage(Record):
    """What the recording can say about a pillar: both sides, the questions, or the gap."""

    pillar: str
    state: CoverageState
    strong: int
    weak: int
    probes: int


class Flag(Record):
    """Something to know about the recording, never about the person: doubtful words or roles, speech to the machine."""

    kind: str
    detail: str
    first_line: int | None = None
    last_line: int | None = None


class Derived(Record):
    """All that one interview gave, ready to be kept."""

    interview: Interview
    recordings: tuple[Recording, ...]
    transcript: Transcript
    lines: tuple[Line, ...]
    speakers: tuple[Speaker, ...]
    places: dict[str, Place]
    extraction: Extraction
    verified: Verified
    coverage: tuple[Coverage, ...]
    flags: tuple[Flag, ...]
