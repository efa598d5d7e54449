"""The offline search: which one to three neighbouring lines of the candidate carry a claim.

A claim retells what was said in other words, so a line counts with its surroundings: its own words fully, words that
retell one another nearly so, then the rest of the turn, then the question before it and what the interviewer makes of
it after. Words weigh by how rare they are in the interview; a word that nobody said weighs most and is never found.
The weights and bounds were set on eval/gold/claims_dev.jsonl.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.claims.claim import Claim, Shown, State
from pipeline.claims.retold import asking_words, asks, count_in, is_claim, quote_in, turned
from pipeline.claims.words import alike, plain, stems
from pipeline.records import Line, Role
from pipeline.spans import locate

VERSION = 2
ALIKE, TURN, BEFORE, BEFORE_ALIKE, AFTER = 0.75, 0.85, 0.7, 0.15, 0.55  # what a word counts that is not in the lines
LONGER = 0.03  # what a longer stretch must add, so that the shortest one that says it is shown
SUPPORT, ASKED = 0.44, 0.34  # share of a claim's weight that lines must carry; questions are few, so less will do
REFUSED, NEAR = 0.38, 0.1  # share for lines that refuse, and how far behind the best ones they may be
MAX_LINES = 3
_FILLERS = r"^\W*(?:(?:um+|uh+|oh|ah|hm+|well|yeah|okay|ok|honestly|with respect|so|but|and|no problem|right)\W+)*"
_NO = re.compile(_FILLERS + r"(?:no|nah|nope|not yet|never)(?=[,.!?;]|\s*$|\s+(?:i|we|it|that)\b)")
_REFUSAL = re.compile(
    r"\b(?:i|we|they)(?:'d| would| have|'ve|'m| am|'ll)? (?:not|never)\b(?! (?:sure|only|just))"
    r"|\b(?:i|we|they|it) (?:wouldn'?t|won'?t|don'?t|didn'?t|can'?t|cannot|couldn'?t|haven'?t|ain'?t)\b"
    r"|\bnot (?:gonna|going to)\b"
)
_NO_THING = re.compile(r"\bno ([a-z]+)")
_QUESTION = re.compile(
    r"\?|" + _FILLERS + r"(?:is|are|do|does|did|can|could|should|would|will|has|have|what|who|which|how|when|where|why|"
    r"whats|whos|hows)\b"
)
_NEGATION = re.compile(r"\b(?:not|never|no|none|nothing|without|failed to|neither|nor|refused to)\b|n't\b")


def check_claims(
    text: str,
    sentences: Sequence[tuple[int, int]],
    lines: Sequence[Line],
    roles: Mapping[str, Role],
    shown: Sequence[Shown] = (),
) -> list[Claim]:
    """The claims among `sentences` (start, end in `text`), each with what the candidate's lines say about it."""
    search = Search(lines, roles, shown)
    found: list[Claim] = []
    for start, end in sentences:
        if is_claim(text[start:end]):
            claim = search.look(text[start:end])
            found.append(claim.model_copy(update={"claim": len(found) + 1, "start": start, "end": end}))
    return found


class _Words(NamedTuple):
    """Stems, and the groups they belong to."""

    stems: frozenset[str]
    groups: frozenset[int]


class _Window(NamedTuple):
    """Neighbouring lines of one turn of the candidate, with what stands around them."""

    lines: Sequence[Line]
    own: _Words
    turn: _Words
    before: _Words
    after: _Words


class _Hit(NamedTuple):
    """A window, the share of the claim that it carries, and how many words of the claim stand in it or before it."""

    share: float
    window: _Window
    common: int = 0


class Search:
    """One interview, ready to be searched."""

    def __init__(self, lines: Sequence[Line], roles: Mapping[str, Role], shown: Sequence[Shown]) -> None:
        self.roles, self.shown = roles, shown
        self.own = [line for line in lines if roles.get(line.speaker) == "candidate"]
        self.questions = {line.line for line in self.own if _QUESTION.search(plain(line.text))}
        self.stems = {line.line: stems(line.text) for line in lines}
        spread = Counter(one for own in self.stems.values() for one in own)
        self.weight = {one: math.log(1 + len(lines) / n) for one, n in spread.items()}
        self.rarest = math.log(1 + len(lines)) if lines else 1.0
        self.windows = list(self._cut(lines))

    def look(self, sentence: str) -> Claim:
        """What the interview says to one claim; its number and place are left to the caller."""
        quote, counted = quote_in(sentence), count_in(sentence)
        if quote is not None:
            return self._quote(quote)
        if counted is not None:
            return self._count(*counted)
        hits = self._hits(sentence)
        if not hits:
            return _claim("none_found", "no evidence found in the recording")
        state, against = self._against(sentence, hits)
        if against is not None and state == "contradicted":
            return _found(state, "the lines say the opposite", against)
        if against is not None:
            return _found(state, "lines on this sound like a refusal; look at them", against)
        if hits[0].share >= (ASKED if asks(sentence) else SUPPORT) and hits[0].common >= 2:
            return _found("supported", "found in these lines", hits[0])
        return _claim("none_found", "no evidence found in the recording")

    def _cut(self, lines: Sequence[Line]) -> Iterator[_Window]:
        turns: dict[int, list[Line]] = {}
        for line in lines:
            turns.setdefault(line.turn, []).append(line)
        order = list(turns.values())
        for at, turn in enumerate(order):
            if self.roles.get(turn[0].speaker) != "candidate":
                continue
            whole, before, after = self._all(turn), self._other(order, at - 1), self._other(order, at + 1)
            for length in range(1, MAX_LINES + 1):
                for i in range(len(turn) - length + 1):
                    part = turn[i : i + length]
                    yield _Window(part, self._all(part), whole, before, after)

    def _all(self, lines: Sequence[Line]) -> _Words:
        own: frozenset[str] = frozenset().union(*(self.stems[line.line] for line in lines))
        return _Words(own, alike(own))

    def _other(self, order: Sequence[Sequence[Line]], at: int) -> _Words:
        """Words of a neighbouring turn that is not the candidate's."""
        if not 0 <= at < len(order) or self.roles.get(order[at][0].speaker) == "candidate":
            return _Words(frozenset(), frozenset())
        return self._all(order[at])

    def _hits(self, sentence: str) -> list[_Hit]:
        """Windows that share something with the claim, best first."""
        asking = asks(sentence)
        wanted = stems(sentence) - asking_words() if asking else stems(sentence)
        total = sum(self.weight.get(one, self.rarest) for one in wanted)
        groups = {one: alike(frozenset((one,))) for one in wanted}
        found = []
        for window in self.windows if total else ():
            if asking and not any(line.line in self.questions for line in window.lines):
                continue
            carried, common = self._carried(groups, window)
            share = carried / total - LONGER * (len(window.lines) - 1)
            if share > 0:
                found.append(_Hit(share, window, common))
        return sorted(found, key=lambda hit: (-hit.share, hit.window.lines[0].line))

    def _carried(self, wanted: Mapping[str, frozenset[int]], window: _Window) -> tuple[float, int]:
        """The claim's weight that the window carries (0 when its own words share too little); in how many words."""
        own, turn, before, after = window.own, window.turn, window.before, window.after
        direct = carried = 0.0
        common = 0
        for one, group in wanted.items():
            near = 1.0 if one in own.stems else 0.5 if group & own.groups else 0.0
            value = max(
                near == 1.0,
                ALIKE * (near == 0.5),
                TURN * (one in turn.stems),
                ALIKE * TURN * bool(group & turn.groups),
                BEFORE * (one in before.stems),
                BEFORE_ALIKE * bool(group & before.groups),
            )
            common += value > BEFORE_ALIKE
            direct += near
            carried += self.weight.get(one, self.rarest) * max(value, AFTER * (one in after.stems))
        return (carried, common) if direct >= 1 else (0.0, common)

    def _against(self, sentence: str, hits: Sequence[_Hit]) -> tuple[State, _Hit | None]:
        """Lines on the claim's subject that deny it in its own words, or sound as if they did (none_found)."""
        if turned(sentence):
            top = hits[0]
            said = " ".join(line.text for line in top.window.lines)
            opposed = _NEGATION.search(plain(sentence)) is not None and _opposed(sentence, said)
            return "contradicted", top if opposed and top.share >= SUPPORT else None
        wanted = frozenset() if asks(sentence) else stems(sentence)
        for hit in hits if wanted else ():
            if hit.share < max(REFUSED, hits[0].share - NEAR):
                break
            if len(hit.window.lines) == 1 and hit.common >= 2:
                text = plain(hit.window.lines[0].text)
                denied = len(wanted & _refused(text))
                if denied or (_NO.match(text) and len(wanted & hit.window.before.stems) >= 2):
                    return "contradicted" if denied >= 2 else "none_found", hit
        return "none_found", None

    def _quote(self, quote: str) -> Claim:
        """Words in quotation marks must be words of the candidate."""
        for window in sorted(self.windows, key=lambda w: (len(w.lines), w.lines[0].line)):
            if locate(" ".join(line.text for line in window.lines), quote) is not None:
                return _found("supported", "the quoted words are in the recording", _Hit(1.0, window))
        return _claim("none_found", "the quoted words were not found in the candidate's lines")

    def _count(self, claimed: int, what: str) -> Claim:
        """How often the candidate asked, or was given a hint that led to something."""
        if what == "questions":
            marked = [line.line for line in self.own if "?" in line.text]
            places = marked or sorted(self.questions)
            said = "questions by the candidate"
        else:
            places = sorted({s.prompted_by for s in self.shown if s.prompted_by is not None})
            said = "hints that led to something"
        state: State = "supported" if len(places) >= claimed else "contradicted"
        ends = {"first_line": places[0], "last_line": places[-1]} if places else {}
        return _claim(state, f"{claimed} claimed, {len(places)} {said}", claimed=claimed, counted=len(places), **ends)


def _refused(text: str) -> frozenset[str]:
    """Stems of what somebody says they did not, would not or cannot do."""
    denied = [" ".join(text[match.end() :].split()[:4]) for match in _REFUSAL.finditer(text)]
    return stems(" ".join([*denied, *_NO_THING.findall(text)]))


def _opposed(claim: str, said: str) -> bool:
    """Whether most of what both mention is denied by exactly one of them."""
    ours, theirs = _denied(claim), _denied(said)
    shared = stems(claim) & stems(said)
    return bool(shared) and sum((one in ours) != (one in theirs) for one in shared) > len(shared) / 2


def _denied(text: str) -> frozenset[str]:
    """Stems that stand within three words after a negation, in the same clause."""
    denied: set[str] = set()
    for clause in re.split(r"[,;:.!?]|\b(?:and|but|so)\b", plain(text)):
        for match in _NEGATION.finditer(clause):
            denied |= stems(" ".join(clause[match.end() :].split()[:3]))
    return frozenset(denied)


def _found(state: State, how: str, hit: _Hit) -> Claim:
    first, last = hit.window.lines[0].line, hit.window.lines[-1].line
    share = min(hit.share, 1.0)
    return _claim(state, f"{how}; {share:.0%} of the claim's words by weight", first_line=first, last_line=last)


def _claim(state: State, detail: str, **where: int) -> Claim:
    return Claim(claim=0, start=0, end=0, state=state, detail=detail, **where)
