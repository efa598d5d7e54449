"""A rubric as records: pillars, signals, anchors. Read from prompts/rubrics/ by `prompting`."""

from __future__ import annotations

from functools import cached_property

from pydantic import Field, model_validator

from pipeline.hashing import content_hash
from pipeline.records import Polarity, Record

SLUG = r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$"


class Signal(Record):
    """One observable behaviour. Pillar and polarity follow from its id, so a model never states them."""

    id: str = Field(pattern=SLUG)
    polarity: Polarity
    text: str
    says: tuple[str, ...] = ()


class Ask(Record):
    """A kind of question: how interviewers put it, the pillars it probes, and the signals its answer may show.

    An answer that shows one of `demands` was prompted; what a broad question merely invites was not.
    """

    kind: str = Field(pattern=SLUG)
    says: tuple[str, ...]
    pillars: tuple[str, ...] = ()
    invites: tuple[str, ...] = ()
    demands: tuple[str, ...] = ()


class Anchors(Record):
    """What Weak, OK and Strong look like: shown to the reviewer, never sent to a model."""

    weak: tuple[str, ...]
    ok: tuple[str, ...]
    strong: tuple[str, ...]


class Pillar(Record):
    """One of the things a loop looks at, with its signals."""

    id: str = Field(pattern=SLUG)
    title: str
    looks_for: str
    anchors: Anchors
    signals: tuple[Signal, ...]

    @cached_property
    def hash(self) -> str:
        """Over what a pillar means; anchors, success criteria and the offline extractor's sayings do not count."""
        return content_hash(self.model_dump(exclude={"anchors": True, "signals": {"__all__": {"says"}}}))

    @cached_property
    def by_id(self) -> dict[str, Signal]:
        """Signals by id."""
        return {signal.id: signal for signal in self.signals}

    def for_model(self) -> str:
        """The part of the pillar a model sees: one line a signal."""
        rows = [f"- {signal.id} ({signal.polarity}): {signal.text}" for signal in self.signals]
        return "\n".join([f"{self.title}. {self.looks_for}", *rows])


class Rubric(Record):
    """A role profile: what success means and which pillars are looked at.

    `asks` and `nothing` (talk that is no evidence) serve the offline extractor, as do the signals' `says`.
    """

    id: str = Field(pattern=SLUG)
    title: str
    success: tuple[str, ...]
    pillars: tuple[Pillar, ...] = Field(min_length=1)
    asks: tuple[Ask, ...] = ()
    nothing: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Rubric:
        signals = [signal.id for pillar in self.pillars for signal in pillar.signals]
        pillars = [pillar.id for pillar in self.pillars]
        twice = {name for ids in (signals, pillars) for name in ids if ids.count(name) > 1}
        if twice:
            raise ValueError(f"used twice: {', '.join(sorted(twice))}")
        return self

    @cached_property
    def hash(self) -> str:
        """Over the pillars, in order."""
        return content_hash([pillar.hash for pillar in self.pillars])

    @cached_property
    def sayings_hash(self) -> str:
        """Over all that the offline extractor compares talk with."""
        said = {signal.id: signal.says for pillar in self.pillars for signal in pillar.signals}
        return content_hash(said, [ask.model_dump() for ask in self.asks], self.nothing)

    @cached_property
    def pillar_of(self) -> dict[str, str]:
        """Signal id -> pillar id."""
        return {signal.id: pillar.id for pillar in self.pillars for signal in pillar.signals}
