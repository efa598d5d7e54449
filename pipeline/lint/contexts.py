"""Where a phrase that looks like a judgement is none: quoted, reported, mentioned, technical, or backed by evidence.

Word lists come from `lint_rules.toml`; this module only knows the grammar around them. Nothing here runs for a
sentence that no rule matched.
"""

from __future__ import annotations

import re
from functools import cached_property

from pipeline.lint.pattern import Lexicon
from pipeline.lint.rules import Hit, RuleSet
from pipeline.lint.text import BLANK, Sentence

_SINGLE_QUOTED = re.compile(r"(?<!\w)'(?=\S)(?:[^'\n]|(?<=\w)'(?=\w)){1,300}'(?!\w)")
_UNIT = re.compile(r"\d(?:\.\d+)?(?:ms|s|m|k|kb|mb|gb|rps|qps|min|mins|x|h)?\Z")
_STRONG_BREAKS = frozenset(";-()|" + BLANK)
_BREAKS = _STRONG_BREAKS | {",", ":", "."}


class Context:
    """The contexts of one sentence, each worked out when first asked for."""

    def __init__(self, rules: RuleSet, sentences: list[Sentence], at: int, quoted: list[tuple[int, int]]) -> None:
        self._rules, self._sentences, self._at, self._quoted = rules, sentences, at, quoted
        self.sentence = sentences[at]

    def excuse(self, hit: Hit) -> str | None:
        """Why this match is no finding, or None when it is one."""
        if self.sentence.kind == "quote" or self._in_quotes(hit):
            return "quoted"
        if any(start <= hit.match.start < end for start, end in self._reported):
            return "reported"
        if any(start <= hit.match.start < end for start, end in self._meta):
            return "mentioned"
        if self._technical(hit):
            return "technical"
        if hit.group.person and self._other_subject(hit):
            return "not about the candidate"
        if hit.group.evidence != "none" and self._backed(hit):
            return "evidence"
        return None

    def _is_name(self, at: int) -> bool:
        return self.sentence.words[at] not in self._lexicon("not_a_name").words and self.sentence.is_name(at)

    def _lexicon(self, name: str) -> Lexicon:
        return self._rules.lexicons[name]

    def _in_quotes(self, hit: Hit) -> bool:
        start = self.sentence.offsets[hit.match.start][0]
        for left, right in self._quoted:
            if left <= start < right:
                return not self._scare_quotes(hit, left, right)
        return False

    def _scare_quotes(self, hit: Hit, left: int, right: int) -> bool:
        """The writer's own ironic quotes: short, after an article or a grading word, with nobody speaking."""
        words, first = self.sentence.words, hit.match.start
        if len(self.sentence.low[left:right].split()) > 3 or first < 2:
            return False
        before = words[first - 2] if words[first - 1] in {'"', "'"} else words[first - 1]
        speaks = self._lexicon("speech").words | self._lexicon("tells").words | self._lexicon("asks").words
        return before in self._lexicon("scare").words and not speaks.intersection(words)

    @cached_property
    def _reported(self) -> list[tuple[int, int]]:
        """Token ranges in which the candidate speaks through the writer."""
        words = self.sentence.words
        people, label = self._lexicon("candidate").first, self._lexicon("speaker_label").words
        if len(words) > 2 and words[1] == ":" and words[0] in label:
            return [(0, len(words))]
        speech, tells = self._lexicon("speech").words, self._lexicon("tells").words
        out = []
        for at, word in enumerate(words):
            if word in speech and self._candidate_speaks(at, people):
                out.append((at, self._voice_end(at + 1, long=True)))
            elif word in tells and self._candidate_speaks(at, people):
                clause = at + 1 < len(words) and words[at + 1] in self._lexicon("complement").words
                out.append((at, self._voice_end(at + 1, long=clause)))
            elif word == "according" and words[at + 1 : at + 2] == ["to"] and set(words[at + 2 : at + 5]) & people:
                out.append((0, self._voice_end(at + 3, long=False)))
        return out

    def _candidate_speaks(self, at: int, people: frozenset[str]) -> bool:
        """Whether the subject of the verb at `at` is the candidate, named or left out."""
        words = self.sentence.words
        skip = self._lexicon("before_verb").words
        back = at - 1
        while back >= 0 and words[back] in skip:
            back -= 1
        if back < 0 or words[back] in _BREAKS or words[back] in {"and", "then", "but", "when", "asked", '"'}:
            return True
        return words[back] in people or self._is_name(back)

    def _voice_end(self, at: int, *, long: bool) -> int:
        """Where reported speech ends: at a strong break, or at a comma after which the writer speaks again."""
        words = self.sentence.words
        turn = self._lexicon("writer_turn").words
        for here in range(at, len(words)):
            if words[here] in _STRONG_BREAKS:
                return here
            if words[here] == "," and (not long or words[here + 1 : here + 2] and words[here + 1] in turn):
                return here
            if not long and words[here] in {"and", "but", "so"}:
                return here
            if words[here] == "but" and words[here + 1 : here + 2] and words[here + 1] in turn:
                return here
        return len(words)

    @cached_property
    def _meta(self) -> list[tuple[int, int]]:
        """Token ranges that mention a judgement without making it."""
        return [(hit.match.start, hit.match.end) for hit in self._rules.meta.search(self.sentence)]

    def _technical(self, hit: Hit) -> bool:
        words = self.sentence.words
        after = words[hit.match.end] if hit.match.end < len(words) else ""
        return after in self._lexicon("tech_noun").words or after.startswith(BLANK)

    def _other_subject(self, hit: Hit) -> bool:
        """Whether the clause is about a thing, the interview or the writer instead of the candidate."""
        words = self.sentence.words
        people, things = self._lexicon("candidate").first, self._lexicon("thing").words
        for here in range(hit.match.start - 1, max(-1, hit.match.start - 9), -1):
            word = words[here]
            if word in _BREAKS and word != ",":
                return False
            if word in people or here > 0 and self._is_name(here):
                return False
            if word in things:
                return True
        return False

    def _backed(self, hit: Hit) -> bool:
        if self._observes(self.sentence, hit.match.start, hit.match.end):
            return True
        if hit.group.evidence == "same":
            return False
        near = self._sentences[max(0, self._at - 1) : self._at] + self._sentences[self._at + 1 : self._at + 2]
        return any(s.kind != "heading" and self._observes(s) for s in near)

    def _observes(self, sentence: Sentence, skip_start: int = 0, skip_end: int = 0) -> bool:
        return observes(sentence, self._rules, skip_start, skip_end)


def observes(sentence: Sentence, rules: RuleSet, skip_start: int = 0, skip_end: int = 0) -> bool:
    """Whether the sentence reports something seen or heard: what was done, said, or measured.

    Tokens from `skip_start` to `skip_end` (the judgement itself) do not count. Talk about the session does not count.
    """
    words = sentence.words
    acts, session = rules.lexicons["observed"].words, rules.lexicons["session"].words
    if any(word in session for word in words[:4]):
        return False
    for at, word in enumerate(words):
        if skip_start <= at < skip_end:
            continue
        if word in acts and not (at and words[at - 1] in {"i", "we"}):
            return True
        if word.startswith(BLANK):
            return True
    return False


def quotations(text: str, low: str) -> list[tuple[int, int]]:
    """Quoted passages, code points: double quotes paired within a paragraph, single quotes within a line."""
    out: list[tuple[int, int]] = []
    if '"' in low:
        offset = 0
        for paragraph in re.split(r"(\n[ \t]*\n)", low):
            marks = [m.start() for m in re.finditer('"', paragraph)]
            out.extend((offset + a, offset + b + 1) for a, b in zip(marks[::2], marks[1::2], strict=False))
            offset += len(paragraph)
    if "'" in low:
        out.extend(m.span() for m in _SINGLE_QUOTED.finditer(low))
    return out
