"""Who spoke, and in which role. A role that nobody confirmed is proposed with its reason, and says so.

Best first: one track a person, stereo channels, speaker labels of a transcript beside the recording, unknown.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate

from pipeline.records import Flag, Heard, HeardWord, Line, Record, Role, RoleSource, Speaker, Utterance

VERSION = 1
NEAR_S = 1.0  # a word this close to a labelled cue takes its speaker
MIN_LINES = 6  # fewer lines say too little about who asks and who answers
QUESTION_GAP = 0.15


class Tally(Record):
    """What one speaker does in an interview."""

    speaker: str
    lines: int
    questions: int
    words: int

    @property
    def question_share(self) -> float:
        """Questions per line."""
        return self.questions / self.lines if self.lines else 0.0


def tally(lines: Sequence[Line]) -> list[Tally]:
    """Counts per speaker, most words first."""
    counts: dict[str, list[int]] = {}
    for line in lines:
        row = counts.setdefault(line.speaker, [0, 0, 0])
        row[0] += 1
        row[1] += line.text.rstrip("\"'”’ ").endswith("?")
        row[2] += len(line.text.split())
    rows = [Tally(speaker=name, lines=row[0], questions=row[1], words=row[2]) for name, row in counts.items()]
    return sorted(rows, key=lambda row: (-row.words, row.speaker))


def attribute(heard: Heard, labelled: Sequence[Utterance]) -> list[Heard]:
    """Give each word of a mixed recording the speaker of the labelled cue it falls into; one stream a speaker.

    By word, because the recogniser's segments join two people's sentences. A word beyond NEAR_S of any cue keeps "".
    """
    cues = sorted((u.words[0].start_s, u.words[-1].end_s, u.speaker) for u in labelled if u.words)
    reach = list(accumulate((end_s for _, end_s, _ in cues), max))
    streams: dict[str, list[HeardWord]] = {}
    for word in heard.words:
        streams.setdefault(_speaker_at(cues, reach, (word.start_s + word.end_s) / 2), []).append(word)
    return [heard.model_copy(update={"speaker": name, "words": tuple(words)}) for name, words in streams.items()]


def _speaker_at(cues: Sequence[tuple[float, float, str]], reach: Sequence[float], at_s: float) -> str:
    """The nearest cue's speaker; where two talk at once, the one who began last.

    `reach` holds for each cue how far any cue up to it reaches, so that a long cue behind short ones is not missed.
    """
    best, least = "", NEAR_S
    i = bisect.bisect_right(cues, at_s + NEAR_S, key=lambda cue: cue[0])
    while i > 0 and reach[i - 1] >= at_s - NEAR_S:
        i -= 1
        start_s, end_s, speaker = cues[i]
        away = max(start_s - at_s, at_s - end_s, 0.0)
        if away < least or (away == least and not best):
            best, least = speaker, away
    return best


def assign_roles(lines: Sequence[Line], known: Mapping[str, Role], source: RoleSource) -> list[Speaker]:
    """A role for every speaker heard: from `known` (manifest, or a person's word), else proposed with the reason."""
    rows = tally(lines)
    open_rows = [row for row in rows if row.speaker and row.speaker not in known]
    taken = {known[row.speaker] for row in rows if row.speaker in known}
    proposed = _propose(open_rows, candidate_known="candidate" in taken)
    speakers = [
        Speaker(speaker=row.speaker, role=known[row.speaker], source=source, reason=f"given by the {_given(source)}")
        if row.speaker in known
        else proposed.get(row.speaker) or _unknown(row.speaker)
        for row in rows
    ]
    return sorted(speakers, key=lambda speaker: speaker.speaker)


def _given(source: RoleSource) -> str:
    return "manifest" if source == "manifest" else "reviewer"


def _unknown(speaker: str) -> Speaker:
    return Speaker(speaker=speaker, role="unknown", source="proposed", reason="nothing tells who this is")


def _propose(rows: Sequence[Tally], *, candidate_known: bool) -> dict[str, Speaker]:
    """Who asks least is the candidate, the others interview; with one voice, or too few lines, nobody knows."""
    if candidate_known:
        return {row.speaker: _proposal(row, "interviewer", "the candidate is another speaker") for row in rows}
    if len(rows) < 2 or sum(row.lines for row in rows) < MIN_LINES:
        return {}
    by_asking = sorted(rows, key=lambda row: (row.question_share, -row.words, row.speaker))
    candidate, runner_up = by_asking[0], by_asking[1]
    if runner_up.question_share - candidate.question_share < QUESTION_GAP:
        return {}
    found = {row.speaker: _proposal(row, "interviewer", _asks(row)) for row in by_asking[1:]}
    return {candidate.speaker: _proposal(candidate, "candidate", _asks(candidate)), **found}


def _asks(row: Tally) -> str:
    return f"asks in {row.questions} of {row.lines} lines and says {row.words} words"


def _proposal(row: Tally, role: Role, reason: str) -> Speaker:
    return Speaker(speaker=row.speaker, role=role, source="proposed", reason=reason)


def swap_alarm(lines: Sequence[Line], roles: Mapping[str, Role]) -> Flag | None:
    """A warning when the candidate asks far more of the questions than the interviewers: the roles may be swapped."""
    sums = {"candidate": [0, 0], "interviewer": [0, 0]}
    for row in tally(lines):
        role = roles.get(row.speaker, "unknown")
        if role in sums:
            sums[role][0] += row.questions
            sums[role][1] += row.lines
    (c_questions, c_lines), (i_questions, i_lines) = sums["candidate"], sums["interviewer"]
    if min(c_lines, i_lines) < MIN_LINES or c_questions / c_lines - i_questions / i_lines < QUESTION_GAP:
        return None
    return Flag(
        kind="roles_may_be_swapped",
        detail=f"the candidate asks in {c_questions} of {c_lines} lines, interviewers in {i_questions} of {i_lines}",
    )
