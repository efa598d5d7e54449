"""Who or what a phrase judges: the candidate, a thing of the trade, somebody else, or the interview itself.

Three questions, each answered from the grammar around a match. What follows the judging words ("an aggressive
*timeout*", "a good fit *of the curve*")? What stands before them as the subject of the clause ("*the dwarf* is
hairy")? Whose is it ("*my* accent")? Word classes come from `lint_rules.toml`.
"""

from __future__ import annotations

from itertools import pairwise

from pipeline.lint.index import Hit
from pipeline.lint.rules import RuleSet
from pipeline.lint.text import BLANK, Sentence

BREAKS = frozenset(";-()|,:.!?")
_JOINS = frozenset(("and", "but", "so", "or"))
_REACH, _NEXT = 4, 3  # words that are looked through for the head of a noun phrase, behind a preposition and without
_BACK = 9  # words before a match among which its subject is looked for

# Families whose match stays a judgement of the person whatever noun comes behind it: "compared with Priya's loop",
# "weak in system design", "knows all about caches".
_ABOUT_TOPICS = ("GF202", "GF301", "GF303", "GF305", "GF403", "GF601", "GF602")
_TRAITS = ("GF401", "GF402", "GF5")
# What may lead from the judging words to what they are about. After a word for the person most prepositions lead to
# what the person reacts to ("bored by the question", "lost in the code"), and the judgement stays one of the person.
_ALL_LINKS = frozenset(("of", "on", "about", "in", "with", "for", "at", "by", "into", "from", ":"))
_LINKS = dict.fromkeys(("GF102", "GF201", "GF302", "GF304"), _ALL_LINKS)
_DEFAULT_LINKS = frozenset(("of", "for"))
_LEADS_ON = frozenset(("leave", "leaving", "quit", "by"))
_COMPARES = frozenset(("in", "of", "than", "as", "above", "below"))
_MEASURED = ("GF102", "GF201", "GF302", "GF304")  # a figure close behind says that something was measured
_OWN = ("GF101", "GF4", "GF5")  # families in which "I was ...", "my ..." is the writer's own


_IN_STORIES = ("GF1", "GF4", "GF5", "GF601")
_ARTICLES = (["a"], ["an"], ["the"])
_NEED_SOMEBODY = ("GF1", "GF2", "GF302", "GF303", "GF304", "GF305", "GF4", "GF5", "GF6")
_TERSE = 6  # tokens below which a line is a remark without a verb, and names nobody because it need not
_CLASSIFIERS = frozenset(("sort", "kind", "type"))
_TOPIC_LINKS = frozenset(("about", "of", "on", "in", "with", "how", "what", "why", "when"))
_IMPERSONAL = frozenset(("it", "there", "we"))
_OBJECTS = frozenset(("him", "her", "them"))
_PERCEIVERS = frozenset(("me", "us"))
_ACTED = ("GF101", "GF304", "GF305")  # families of things that people do, the writer among them
_PRONOUNS = frozenset(("he", "she", "they", "his", "her", "him", "i", "me", "candidate"))


class Judged:
    """The grammar around the matches of one sentence."""

    def __init__(self, rules: RuleSet, sentence: Sentence) -> None:
        self._known, self.sentence, self.words = rules.known, sentence, sentence.words
        self._class = rules.words.__getitem__

    def is_name(self, at: int) -> bool:
        """Whether the token is a capitalised word that the rules do not know."""
        token = self.sentence.tokens[at]
        return token.istitle() and len(token) > 1 and self.words[at] not in self._known

    # ---- what follows -----------------------------------------------------------------------------------------------

    def thing_follows(self, hit: Hit) -> bool:
        """Whether the head behind the judging words is a thing: "smart pointer", "fit in 64 KB", "nervous system"."""
        if hit.group.code == "GF101" and self.words[hit.core : hit.core + 1] and self.words[hit.core] in _IMPERSONAL:
            return True  # "feels like it belongs in networking"
        if hit.group.code == "GF101" and not _OBJECTS.isdisjoint(self.words[hit.start : hit.core]):
            return False  # "took him for a follower"
        topical = hit.group.code == "GF602" and self.words[hit.core - 1] in _TOPIC_LINKS  # "no clue how strings work"
        if self._attribute(hit.end) or (hit.core < hit.end and not topical and self._attribute(hit.core)):
            return True
        if self._compared(hit) or self._told_of_things(hit):
            return True
        if self.words[hit.core - 1] == "like" and self._unknown_head(hit.core):
            return True
        if hit.group.code.startswith("GF305"):  # "will leave the lease", "memorised by the net"
            links = [at for at in range(hit.start, min(hit.end + 1, len(self.words))) if self.words[at] in _LEADS_ON]
            return any(self._complement(at + 1, "") for at in links)
        if hit.group.code.startswith(_ABOUT_TOPICS):
            return False
        if not self._class("candidate").isdisjoint(self.words[hit.start : hit.end]):
            return False
        return self._complement(hit.core, hit.group.code) or (
            hit.group.code.startswith(_TRAITS) and self._unknown_head(hit.core)
        )

    def _attribute(self, at: int) -> bool:
        """Whether a noun of the trade comes next or as the next but one."""
        after, nouns = self.words[at : at + 2], self._class("tech_noun")
        if not after:
            return False
        if _CLASSIFIERS.intersection(after) and not self._followed_by_noun(at + (after[0] not in _CLASSIFIERS)):
            return False  # "a guarded sort of person", "little careless type"
        if after[0] in nouns or after[0][0] == BLANK:
            return True
        return len(after) == 2 and after[0].isalpha() and after[0] not in self._class("linking") and after[1] in nouns

    def _followed_by_noun(self, at: int) -> bool:
        """Whether the word at `at` stands before another word of its noun phrase: "sort order", not "sort of"."""
        after = self.words[at + 1 : at + 2]
        return bool(after) and after[0].isalpha() and after[0] != "of"

    def _told_of_things(self, hit: Hit) -> bool:
        """Whether what was heard is about a thing: "recruiter says the slot moved"."""
        if not hit.group.code.startswith("GF601"):
            return False
        rest = self.words[hit.core : hit.end]
        if not self._class("candidate").isdisjoint(rest):
            return False
        return rest[:1] != [] and rest[0] in self._class("article") and self._complement(hit.core, "")

    def _compared(self, hit: Hit) -> bool:
        """Whether it is the middle of a comparison of things: "as good as the library sort"."""
        words = self.words
        if words[hit.core : hit.core + 1] == ["as"] and words[max(0, hit.start - 1) : hit.start] == ["as"]:
            return self._complement(hit.core + 1, "")
        if not hit.group.code.startswith("GF303"):
            return False
        if any(one == "by" and after[0].isdigit() for one, after in pairwise(words[hit.start : hit.end + 1])):
            return True  # a difference that was measured: "faster than the other by 9 seconds"
        inside = [at for at in range(hit.start, hit.end) if words[at] in _COMPARES]
        if any(self._complement(at + 1, "") for at in inside):
            return True
        behind = words[hit.end : hit.end + 2]  # "unlike the others, this node ..."
        return behind[:1] == [","] and behind[-1] in self._class("article") and self._complement(hit.end + 1, "")

    def _complement(self, at: int, code: str) -> bool:
        """Whether the noun phrase at `at`, behind at most one preposition, is about a thing or a measure."""
        words = self.words
        nouns, not_here, stops = self._class("thing_said"), self._class("loop_word"), self._class("stop")
        measured = code.startswith(_MEASURED)
        first = words[at] if at < len(words) else ""
        reach = _NEXT
        if words[at - 1] == "to":  # what comes is a verb: "too old to learn a new stack"
            return False
        if first == "to":  # "sensitive to heat", "grow to 4 shards", but not "tells me to pass"
            at, reach = at + 1, int(measured or code.startswith(_TRAITS))
            measured, nouns = True, nouns if code.startswith(_TRAITS) else frozenset()
        elif first in _LINKS.get(code[:5], _DEFAULT_LINKS):
            at, reach = at + 1, _REACH
        for word in words[at : at + reach]:
            if (word in nouns and word not in not_here) or (measured and word[0].isdigit()):
                return True
            if word in BREAKS or word in stops:
                return False
        return False

    def _unknown_head(self, at: int) -> bool:
        """Whether the trait stands before a plain noun that is no person's: "a normal stream", "a humble rig"."""
        words = self.words
        if at >= len(words) or not words[at].isalpha() or self.sentence.tokens[at][0].isupper():
            return False
        if words[at].endswith(("ed", "ing", "ly")):
            return False
        return words[at] not in self._known or (
            words[at - 2 : at - 1] in _ARTICLES and words[at] in self._class("event")
        )

    def in_scenario(self, hit: Hit) -> bool:
        """Whether the clause plays in a story or a case: "in the scenario the lead was arrogant"."""
        words = self.words
        if not hit.group.code.startswith(_IN_STORIES):
            return False
        if not self._class("data_source").isdisjoint(words[hit.end : hit.end + _REACH]):
            return True
        for at in range(max(0, hit.start - _BACK), hit.start):
            between = words[at + 1 : hit.start]
            if words[at] in self._class("scenario") and _PRONOUNS.isdisjoint(between) and ";" not in between:
                return not self._class("article").isdisjoint(between)  # somebody is introduced there
        return False

    # ---- what stands before -----------------------------------------------------------------------------------------

    def other_subject(self, hit: Hit) -> bool:
        """Whether the clause is about a thing, somebody else or, where that counts, about the writer."""
        people, things = self._class("candidate"), self._class("topic_thing")
        writer = self._class("writer") if hit.group.subject == "person" else frozenset()
        opening = self.words[hit.start : hit.start + 3]
        if hit.group.code == "GF101":  # who perceives is not who is judged: "my question struck me as muddled"
            opening = [word for word in opening if word not in _PERCEIVERS] or [""]
        if opening[0] in self._class("writer") or not self._class("subject_person").isdisjoint(opening):
            return False
        if hit.group.code == "GF101" and self._noun_before(hit.start):
            return True
        for here in range(hit.start - 1, max(-1, hit.start - _BACK), -1):
            word = self.words[here]
            if word in people or (here > 0 and self.is_name(here)):
                return False
            if word in BREAKS or word in _JOINS:
                return self._topic_is_other(here)
            if word in things or word in writer:
                return True
            if word in self._class("ordinal") and here == hit.start - 1 and self.words[here - 1 : here] == ["the"]:
                return True
        return self._topic_is_other(hit.start)

    def _noun_before(self, start: int) -> bool:
        """Whether a noun phrase that is no person's ends right before the verb: "the pad came across as broken"."""
        words, back = self.words, start - 1
        while back >= 0 and words[back] in self._class("adv"):
            back -= 1
        if back < 1 or not words[back].isalpha() or self.is_name(back):
            return False
        if words[back] in self._class("somebody") or words[back] in self._class("person_noun"):
            return False
        return not self._class("article").isdisjoint(words[max(0, back - 2) : back])

    def _topic_is_other(self, before: int) -> bool:
        """Whether the sentence opens with a thing or somebody else as its subject, and stays with it until `before`.

        "The dwarf is male, hairy and aggressive": what follows a comma or "and" without a subject keeps the first one.
        """
        words, nouns = self.words, self._class("topic_thing")
        if not self._class("candidate").isdisjoint(words[:before]):
            return False
        if words[0] not in self._class("article"):
            return False
        for at in range(1, min(_REACH + 1, before)):
            if words[at] in self._class("copula"):
                head = words[at - 1]
                return head in nouns or head in self._class("ordinal") or head not in self._known
            if words[at] in BREAKS:
                return False
        return False

    def out_of_sight(self, hit: Hit) -> bool:
        """Whether the match stands inside a clause that names nobody: "the stream stutters", "softened the accent".

        A note may leave the candidate out, but then the judgement opens the clause.
        """
        words = self.words
        if not hit.group.code.startswith(_NEED_SOMEBODY) or len(words) < _TERSE:
            return False
        opening, somebody = self._class("opening"), self._class("somebody")
        back = hit.start - 1
        while back >= 0 and (words[back] in opening or words[back].endswith("ly")):
            back -= 1
        if back < 0 or words[back] in _JOINS or not words[back][0].isalnum():
            return False
        if not somebody.isdisjoint(words[: hit.end]):
            return False
        return not any(map(self.is_name, range(hit.end)))

    # ---- whose it is ------------------------------------------------------------------------------------------------

    def writers_own(self, hit: Hit) -> bool:
        """Whether the writer speaks of himself: "my accent", "I was nervous", "the panel was late"."""
        words, start = self.words, hit.start
        if self._writer_acts(hit) or self._in_story(hit):
            return True
        if not hit.group.code.startswith(_OWN) or start == 0:
            return False
        if (
            words[start] == "old"
            and words[start - 1] in {"his", "her", "their"}
            and words[start + 1 : start + 2] != ["age"]
        ):
            return True  # "her old team" is the one before this one
        if words[start - 1] == "my" or (words[start - 1] in {"own", "bad"} and words[start - 2 : start - 1] == ["my"]):
            return True
        return self._writer_is(start - 1)

    def _writer_is(self, back: int) -> bool:
        """Whether the words up to `back` are "I was", "we are", with adverbs."""
        words = self.words
        while back >= 0 and words[back] in self._class("adv"):
            back -= 1
        return back >= 1 and words[back] in self._class("copula") and words[back - 1] in {"i", "we"}

    def _writer_acts(self, hit: Hit) -> bool:
        """Whether "I" or "we" is the subject that the match carries on: "I probably came over as impatient"."""
        if not hit.group.code.startswith(_ACTED):
            return False
        words, people = self.words, self._class("candidate")
        if not people.isdisjoint(words[hit.start : hit.end]):
            return False
        at = hit.start
        while at < hit.core and words[at] in self._class("adv"):
            at += 1
        if hit.group.code == "GF101" and words[at] not in self._class("perceived"):
            return False
        for back in range(hit.start - 1, max(-1, hit.start - _BACK), -1):
            if words[back] in {"i", "we"}:
                return True
            if words[back] in people or words[back] in BREAKS or self.is_name(back):
                return False
        return False

    def _in_story(self, hit: Hit) -> bool:
        """Whether the candidate is the one who heard it: "she heard from support ...", "a friend told him ..."."""
        words = self.words
        if not hit.group.code.startswith("GF601"):
            return False
        if hit.start and words[hit.start - 1] in _PRONOUNS - {"i", "me"} and words[hit.start] in self._class("hears"):
            return True
        return any(words[at] == "told" and words[at + 1] in _OBJECTS for at in range(hit.start, hit.end - 1))
