"""Which streams of an interview to listen to, and how what was heard becomes one transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pipeline.records import Heard, Interview, Record, Role

VERSION = 1
Mix = Literal["left", "right", "mixed"]


class Stream(Record):
    """One thing to listen to: a recording, the channel (None: all of them mixed), and the label of who is on it."""

    recording_id: str
    channel: int | None
    speaker: str


def plan_streams(interview: Interview, recordings: Sequence[tuple[str, str, int, bool]]) -> list[Stream]:
    """Streams to hear, best separation first: a track per person, then stereo channels, then one mix.

    `recordings` holds (path, recording_id, channels, channels differ) in the manifest's order. A stereo file is split
    when the roles name its sides, or when each side clearly carries a person of its own.
    """
    unique = list({recording_id: (path, recording_id, n, d) for path, recording_id, n, d in recordings}.values())
    if len(unique) > 1:
        return [Stream(recording_id=recording_id, channel=None, speaker=path) for path, recording_id, _, _ in unique]
    streams = []
    for _, recording_id, channels, differ in unique:
        if channels == 2 and ({"left", "right"} & set(interview.roles) or differ):
            streams += [
                Stream(recording_id=recording_id, channel=side, speaker=label)
                for side, label in enumerate(("left", "right"))
            ]
        else:
            streams.append(Stream(recording_id=recording_id, channel=None, speaker="mixed"))
    return streams


def main_language(heard: Sequence[Heard]) -> str | None:
    """The language of most words."""
    counts: dict[str, int] = {}
    for stream in heard:
        if stream.language:
            counts[stream.language] = counts.get(stream.language, 0) + len(stream.words)
    return max(counts, key=lambda name: (counts[name], name), default=None)


def known_roles(interview: Interview, confirmed: Mapping[str, Role]) -> dict[str, Role]:
    """Roles from the manifest, overruled by what a person confirmed. A track may be named by its file name alone."""
    roles: dict[str, Role] = {}
    for label, role in interview.roles.items():
        full = [name for name in interview.recordings if name == label or name.rsplit("/", 1)[-1] == label]
        roles[full[0] if len(full) == 1 else label] = role
    return {**roles, **confirmed}
