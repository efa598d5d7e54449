"""Claims in written feedback, checked against the recording by pointing: which lines support a sentence, which speak
against it, or that none was found. Offline, by shared words, shared signals and counts.

A claim is a sentence that says what the candidate said or did. "No evidence found" means what it says: this search
found no line, a person may. Words are compared by stem and weighted by how rare they are in the interview, so that
"the" and a topic everybody talks about weigh little.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from pipeline.records import Line, Record, Role
from pipeline.spans import locate

VERSION = 1
State = Literal["supported", "contradicted", "none_found"]
SUPPORT = 0.42  # share of the claim's weight that one or two lines must carry
SIGNAL_SUPPORT = 0.25  # enough when the lines are evidence of a signal the claim names
MIN_SHARED = 2
MAX_LINES = 3
GAIN = 0.08  # what a longer stretch must add, so that the shortest one that says it is shown

_ACTS = frozenset(
    "ask said say explain describe mention propose suggest write wrote add ran run rerun test handle name rename "
    "trace follow check compare choose chose start begin began build built debug fix refactor deploy roll rollback "
    "revert use set admit state form change try tried walk split move return raise count measure log monitor draw "
    "drew list notice find found look blame skip ignore refuse assume clarify identify consider offer need took take "
    "give gave show implement isolate reproduce validate discuss outline point".split()
)
_FIRST_PERSON = re.compile(r"^\W*(?:i|we|my|our)\b", re.IGNORECASE)
_JUDGEMENT = re.compile(
    r"^\W*(?:overall|recommend\w*|rating|verdict|decision|summary|strong|weak|hire|no hire|lean)\b", re.IGNORECASE
)
_NEGATION = re.compile(
    r"\b(?:not|n't|never|no|none|nothing|without|failed to|neither|nor|refused to)\b|n't\b", re.IGNORECASE
)
_NUMBERS = {
    word: n for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
_COUNT = re.compile(
    r"\b(?P<n>\d{1,3}|" + "|".join(_NUMBERS) + r")\s+(?:[\w-]+\s+){0,2}(?P<what>questions?|hints?|prompts?)\b",
    re.IGNORECASE,
)
_STOP = frozenset(
    "a an the and or but so of to in on at by for from with as is are was were be been it its this that these those "
    "he she they them his her their candidate i me my we you your our do did does have has had then than there what "
    "which who when where how if just very really also too into out up about after before during over again all any "
    "some one will would can could should not no never being said say told ask asked asks hint unprompted first only "
    "plainly".split()
)
_QUOTED = re.compile(r"[“\"]([^”\"\n]{8,400})[”\"]")
MIN_QUOTED_WORDS = 3
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


class Claim(Record):
    """One sentence of the feedback: code points into it, what the search found, and where. It holds no text."""

    claim: int
    start: int
    end: int
    state: State
    first_line: int | None = None
    last_line: int | None = None
    claimed: int | None = None
    counted: int | None = None
    detail: str
    source: Literal["offline", "model"] = "offline"


class Shown(Record):
    """A span of lines that is evidence of a signal."""

    signal: str
    meaning: str
    first_line: int
    last_line: int
    prompted_by: int | None = None


def check_claims(
    text: str,
    sentences: Sequence[tuple[int, int]],
    lines: Sequence[Line],
    roles: Mapping[str, Role],
    shown: Sequence[Shown] = (),
) -> list[Claim]:
    """The claims among `sentences` (start, end in `text`), each with what the candidate's lines say about it."""
    search = _Search(lines, roles, shown)
    found: list[Claim] = []
    for start, end in sentences:
        sentence = text[start:end]
        if is_claim(sentence):
            found.append(search.look(sentence).model_copy(update={"claim": len(found) + 1, "start": start, "end": end}))
    return found


def is_claim(sentence: str) -> bool:
    """Whether a sentence says what the candidate said or did: an act, not the writer's own, not a bare rating."""
    if _FIRST_PERSON.match(sentence) or _JUDGEMENT.match(sentence) or sentence.rstrip().endswith("?"):
        return False
    words = [word.lower() for word in _WORD.findall(sentence)]
    return len(words) >= 3 and any(word in _ACTS or _stem(word) in _act_stems() for word in words)


class _Search:
    def __init__(self, lines: Sequence[Line], roles: Mapping[str, Role], shown: Sequence[Shown]) -> None:
        self.own = [line for line in lines if roles.get(line.speaker) == "candidate"]
        self.stems = [_content(line.text) for line in self.own]
        self.shown = shown
        self.turns = _windows(self.own)
        spread = Counter(stem for stems in self.stems for stem in stems)
        self.weight = {stem: math.log(1 + len(self.own) / n) for stem, n in spread.items()}
        self.rarest = math.log(1 + len(self.own)) if self.own else 1.0

    def look(self, sentence: str) -> Claim:
        quoted = [q for q in _QUOTED.findall(sentence) if len(_WORD.findall(q)) >= MIN_QUOTED_WORDS]
        if quoted:
            return self._quote(quoted[0])
        counted = _COUNT.search(sentence)
        if counted:
            return self._count(counted)
        wanted = _content(sentence)
        best = self._best(wanted, self._signal_lines(wanted))
        if best is None:
            return _claim("none_found", "no evidence found in the recording")
        first, last, share = best
        said = " ".join(line.text for line in self.own if first <= line.line <= last)
        denied = _opposed(sentence, said)
        state: State = "contradicted" if denied else "supported"
        how = "the lines say the opposite" if denied else "the lines say so"
        return _claim(state, f"{how}; {share:.0%} of the claim's words by weight", first_line=first, last_line=last)

    def _quote(self, quote: str) -> Claim:
        """Words in quotation marks must be words of the candidate."""
        for first, last, text in self.turns:
            if locate(text, quote) is not None:
                return _claim("supported", "the quoted words are in the recording", first_line=first, last_line=last)
        return _claim("none_found", "the quoted words were not found in the candidate's lines")

    def _count(self, match: re.Match[str]) -> Claim:
        """How often the candidate asked, or was given a hint that led to something."""
        claimed = int(match["n"]) if match["n"].isdigit() else _NUMBERS[match["n"].lower()]
        if match["what"].lower().startswith("question"):
            places = [line.line for line in self.own if line.text.rstrip("\"'”’ ").endswith("?")]
            what = "questions by the candidate"
        else:
            places = sorted({s.prompted_by for s in self.shown if s.prompted_by is not None})
            what = "hints that led to something"
        state: State = "supported" if len(places) >= claimed else "contradicted"
        ends = {"first_line": places[0], "last_line": places[-1]} if places else {}
        return _claim(state, f"{claimed} claimed, {len(places)} {what}", claimed=claimed, counted=len(places), **ends)

    def _signal_lines(self, wanted: frozenset[str]) -> set[int]:
        """Lines that are evidence of a signal whose meaning shares two words with the claim."""
        return {
            number
            for shown in self.shown
            if len(wanted & _content(f"{shown.signal.replace('-', ' ')} {shown.meaning}")) >= MIN_SHARED
            for number in range(shown.first_line, shown.last_line + 1)
        }

    def _best(self, wanted: frozenset[str], signalled: set[int]) -> tuple[int, int, float] | None:
        """The one to three neighbouring lines that carry most of the claim: first, last, share of its weight."""
        total = sum(self.weight.get(stem, self.rarest) for stem in wanted)
        best: tuple[float, int, int] | None = None
        for length in range(1, MAX_LINES + 1):
            for i in range(len(self.own) - length + 1):
                j = i + length - 1
                if self.own[j].line - self.own[i].line != j - i:
                    continue
                shared = wanted & frozenset().union(*self.stems[i : j + 1])
                share = sum(self.weight[stem] for stem in shared) / total if total else 0.0
                near = any(line.line in signalled for line in self.own[i : j + 1])
                enough = share >= (SIGNAL_SUPPORT if near else SUPPORT) and len(shared) >= MIN_SHARED
                if enough and (best is None or share > best[0] + GAIN):
                    best = (share, i, j)
        return None if best is None else (self.own[best[1]].line, self.own[best[2]].line, best[0])


def _opposed(claim: str, said: str) -> bool:
    """Whether most of what both mention is denied by exactly one of them."""
    ours, theirs = _denied(claim), _denied(said)
    shared = _content(claim) & _content(said)
    return bool(shared) and sum((stem in ours) != (stem in theirs) for stem in shared) > len(shared) / 2


def _denied(text: str) -> frozenset[str]:
    """Stems that stand within three words after a negation, in the same clause."""
    denied: set[str] = set()
    for clause in re.split(r"[,;:.!?]|\b(?:and|but|so)\b", text.lower().replace("’", "'")):
        for match in _NEGATION.finditer(clause):
            denied |= {_stem(word) for word in _WORD.findall(clause[match.end() :])[:3]}
    return frozenset(denied)


def _windows(own: Sequence[Line]) -> list[tuple[int, int, str]]:
    """Single lines first, then two and three neighbours of one turn: first line, last line, text."""
    return [
        (own[i].line, own[i + n].line, " ".join(line.text for line in own[i : i + n + 1]))
        for n in range(3)
        for i in range(len(own) - n)
        if own[i].turn == own[i + n].turn
    ]


def _claim(state: State, detail: str, **where: int) -> Claim:
    return Claim(claim=0, start=0, end=0, state=state, detail=detail, **where)


def _content(text: str) -> frozenset[str]:
    words = (word.lower() for word in _WORD.findall(text.replace("’", "'")))
    return frozenset(_stem(word) for word in words if word not in _STOP and len(word) > 1)


@lru_cache(maxsize=1)
def _act_stems() -> frozenset[str]:
    return frozenset(_stem(word) for word in _ACTS)


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")
