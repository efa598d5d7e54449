"""Words to a transcript, and a transcript to numbered lines.

The transcript's text is the coordinate system of every quote, so it is made once, here, and never changed: what each
speaker says in a row stands together, a newline where the speaker changes. Lines are sentence-like, one speaker, at
most 28 words (longer lines gave quotes twice as long as people mark, see docs/decisions/pointing.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from pipeline.hashing import content_hash
from pipeline.records import Heard, HeardWord, Line, Transcript, Utterance, Word

VERSION = 1
MAX_WORDS = 28
PAUSE_S = 1.2  # a pause this long ends a line
UTTERANCE_PAUSE_S = 0.8  # and this long lets the other speaker in between

_SENTENCE_END = re.compile(r"[.?!…。？！]+[\"'”’)\]]*$")
_ABBREVIATION = re.compile(r"(?i)^(?:e\.g|i\.e|etc|vs|mr|mrs|ms|dr|prof|st|no|approx|inc|ltd|jr|sr)\.$|^[a-z]\.$")
_SOFT_END = re.compile(r"[,;:–—-]$")
_JOINERS = frozenset(["and", "but", "so", "because", "then", "which", "while", "when", "if", "or", "that"])


def utterances(heard: Heard) -> list[Utterance]:
    """Cut one speaker's stream at sentence ends and pauses, so that two streams can be woven together."""
    found: list[Utterance] = []
    start = 0
    words = heard.words
    for i, word in enumerate(words):
        last = i + 1 == len(words)
        if last or _ends_sentence(word.text) or words[i + 1].start_s - word.end_s >= UTTERANCE_PAUSE_S:
            piece = words[start : i + 1]
            text = "".join(w.text if w.text[:1].isspace() or not w.text else _spaced(w, n) for n, w in enumerate(piece))
            if text.strip():
                found.append(Utterance(speaker=heard.speaker, text=text.strip(), words=piece))
            start = i + 1
    return found


def _spaced(word: HeardWord, position: int) -> str:
    return f" {word.text}" if position else word.text


def _ends_sentence(text: str) -> bool:
    stripped = text.strip()
    return bool(_SENTENCE_END.search(stripped)) and not _ABBREVIATION.match(stripped)


def weave(streams: Iterable[Heard]) -> list[Utterance]:
    """The utterances of all streams in the order they begin."""
    return sorted(
        (utterance for heard in streams for utterance in utterances(heard)),
        key=lambda u: (u.words[0].start_s, u.words[0].end_s, u.speaker),
    )


def assemble(
    interview_id: str, said: Sequence[Utterance], *, source: str, language: str | None = None, duration_s: float = 0.0
) -> Transcript:
    """Join utterances to one text and give each word its place in it.

    Within a turn utterances are joined by a space, between turns by a newline. Times are clipped to the recording. The
    hash names the words in this interview: two interviews that share a recording share no rows.
    """
    parts: list[str] = []
    words: list[Word] = []
    at = 0
    for previous, utterance in pairwise([None, *said]):
        assert utterance is not None
        if previous is not None:
            joint = " " if previous.speaker == utterance.speaker else "\n"
            parts.append(joint)
            at += 1
        parts.append(utterance.text)
        words += _placed(utterance, at, duration_s)
        at += len(utterance.text)
    text = "".join(parts)
    placed = [{name: getattr(word, name) for name in Word.__slots__} for word in words]
    key = content_hash(interview_id, text, placed, duration_s)
    return Transcript(
        interview_id=interview_id,
        transcript_hash=key,
        text=text,
        words=tuple(words),
        source=source,
        language=language,
        duration_s=duration_s,
    )


def _placed(utterance: Utterance, offset: int, duration_s: float) -> list[Word]:
    placed: list[Word] = []
    cursor = 0
    for word in utterance.words:
        token = word.text.strip()
        if not token:
            continue
        found = utterance.text.find(token, cursor)
        if found < 0:
            raise ValueError("a word is not in its utterance")  # an adapter's fault, caught by its contract tests
        cursor = found + len(token)
        end_limit = duration_s if duration_s > 0 else max(word.end_s, 0.0)
        start_s = min(max(word.start_s, 0.0), end_limit)
        placed.append(
            Word(
                start=offset + found,
                end=offset + cursor,
                start_s=round(start_s, 3),
                end_s=round(min(max(word.end_s, start_s), max(end_limit, start_s)), 3),
                speaker=utterance.speaker,
                probability=None if word.probability is None else round(word.probability, 4),
            )
        )
    return placed


def cut_lines(transcript: Transcript) -> list[Line]:
    """Number the transcript's lines from 1. Every word lies in exactly one line."""
    lines: list[Line] = []
    turns = groupby(transcript.words, key=lambda word: word.speaker)
    for turn, (speaker, group) in enumerate(turns, start=1):
        for piece in _cut_turn(transcript.text, list(group)):
            start, end = piece[0].start, piece[-1].end
            lines.append(
                Line(
                    line=len(lines) + 1,
                    turn=turn,
                    speaker=speaker,
                    start=start,
                    end=end,
                    start_s=min(word.start_s for word in piece),
                    end_s=max(word.end_s for word in piece),
                    text=transcript.text[start:end],
                )
            )
    return lines


def respeak(lines: Sequence[Line], moved: Sequence[tuple[int, int, str]]) -> list[Line]:
    """Give lines to the speaker a person named (first line, last line, speaker) and number the turns anew.

    Text, offsets and line numbers stay, so quotes and what was pointed at stay where they are.
    """
    speakers = [line.speaker for line in lines]
    for first, last, speaker in moved:
        for number in range(max(first, 1), min(last, len(lines)) + 1):
            speakers[number - 1] = speaker
    turn, renumbered = 0, list[Line]()
    for i, line in enumerate(lines):
        turn += i == 0 or speakers[i] != speakers[i - 1]
        renumbered.append(line.model_copy(update={"speaker": speakers[i], "turn": turn}))
    return renumbered


def _cut_turn(text: str, words: list[Word]) -> list[list[Word]]:
    pieces: list[list[Word]] = [[]]
    for word, after in pairwise([*words, None]):
        assert word is not None
        pieces[-1].append(word)
        if after is None:
            break
        sentence = _ends_sentence(text[word.start : word.end]) and not text[after.start].islower()
        if sentence or after.start_s - word.end_s >= PAUSE_S:
            pieces.append([])
    return [short for piece in pieces for short in _at_most(text, piece)]


def _at_most(text: str, words: list[Word]) -> list[list[Word]]:
    """Halve what is longer than MAX_WORDS, at the best place near the middle: a comma, a joining word, a pause."""
    if len(words) <= MAX_WORDS:
        return [words]
    third = len(words) // 3
    middle = len(words) / 2

    def worth(i: int) -> tuple[float, float]:
        before, after = words[i - 1], words[i]
        soft = bool(_SOFT_END.search(text[before.start : before.end]))
        joiner = text[after.start : after.end].lower() in _JOINERS
        pause = min(max(after.start_s - before.end_s, 0.0), 1.0)
        return (2.0 * soft + joiner + 2.0 * pause, -abs(i - middle))

    cut = max(range(third, len(words) - third + 1), key=worth)
    return _at_most(text, words[:cut]) + _at_most(text, words[cut:])
