"""Invented talk for tests: strategies for transcripts and model answers, and short ways to write some by hand."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from pipeline.lines import assemble, cut_lines
from pipeline.records import Chunk, Draft, HeardWord, Line, ProbeDraft, Role, Transcript, Utterance
from pipeline.rubric import Anchors, Pillar, Rubric, Signal

SPEAKERS = ("left", "right", "Zoë 🙂", "")
ROLES: dict[str, Role] = {"left": "interviewer", "right": "candidate", "Zoë 🙂": "candidate", "": "unknown"}

ORDINARY = st.sampled_from(
    [
        "well",
        "so",
        "I",
        "it",
        "runs.",
        "why?",
        "and",
        "because,",
        "then",
        "e.g.",
        "3.5",
        "v2.",
        "naïve",
        "wait…",
        "No!”",
    ]
)
# Anything a transcript can hold but white space, lone surrogates and control characters.
STRANGE = st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=6)
HIDDEN = st.sampled_from(
    ["a\u200bb", "e\u0301\u0327", "\U0001f469\u200d\U0001f4bb", "\u202eabc", "\ufeffx", "x\u00ady", "\U000e0041z"]
)
TOKENS = st.one_of(ORDINARY, ORDINARY, ORDINARY, STRANGE, HIDDEN)
GAPS = st.sampled_from([" ", " ", " ", "  ", "\u00a0", "\n", "\t"])


@st.composite
def utterances(draw: st.DrawFn, max_words: int = 40) -> Utterance:
    """One speaker's words in a row, at times that need not be sensible."""
    words = draw(st.lists(st.tuples(GAPS, TOKENS), min_size=1, max_size=max_words))
    clock = draw(st.floats(0, 60))
    heard = []
    for i, (gap, token) in enumerate(words):
        length = draw(st.sampled_from([0.0, 0.2, 0.4, 2.0]))
        heard.append(HeardWord(text=(gap if i else "") + token, start_s=clock, end_s=clock + length))
        clock += length + draw(st.sampled_from([0.0, 0.05, 1.3, -0.5]))
    text = "".join(word.text for word in heard)
    return Utterance(speaker=draw(st.sampled_from(SPEAKERS)), text=text, words=tuple(heard))


@st.composite
def transcripts(draw: st.DrawFn, max_utterances: int = 8, max_words: int = 40) -> Transcript:
    """An assembled transcript of several speakers; its recording may be shorter than the words claim."""
    said = draw(st.lists(utterances(max_words), max_size=max_utterances))
    duration = draw(st.sampled_from([0.0, 3.0, 200.0]))
    return assemble("i-1", said, source="test", duration_s=duration)


def said(*turns: tuple[str, str], pace_s: float = 0.4, gap_s: float = 0.1) -> Transcript:
    """A transcript written by hand: (speaker, text) pairs, one word every `pace_s` seconds."""
    clock, spoken = 0.0, []
    for speaker, text in turns:
        words = []
        for i, token in enumerate(text.split(" ")):
            words.append(HeardWord(text=f" {token}" if i else token, start_s=clock, end_s=clock + pace_s - gap_s))
            clock += pace_s
        spoken.append(Utterance(speaker=speaker, text=text, words=tuple(words)))
    return assemble("i-1", spoken, source="test", duration_s=clock)


def lines_of(*turns: tuple[str, str]) -> list[Line]:
    """Lines written by hand."""
    return cut_lines(said(*turns))


def turns_of(*lengths: int) -> list[Line]:
    """Lines 1 to sum(lengths): one turn a length, speakers in turn."""
    lines = []
    for turn, length in enumerate(lengths, start=1):
        for _ in range(length):
            n = len(lines) + 1
            speaker = "right" if turn % 2 else "left"
            start = (n - 1) * 10
            lines.append(
                Line(
                    line=n,
                    turn=turn,
                    speaker=speaker,
                    start=start,
                    end=start + 9,
                    start_s=n * 1.0,
                    end_s=n + 0.9,
                    text=f"line {n:04d}",
                )
            )
    return lines


def small_rubric() -> Rubric:
    """Two pillars, three signals."""
    anchors = Anchors(weak=("w",), ok=("o",), strong=("s",))
    pillars = {
        "coding": (("tests", "strong"), ("big-function", "weak")),
        "design": (("options", "strong"),),
    }
    return Rubric(
        id="small",
        title="Small",
        success=("s",),
        pillars=tuple(
            Pillar(
                id=pillar,
                title=pillar,
                looks_for=pillar,
                anchors=anchors,
                signals=tuple(Signal(id=name, polarity=side, text=name) for name, side in signals),
            )
            for pillar, signals in pillars.items()
        ),
    )


SENTENCES = (
    "I wrote a test first.",
    "Why does it fail?",
    "Well, it is the lock, because two workers hold it and nobody lets go.",
    "e\u0301te\u0301 \U0001f469\u200d\U0001f4bb\u00a0ok.",
    "\u202eabc\ufeff x\u00ady!",
    "No.",
    "a\nb \u4f60\u597d\u3002",
)


@st.composite
def talks(draw: st.DrawFn) -> Transcript:
    """A transcript of sentences that somebody could say, quick to draw; some turns run over a chunk's length."""
    turn = st.tuples(st.sampled_from(SPEAKERS[:2] * 3 + SPEAKERS), st.integers(1, 6) | st.integers(1, 40))
    turns = draw(st.lists(turn, max_size=8))
    first = draw(st.integers(0, len(SENTENCES) - 1))
    spoken = [
        (speaker, " ".join(SENTENCES[(first + i + n) % len(SENTENCES)] for n in range(count)))
        for i, (speaker, count) in enumerate(turns)
    ]
    return said(*spoken)


@st.composite
def answers(
    draw: st.DrawFn, lines: Sequence[Line], chunks: Sequence[Chunk], rubric: Rubric
) -> tuple[list[Draft], list[ProbeDraft]]:
    """What a model may point at: mostly possible things, with every kind of fault among them."""
    candidate = [n.line for n in lines if ROLES[n.speaker] == "candidate"] or [1]
    interviewer = [n.line for n in lines if ROLES[n.speaker] == "interviewer"] or [1]
    wild = st.one_of(st.integers(-3, len(lines) + 3), st.sampled_from([0, -(2**31), 2**31 - 1]))
    signals = st.sampled_from([*rubric.pillar_of.items()])

    @st.composite
    def drafts(pick: st.DrawFn) -> Draft:
        first = pick(st.sampled_from(candidate))
        signal, pillar = pick(signals)
        holders = [c for c in chunks if c.first_line <= first <= c.last_line] or [
            Chunk(chunk=1, first_line=1, last_line=1)
        ]
        chunk = pick(st.sampled_from(holders))
        before = [n for n in interviewer if chunk.first_line <= n < first]
        fields = {
            "chunk": chunk.chunk,
            "pillar": pillar,
            "signal": signal,
            "first": first,
            "last": first + pick(st.sampled_from([0, 0, 0, 1, 2])),
            "prompted_by": pick(st.sampled_from([None, *before[-2:]])),
            "request_hash": pick(st.sampled_from([None, "r1", "r2"])),
        }
        faults = {
            "chunk": st.integers(0, len(chunks) + 1),
            "pillar": st.sampled_from([*(p.id for p in rubric.pillars), "no-such-pillar"]),
            "signal": st.sampled_from([*rubric.pillar_of, "no-such-signal", ""]),
            "first": wild,
            "last": wild,
            "prompted_by": wild,
            "fault": st.sampled_from(["unsupported", "not_located"]),
        }
        if pick(st.booleans()):
            name = pick(st.sampled_from(sorted(faults)))
            fields[name] = pick(faults[name])
        return Draft.model_validate(fields)

    probe = st.builds(
        ProbeDraft,
        chunk=st.integers(0, len(chunks) + 1) | st.just(1),
        pillar=st.sampled_from([*(p.id for p in rubric.pillars), "no-such-pillar"]),
        line=st.sampled_from(interviewer) | wild,
        request_hash=st.sampled_from([None, "r1"]),
    )
    return draw(st.lists(drafts(), max_size=15)), draw(st.lists(probe, max_size=8))
