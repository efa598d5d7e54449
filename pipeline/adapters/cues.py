"""What every transcript format ends up as: cues with a speaker, a text kept as it was decoded, and words with times.

A cue's text is never edited: words are slices of it, white space included, so that joined they give the text again.
Where a format gives times for words or marks inside a cue these are anchors; between anchors time runs evenly over
the characters.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from pipeline.records import HeardWord, Record, Utterance

LETTERS_A_SECOND = 15.0  # ordinary talk; used where a format gives no end
LEAST_S = 0.2
# A Han or kana character is a word of its own: these scripts put no space between words.
_WORD = re.compile(r"\s*(?:[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+)")
_LABEL = re.compile(r"[ \t]*([^\W\d_][^:：\n<>\[\]]{0,48}?)[ \t]*(?::[ \t]+|：[ \t]*)(?=\S)")
_ROLE = re.compile(
    r"(?i)(?:unknown |main |lead )?(?:interviewer|interviewee|candidate|speaker|participant|host|guest|moderator|"
    r"recruiter|applicant)(?: ?(?:\d{1,3}|[a-h]|one|two|three|four))?"
)
_PARTICLES = frozenset(
    ("al", "bin", "da", "de", "del", "den", "der", "di", "do", "dos", "du", "el", "ibn", "la", "le", "van", "von", "y")
)
# Words that open a sentence with a colon in speech; they name nobody, however often they come.
_ORDINARY = re.compile(
    r"(?i)(?:also|and|answer|because|but|caution|caveat|conclusion|context|disclaimer|edit|example|fact|finally|first|"
    r"fix|fun|hint|idea|important|last|lesson|look|meaning|notes?|now|ok|okay|option|or|plus|point|problem|question|"
    r"reason|remember|result|right|second|section|so|solution|spoiler|step|sum|summary|then|third|tip|todo|update|"
    r"warning|well|yes|no)"
)


class RawCue(Record):
    """A cue as a format gives it. `speaker` None: look for a "Name:" in the text. `anchors`: (offset, seconds)."""

    speaker: str | None
    text: str
    start_s: float
    end_s: float | None = None
    anchors: tuple[tuple[int, float], ...] = ()
    probabilities: tuple[tuple[int, float], ...] = ()


class ImportedCue(Record):
    """One speaker's words in one cue. `speaker` is "" where the file does not say who speaks."""

    speaker: str
    text: str
    start_s: float
    end_s: float
    words: tuple[HeardWord, ...]


class ImportedTranscript(Record):
    """A transcript file, read. `flags` say what was doubtful or repaired, with counts and line numbers only."""

    kind: str
    cues: tuple[ImportedCue, ...]
    language: str | None = None
    flags: tuple[str, ...] = ()

    def utterances(self) -> Iterator[Utterance]:
        """The cues in order of time, as the stages after speech recognition take them."""
        for cue in self.cues:
            yield Utterance(speaker=cue.speaker, text=cue.text, words=cue.words)


def finish(kind: str, raw: Sequence[RawCue], *, language: str | None, flags: Sequence[str]) -> ImportedTranscript:
    """Speakers from labels, times repaired and in order, words placed."""
    notes = list(flags)
    raw = [_stripped(cue) for cue in raw]
    labels = speaker_labels([cue.text for cue in raw if cue.speaker is None])
    pieces = [piece for cue in _ended(raw, notes) for piece in _split(cue, labels) if piece.text.strip()]
    if any(later.start_s < sooner.start_s for sooner, later in pairwise(pieces)):
        notes.append("cues were not in order of time and were sorted")
        pieces.sort(key=lambda piece: piece.start_s)
    named = sum(bool(piece.speaker) for piece in pieces)
    if named and named < len(pieces):
        notes.append(f"{len(pieces) - named} of {len(pieces)} cues name no speaker")
    letters = Counter("".join(piece.text for piece in pieces))
    if hidden := sum(count for letter, count in letters.items() if _is_hidden(letter)):
        notes.append(f"{hidden} hidden characters (control, zero-width, direction or tag) are in the text")
    cues = tuple(_placed(piece) for piece in pieces)
    return ImportedTranscript(kind=kind, cues=cues, language=language, flags=tuple(notes))


def speaker_labels(texts: Sequence[str]) -> frozenset[str]:
    """Which "Name:" at the start of a line are speakers, judged over the whole file.

    A label must have the form of a name or a role, and either recur, or stand in a file in which at least half of the
    cues open with a label. "Note: this" in somebody's speech meets neither.
    """
    counts = Counter(found[1] for text in texts for line in text.split("\n") if (found := _LABEL.match(line)))
    shaped = {label: count for label, count in counts.items() if _is_name(label)}
    opening = sum(1 for text in texts if (found := _LABEL.match(text.lstrip())) and found[1] in shaped)
    labelled = len(texts) > 0 and opening * 2 >= len(texts)
    return frozenset(label for label, count in shaped.items() if count > 1 or labelled)


def _is_name(label: str) -> bool:
    if _ROLE.fullmatch(label):
        return True
    words = re.sub(r"\([^)]*\)", "", label).split()
    if not 1 <= len(words) <= 5 or _ORDINARY.fullmatch(words[0]) or any(c in label for c in '?!;,"/'):
        return False
    return all(word.casefold() in _PARTICLES or not word[0].islower() for word in words) and words[0][0].isalpha()


def _split(cue: RawCue, labels: frozenset[str]) -> Iterator[RawCue]:
    """One piece a speaker: a cue may hold several lines with a label each."""
    if cue.speaker is not None:
        yield _slice(cue, 0, len(cue.text), cue.speaker)
        return
    speaker, begin, offset = "", 0, 0
    for line in cue.text.split("\n"):
        found = _LABEL.match(line)
        if found and found[1] in labels:
            yield _slice(cue, begin, offset, speaker)
            speaker, begin = found[1], offset + found.end()
        offset += len(line) + 1
    yield _slice(cue, begin, len(cue.text), speaker)


def _stripped(cue: RawCue) -> RawCue:
    """The cue without the white space around its text, which takes no time to say."""
    lead = len(cue.text) - len(cue.text.lstrip())
    return cue.model_copy(
        update={
            "text": cue.text.strip(),
            "anchors": tuple((max(0, at - lead), second) for at, second in cue.anchors),
            "probabilities": tuple((max(0, at - lead), chance) for at, chance in cue.probabilities),
        }
    )


def _slice(cue: RawCue, begin: int, end: int, speaker: str) -> RawCue:
    """A part of a cue without the white space around it, with the times that fall to it."""
    text = cue.text[begin:end]
    begin += len(text) - len(text.lstrip())
    text = text.strip()
    end = begin + len(text)
    clock = _clock(cue)
    inside = tuple((at - begin, s) for at, s in cue.anchors if begin <= at <= end)
    chances = tuple((at - begin, p) for at, p in cue.probabilities if begin <= at < end)
    return RawCue(
        speaker=speaker,
        text=text,
        start_s=time_at(clock, begin),
        end_s=time_at(clock, end),
        anchors=inside,
        probabilities=chances,
    )


def _ended(raw: Sequence[RawCue], notes: list[str]) -> list[RawCue]:
    """Every cue with an end after its start: the next cue's start, or what its length takes to say."""
    ended, repaired = [], 0
    for index, cue in enumerate(raw):
        end = cue.end_s
        if end is None or end <= cue.start_s:
            repaired += end is not None
            needed = cue.start_s + max(LEAST_S, len(cue.text) / LETTERS_A_SECOND)
            following = raw[index + 1].start_s if index + 1 < len(raw) else needed
            end = following if cue.end_s is None and following > cue.start_s else needed
        ended.append(cue.model_copy(update={"end_s": end}))
    if repaired:
        notes.append(f"{repaired} cues ended before they began; their length was estimated")
    return ended


def _clock(cue: RawCue) -> list[tuple[int, float]]:
    """Anchors of a cue from its first to its last character, running forward in both text and time."""
    assert cue.end_s is not None
    length = max(1, len(cue.text))
    clock = [(0, cue.start_s)]
    end = cue.end_s
    for at, second in sorted(cue.anchors):
        second = min(max(second, clock[-1][1]), cue.end_s)
        if at >= length:
            end = second
        elif at == clock[-1][0]:
            clock[-1] = (at, second)
        else:
            clock.append((at, second))
    return [*clock, (length, end)]


def time_at(clock: Sequence[tuple[int, float]], offset: int) -> float:
    """Seconds at a character, evenly between the anchors around it."""
    index = min(max(bisect_right(clock, (offset, inf)), 1), len(clock) - 1)
    (before, start), (after, end) = clock[index - 1], clock[index]
    return start + (end - start) * min(1.0, (offset - before) / (after - before))


def _placed(piece: RawCue) -> ImportedCue:
    clock = _clock(piece)
    chances = dict(piece.probabilities)
    words = []
    for found in _WORD.finditer(piece.text):
        begin = found.end() - len(found[0].lstrip())
        given = [chances[at] for at in range(begin, found.end()) if at in chances] if chances else []
        words.append(
            HeardWord(
                text=found[0],
                start_s=round(time_at(clock, begin), 3),
                end_s=round(time_at(clock, found.end()), 3),
                probability=min(given) if given else None,
            )
        )
    assert piece.end_s is not None
    return ImportedCue(
        speaker=piece.speaker or "", text=piece.text, start_s=piece.start_s, end_s=piece.end_s, words=tuple(words)
    )


def _is_hidden(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cf") and letter not in "\t\n\r"
