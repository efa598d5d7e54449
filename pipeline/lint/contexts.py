"""Where a phrase that looks like a judgement is none: quoted, reported, mentioned, technical, or backed by evidence.

Word lists come from `lint_rules.toml`; this module only knows the grammar around them. Nothing here runs for a
sentence that no rule matched, and each context is worked out only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pipeline.lint.index import Hit
from pipeline.lint.judged import BREAKS, Judged
from pipeline.lint.observed import observes
from pipeline.lint.quotes import Quotes
from pipeline.lint.rules import RuleSet
from pipeline.lint.text import Sentence

_STRONG_BREAKS = frozenset(";-()|")
_OWN_VOICE = (["words"], ["account"], ["own"], ["impression"], ["hunch"], ["gut"], ["guess"], ["claim"])
_BEFORE_SOURCE = frozenset(("to", "the", "this", "what"))
_LABEL_ENDS = frozenset((":", "=", "-"))
_FIELD_MARKS = frozenset(("/", "=", "[", "]", "|"))
_LABEL, _LABEL_WORDS, _VALUE = 10, 3, 4  # tokens before the colon of a field; words of an unknown label; of a value
_INFERRING = ("GF3", "GF5", "GF601")  # families whose span includes the inference that is drawn


class Context:
    """The contexts of one sentence. `mentions` are places that speak of a judgement without making it."""

    def __init__(
        self, rules: RuleSet, sentences: list[Sentence], at: int, quotes: Quotes, mentions: Sequence[Hit]
    ) -> None:
        self._rules, self._sentences, self._at, self._quotes = rules, sentences, at, quotes
        self._mentions = mentions
        self.sentence = sentences[at]
        self.words = self.sentence.words
        self._words = rules.words.__getitem__
        self._judged = Judged(rules, self.sentence)

    def excuse(self, hit: Hit) -> str | None:
        """Why this match is no finding, or None when it is one."""
        if self.sentence.kind == "quote" or self._quoted(hit):
            return "quoted"
        if self._in_form(hit):
            return "form field"
        manner = hit.group.code.startswith("GF502")  # "spoke broken English" tells how, and reports nothing
        if any(start + manner <= hit.start and hit.end <= end for start, end in self._reported):
            return "reported"
        if any(there.start <= hit.start < there.end for there in self._mentions):
            return "mentioned"
        if self._judged.thing_follows(hit):
            return "technical"
        if self._judged.in_scenario(hit) or self._judged.out_of_sight(hit):
            return "not about the candidate"
        if self._judged.writers_own(hit) or (hit.group.subject != "any" and self._judged.other_subject(hit)):
            return "not about the candidate"
        if (hit.group.evidence != "none" or self._on_topic(hit)) and self._backed(hit):
            return "evidence"
        return None

    def with_inference(self, hit: Hit) -> Hit:
        """The match together with the conclusion drawn from it (", so on-call is out of the question")."""
        words, at = self.words, hit.end
        if not hit.group.code.startswith(_INFERRING) or at >= len(words):
            return hit
        skip = at + 1 if words[at] in {",", "-", ":", "="} else at
        if skip < len(words) and words[skip] not in self._words("infers"):  # "single guy, no kids, so ..."
            skip = next((i + 1 for i in range(skip, min(skip + 5, len(words) - 1)) if words[i] == ","), len(words))
        if skip < len(words) and words[skip] in self._words("infers"):
            end = next(
                (i for i in range(skip, len(words)) if words[i] in _STRONG_BREAKS or words[i] in {".", "!"}), len(words)
            )
            return hit._replace(end=end)
        return hit

    # ---- quoted, and form fields ------------------------------------------------------------------------------------

    def _quoted(self, hit: Hit) -> bool:
        if not self._has_quotes:
            return False
        inside = self._quotes.around(self.sentence.span(hit.start, hit.start)[0])
        return inside is not None and not self._scare_quotes(hit, *inside)

    @cached_property
    def _has_quotes(self) -> bool:
        return self._quotes.touch(self.sentence.start, self.sentence.end)

    def _scare_quotes(self, hit: Hit, left: int, right: int) -> bool:
        """The writer's own ironic quotes: short, after an article or a grading word, with nobody speaking."""
        words, first = self.words, hit.start
        if len(self.sentence.text[left:right].split()) > 3 or first < 2:
            return False
        before = words[first - 2] if words[first - 1] in {'"', "'"} else words[first - 1]
        voices = self._words("speech") | self._words("tells")
        return before in self._words("scare") and voices.isdisjoint(words)

    def _in_form(self, hit: Hit) -> bool:
        """A label, or a rating that is all there is behind its label: "Potential: leave blank", "Level: Senior"."""
        words, colon = self.words, self._label_end
        if self.sentence.kind == "row":
            return self._in_short_cell(hit)
        if words[max(0, hit.start - 1) : hit.start] == ["="] and hit.start > 1 and len(words[hit.start - 2]) == 1:
            return True  # a key to marks: "2 = weak, 3 = good"
        if self._all_form:
            return True
        if colon < 0:
            return False
        if hit.end <= colon:
            return True
        value = [word for word in words[colon + 1 :] if word[0].isalnum()]
        return hit.start > colon and bool(value) and self._words("form_value").issuperset(value)

    @cached_property
    def _all_form(self) -> bool:
        """Whether the line is a field with its choices and nothing else: "Strong hire / Hire / No hire: Hire"."""
        if _FIELD_MARKS.isdisjoint(self.words):
            return False
        words = [word for word in self.words if word[0].isalnum()]
        return (self._words("form_label") | self._words("form_value")).issuperset(words)

    @cached_property
    def _label_end(self) -> int:
        """The index of the colon behind a field's label, or -1."""
        words = self.words
        for at, word in enumerate(words[:_LABEL]):
            if word in _LABEL_ENDS:
                value = [w for w in words[at + 1 :] if w[0].isalnum()]
                rated = 0 < len(value) <= _VALUE and self._words("form_value").issuperset(value)
                label = _without_brackets(words[:at])
                known = word != "-" and self._words("form_label").issuperset(label)
                if word != "-" or rated:
                    return at if label and (known or (rated and len(label) <= _LABEL_WORDS)) else -1
        return -1

    def _in_short_cell(self, hit: Hit) -> bool:
        words = self.words
        left = max((i for i in range(hit.start) if words[i] == "|"), default=-1)
        right = next((i for i in range(hit.end, len(words)) if words[i] == "|"), len(words))
        cell = [word for word in words[left + 1 : right] if word[0].isalnum()]
        return self._words("form_value").issuperset(cell) or self._words("form_label").issuperset(cell)

    # ---- the candidate's voice --------------------------------------------------------------------------------------

    @cached_property
    def _reported(self) -> list[tuple[int, int]]:
        """Token ranges in which the candidate speaks through the writer."""
        words = self.words
        if len(words) > 2 and words[1] == ":" and words[0] in self._words("speaker_label"):
            return [(0, len(words))]
        people, speech, tells = self._words("candidate"), self._words("speech"), self._words("tells")
        out = []
        for at, word in enumerate(words):
            if word in speech and self._candidate_speaks(at, people):
                out.append((at, self._voice_end(at + 1, clause=True)))
            elif word in tells and self._candidate_speaks(at, people):
                clause = words[at + 1 : at + 2] and words[at + 1] in self._words("complement")
                out.append((at, self._voice_end(at + 1, clause=bool(clause))))
            if word in speech and words[max(0, at - 2) : at - 1] == [","] and words[at - 1] in people:
                if at + 1 == len(words) or words[at + 1] in BREAKS | self._words("preposition"):  # "..., she said"
                    out.append((0, len(words)))
            elif word in {"according", "per"} and self._candidate_is_source(at, people):
                out.append((0, self._voice_end(at + 4, clause=True)))
            elif word in {"own", "his", "her", "their"} and words[at + 1 : at + 2] in _OWN_VOICE:
                out.append((0, self._voice_end(at + 2, clause=True)))
        return out

    def _candidate_is_source(self, at: int, people: frozenset[str]) -> bool:
        """Whether it is "according to her" or "per the candidate", and not "according to her old boss"."""
        after = self.words[at + 1 : at + 6]
        named = next((word for word in after if word not in _BEFORE_SOURCE), "")
        return named in people and (self._words("source") | self._words("superior")).isdisjoint(after)

    def _candidate_speaks(self, at: int, people: frozenset[str]) -> bool:
        """Whether the subject of the verb at `at` is the candidate, named or left out."""
        words, skip = self.words, self._words("before_verb")
        back = at - 1
        while back >= 0 and words[back] in skip:
            back -= 1
        if back < 0 or words[back] in BREAKS or words[back] in {"and", "then", "but", "when", "asked", '"'}:
            return words[at] not in self._words("inner")  # without a subject, feeling and thinking are the writer's
        return words[back] in people or self._judged.is_name(back)

    def _voice_end(self, at: int, *, clause: bool) -> int:
        """Where reported speech ends: at a strong break, or at a comma after which the writer speaks again."""
        words, turn = self.words, self._words("writer_turn")
        for here in range(at, len(words)):
            word, following = words[here], words[here + 1] if here + 1 < len(words) else ""
            if word in _STRONG_BREAKS or (word == "." and following):
                return here
            if word == "," and (not clause or following in turn):
                return here
            if word in {"and", "but", "so"} and (not clause or (word == "but" and following in turn)):
                return here
        return len(words)

    # ---- evidence ---------------------------------------------------------------------------------------------------

    def _on_topic(self, hit: Hit) -> bool:
        """Whether it is said of a subject matter, not of the person: "quiet on metrics", "will need time for Rust"."""
        words, at = self.words, hit.core
        if hit.group.code in {"GF302", "GF305"}:
            return "need" in words[hit.start : hit.start + 2] and self._spelled_out(hit)
        if hit.group.code == "GF101" and not self._words("state").isdisjoint(words[hit.start : hit.end]):
            return True  # "looked lost in the chart": what follows can show it
        if words[at - 1] not in self._words("topical") or words[at : at + 1] not in (
            ["on"],
            ["about"],
            ["around"],
            ["with"],
        ):
            return False
        return self._words("candidate").isdisjoint(words[at : at + 3])

    def _backed(self, hit: Hit) -> bool:
        if self._spelled_out(hit):
            return True
        if observes(self.sentence, self._rules, self._quotes, hit.start, hit.core):
            return True
        if hit.group.evidence == "same":
            return False
        near = self._sentences[max(0, self._at - 1) : self._at] + self._sentences[self._at + 1 : self._at + 2]
        return any(s.kind != "heading" and observes(s, self._rules, self._quotes) for s in near)

    def _spelled_out(self, hit: Hit) -> bool:
        """Whether what it means follows: "weak on SQL: no join without help", "weak on tests, only one"."""
        words = self.words
        for at in range(hit.end, min(hit.end + 5, len(words))):
            rest = words[at + 1 :]
            if at > hit.end + 2 and words[at] != ":":
                continue
            if words[at] in {":", "("}:
                return sum(word[0].isalnum() for word in rest) >= 2
            if words[at] in {",", "-"} and len(rest) > 3:
                return rest[0].isdigit() or rest[0] in self._words("counts")
        return False


def _without_brackets(words: list[str]) -> list[str]:
    """The words of a label, without a remark in brackets: "Potential (1-5)"."""
    out, depth = [], 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if depth == 0 and word[0].isalpha():
            out.append(word)
    return out
