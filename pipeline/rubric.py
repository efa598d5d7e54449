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
    cues: tuple[str, ...] = ()


class Anchors(Record):
    """What Weak, OK and Strong look like: shown to the reviewer, never sent to a model."""

    weak: tuple[str, ...]
    ok: tuple[str, ...]
    strong: tuple[str, ...]


class Pillar(Record):
    """One of the things a loop looks at, with its signals and the patterns of questions that ask for it."""

    id: str = Field(pattern=SLUG)
    title: str
    looks_for: str
    anchors: Anchors
    signals: tuple[Signal, ...]
    asks: tuple[str, ...] = ()

    @cached_property
    def hash(self) -> str:
        """Over all that shapes what is found; anchors and success criteria do not."""
        return content_hash(self.model_dump(exclude={"anchors"}))

    @cached_property
    def by_id(self) -> dict[str, Signal]:
        """Signals by id."""
        return {signal.id: signal for signal in self.signals}

    def for_model(self) -> str:
        """The part of the pillar a model sees: one line a signal."""
        rows = [f"- {signal.id} ({signal.polarity}): {signal.text}" for signal in self.signals]
        return "\n".join([f"{self.title}. {self.looks_for}", *rows])


class Rubric(Record):
    """A role profile: what success means and which pillars are looked at."""

    id: str = Field(pattern=SLUG)
    title: str
    success: tuple[str, ...]
    pillars: tuple[Pillar, ...] = Field(min_length=1)

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
    def pillar_of(self) -> dict[str, str]:
        """Signal id -> pillar id."""
        return {signal.id: pillar.id for pillar in self.pillars for signal in pillar.signals}
