"""Quotes of every kind that a locator must find or refuse, made from a transcript of `eval.talk`.

Each maker takes a random stretch of the candidate's talk and changes it as a model or a note-taker would. What a
quote must come to is fixed by how it was made, never by asking the locator.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from eval.talk import Talk, clause, invented_names

_HESITATIONS = re.compile(r"\b(?:um|uh|er|like|you know|I mean),? ?(?=\S)")


def _set(words: str) -> set[str]:
    return set(words.split())


class Quote(NamedTuple):
    """A quote and the span it must be found at; None: it must be refused."""

    text: str
    span: tuple[int, int] | None


Maker = Callable[[random.Random, Talk], Quote | None]


def stretch(rng: random.Random, talk: Talk, low: int = 8, high: int = 40, lines: int = 1) -> tuple[int, int]:
    """A random run of low to high words from one answer, over `lines` of its lines, without a filler at its ends."""
    while True:
        answer = rng.choice(talk.answers)
        if len(answer) < lines:
            continue
        first = rng.randrange(len(answer) - lines + 1)
        start, end = answer[first][0], answer[first + lines - 1][1]
        words = list(re.finditer(r"\S+", talk.text[start:end]))
        size = rng.randint(low, high)
        if len(words) < size:
            continue
        at = rng.randrange(len(words) - size + 1)
        begin, stop = start + words[at].start(), start + words[at + size - 1].end()
        found = talk.text[begin:stop]
        if begin + 12 > answer[first][1] or stop - 12 < answer[first + lines - 1][0]:
            continue
        if _HESITATIONS.match(found) or re.search(r"\b(?:um|uh|er|like|know|mean),?$", found):
            continue
        return begin, stop


def exact(rng: random.Random, talk: Talk) -> Quote:
    """Word for word."""
    begin, stop = stretch(rng, talk)
    return Quote(talk.text[begin:stop], (begin, stop))


def exact_short(rng: random.Random, talk: Talk) -> Quote | None:
    """Four to seven words that stand in the text once."""
    begin, stop = stretch(rng, talk, 4, 7)
    text = talk.text[begin:stop]
    alone = len(re.findall(rf"\b{re.escape(text.strip('.,?'))}\b", talk.text, re.IGNORECASE)) == 1
    return Quote(text, (begin, stop)) if alone else None


def reformatted(rng: random.Random, talk: Talk) -> Quote:
    """Punctuation, case, white space, curly quotes and invisible characters changed."""
    begin, stop = stretch(rng, talk)
    text = talk.text[begin:stop]
    for change in rng.sample(_FORMATS, rng.randint(1, 3)):
        text = change(rng, text)
    return Quote(text, (begin, stop))


_FORMATS: list[Callable[[random.Random, str], str]] = [
    lambda _, text: text.upper(),
    lambda _, text: text.lower(),
    lambda _, text: re.sub(r"[^\w\s+]", "", text),
    lambda _, text: re.sub(r"(?<=\w)'(?=\w)", "’", text),
    lambda rng, text: re.sub(r"[,.](?!\d)", lambda _: rng.choice([";", " -", "!", ",", "…"]), text),
    lambda rng, text: re.sub(r" ", lambda _: rng.choice([" ", "  ", "\n", "\u00a0", "\t"]), text),
    lambda _, text: f"“{text}”",
    lambda rng, text: re.sub(r"(?<=[a-z])(?=[a-z])", lambda _: "\u200b" if rng.random() < 0.1 else "", text),
    lambda _, text: text.translate({ord(a): ord(a) - 0x61 + 0xFF41 for a in "aeiou"}),
]


def fillers_dropped(rng: random.Random, talk: Talk) -> Quote | None:
    """Hesitations, `like`, `you know`, `I mean` and repeated words left out."""
    begin, stop = stretch(rng, talk)
    text = re.sub(r"(?<=\w )(\w+) \1\b(?= \w)", r"\1", _HESITATIONS.sub("", talk.text[begin:stop]))
    return Quote(text, (begin, stop)) if text != talk.text[begin:stop] else None


def listener_dropped(rng: random.Random, talk: Talk) -> Quote:
    """A stretch over a listener's `mm-hmm`, without it."""
    begin, stop = stretch(rng, talk, lines=2)
    text = re.sub(r"\n(?:Interviewer: )?[^\n]*\n(?:Candidate: )?", " ", talk.text[begin:stop])
    return Quote(text, (begin, stop))


def one_word(rng: random.Random, talk: Talk) -> Quote | None:
    """One word substituted."""
    return _substituted(rng, talk, 1)


def two_words(rng: random.Random, talk: Talk) -> Quote | None:
    """Two words substituted."""
    return _substituted(rng, talk, 2)


def _substituted(rng: random.Random, talk: Talk, times: int) -> Quote | None:
    begin, stop = stretch(rng, talk)
    words = talk.text[begin:stop].split(" ")
    plain = [at for at, word in enumerate(words) if word.isalpha() and len(word) > 1 and word not in _KEPT]
    if len(plain) < times:
        return None
    others = [word for word in talk.text[: 1 + 20_000].split() if word.isalpha() and word not in _KEPT]
    for at in rng.sample(plain, times):
        words[at] = rng.choice([word for word in rng.sample(others, 5) if word != words[at]])
    return Quote(" ".join(words), (begin, stop))


_NUMBERS = _set(
    "two three four five six seven eight nine ten twelve thirteen fifteen seventeen twenty thirty forty fifty sixty "
    "hundred first second third fourth final half"
)
_NEGATORS = _set("not never no nobody without didn't couldn't wasn't nothing")
_KEPT = {
    *_NUMBERS,
    *_NEGATORS,
    "um",
    "uh",
    "er",
    "like",
    "I",
    "we",
    "you",
    "my",
    "me",
    "us",
    "our",
    "they",
    "it",
    "one",
}


def ellipsis_joined(rng: random.Random, talk: Talk) -> Quote | None:
    """Two parts of one answer joined by an ellipsis that leaves words out: refused, its parts told."""
    begin, stop = stretch(rng, talk, 16, 40)
    words = talk.text[begin:stop].split(" ")
    gap = rng.randint(3, len(words) - 10)
    at = rng.randint(5, len(words) - gap - 5)
    return Quote(" ".join([*words[:at], rng.choice(["...", "…", "[...]"]), *words[at + gap :]]), None)


def glued(rng: random.Random, talk: Talk) -> Quote | None:
    """Two distant halves glued without a mark."""
    halves = [talk.text[slice(*stretch(rng, talk, 4, 16))] for _ in range(2)]
    return _absent(talk, " ".join(half.strip(".,") for half in halves))


def negation_flipped(rng: random.Random, talk: Talk) -> Quote | None:
    """A negation added, dropped or exchanged, as a contraction, too."""
    begin, stop = stretch(rng, talk)
    return _changed(rng, talk, talk.text[begin:stop], _FLIPS)


_FLIPS = [
    (r"\b(did|do|could|was|is|would|had)n't\b", r"\1"),
    (r"\b(did|do|could|was|is|would|had) not\b", r"\1"),
    (r"\bnever (?=\w)", ""),
    (r"\b(we|I) (?:had )?never\b", r"\1 always"),
    (r"\bnobody\b", "everybody"),
    (r"\bwithout\b", "with"),
    (r"\bwith\b", "without"),
    (r"\b(was|could|would|had|is|were)\b(?! not)", r"\1 not"),
    (r"\b(was|could|would|had|is|were)\b(?! not)", r"\1n't"),
    (r"\b(I|we) (?=(?:owned|wrote|asked|told|agreed|measured|kept|changed|moved)\b)", r"\1 never "),
    (r"\b(I|we) (?=(?:owned|wrote|asked|told|agreed|measured|kept|changed|moved)\b)", r"\1 didn't "),
    (r"\bhad any\b", "had no"),
    (r"\bnot (?=\w)", ""),
]


def number_flipped(rng: random.Random, talk: Talk) -> Quote | None:
    """A number exchanged for another: fifteen and fifty, 15 and 50, first and second."""
    begin, stop = stretch(rng, talk)
    return _changed(rng, talk, talk.text[begin:stop], _NUMBER_FLIPS)


_NUMBER_FLIPS = [
    (r"\bfifteen\b", "fifty"),
    (r"\bfifty\b", "fifteen"),
    (r"\b15\b", "50"),
    (r"\b50\b", "15"),
    (r"\bthirty\b", "13"),
    (r"\b13\b", "thirty"),
    (r"\b(?:two|three|four|five)\b", "six"),
    (r"\b(?:six|seven|eight|nine|ten)\b", "eleven"),
    (r"\bfirst\b", "second"),
    (r"\bsecond\b", "third"),
    (r"\b(\d+)\b", r"\g<1>0"),
    (r"\ba hundred\b", "two hundred"),
    (r"\b(?:twenty|forty|sixty)\b", "twelve"),
    (r"\bhalf\b", "a third"),
]


def _changed(rng: random.Random, talk: Talk, text: str, changes: list[tuple[str, str]]) -> Quote | None:
    fitting = [(pattern, new) for pattern, new in changes if re.search(pattern, text)]
    if not fitting:
        return None
    pattern, new = rng.choice(fitting)
    return _absent(talk, re.sub(pattern, new, text, count=1))


def _absent(talk: Talk, text: str) -> Quote | None:
    """The quote, if the talk does not happen to hold these words elsewhere: then it would be a true one."""
    return None if _bare(text) in _bare(talk.text) else Quote(text, None)


@lru_cache(maxsize=8)
def _bare(text: str) -> str:
    """The words alone, told apart from nothing else: lower case, no punctuation, hesitations or contracted `not`."""
    text = re.sub(r"n't\b", " not", text.lower())
    return " ".join(word for word in re.findall(r"[\w']+", text) if word not in ("um", "uh", "er", "mm", "hmm", "huh"))


def paraphrased(rng: random.Random, talk: Talk) -> Quote | None:
    """The same said in other words: the order turned, synonyms, reported speech."""
    begin, stop = stretch(rng, talk, 10, 40)
    text = _HESITATIONS.sub("", talk.text[begin:stop])
    words = text.split(" ")
    changed = [_SYNONYMS.get(word.lower().strip(".,"), word) for word in words]
    half = rng.randint(len(words) // 3, 2 * len(words) // 3)
    said = " ".join([*changed[half:], rng.choice(_LINKS), *changed[:half]]).replace(".", ",")
    differing = sum(a != b for a, b in zip(words, changed, strict=True))
    return _absent(talk, said) if differing > len(words) // 6 else None


_LINKS = [
    "was how they put it when",
    "which they explained by saying that",
    "since",
    "given that",
    "and that came after",
]
_SYNONYMS = dict(
    pair.split("/")
    for pair in sorted(
        _set(
            """because/since we/they i/they my/their me/them the/that was/seemed had/got and/plus but/though
            told/informed wrote/authored said/stated then/afterwards hard/difficult so/therefore never/rarely
            moved/migrated it/this ran/executed thing/point team/group problem/culprit would/might asked/questioned
            needed/required to/towards measured/tracked every/each under/beneath with/alongside about/around in/within
            on/upon waiting/queued agreed/settled remember/recall down/offline anymore/now nobody/no-one is/remains"""
        )
    )
)


def invented(rng: random.Random, talk: Talk) -> Quote | None:
    """Something in the same manner of speaking that nobody said."""
    names = invented_names(rng)
    return _absent(talk, ", and ".join(_fill_foreign(rng, names) for _ in range(rng.randint(1, 3))))


def _fill_foreign(rng: random.Random, names: list[str]) -> str:
    return rng.choice(_FOREIGN).replace("{name}", rng.choice(names)).replace("{thing}", rng.choice(_THINGS))


_THINGS = ["the onboarding guide", "our hiring loop", "the office move", "the travel budget", "the design review"]
_FOREIGN = [
    "I think the best part of {thing} was meeting people from {name}",
    "so what I usually do is I start with {thing} and then I look at {name}",
    "we were the first group that wrote {thing} down for everybody",
    "to be honest I was scared of {name} when I joined the company",
    "the reason we picked {name} was that my old boss liked {thing}",
    "and then we had a long talk about {thing} with the whole team",
    "I would say that {thing} taught me how to listen before I speak",
    "there was this one customer who called about {thing} every morning",
    "I wanted to understand why {name} was so slow on the first day",
    "it took us a year to convince people that {thing} mattered at all",
    "in the end I wrote a small tool that checks {thing} for {name}",
    "nobody told me that {name} would need {thing} before the launch",
]


def recombined(rng: random.Random, talk: Talk) -> Quote | None:
    """Clauses of the talk's own patterns, newly filled: each pattern is there, these words are not."""
    names = invented_names(rng)
    text = rng.choice([", and ", ". So ", " because "]).join(clause(rng, names) for _ in range(rng.randint(2, 4)))
    return _absent(talk, text)


def chained(rng: random.Random, talk: Talk) -> Quote | None:
    """Word by word from the talk's own word triples: any three words are there, the sentence is not."""
    words = talk.text[:400_000].split()
    follow: dict[tuple[str, str], list[str]] = {}
    for a, b, c in zip(words, words[1:], words[2:], strict=False):
        follow.setdefault((a, b), []).append(c)
    at = rng.randrange(len(words) - 2)
    said = words[at : at + 2]
    while len(said) < rng.randint(12, 30) and (nexts := follow.get((said[-2], said[-1]))):
        said.append(rng.choice(nexts))
    return _absent(talk, " ".join(said))


TRUE_KINDS: dict[str, Maker] = {
    "exact": exact,
    "exact, 4-7 words": exact_short,
    "punctuation, case, white space": reformatted,
    "fillers left out": fillers_dropped,
    "listener's mm-hmm left out": listener_dropped,
    "one word substituted": one_word,
    "two words substituted": two_words,
}
FALSE_KINDS: dict[str, Maker] = {
    "joined by an ellipsis": ellipsis_joined,
    "distant halves glued": glued,
    "paraphrase": paraphrased,
    "invented": invented,
    "own patterns, newly filled": recombined,
    "own word triples, chained": chained,
    "negation flipped": negation_flipped,
    "number flipped": number_flipped,
}


def make(kind: str, count: int, seed: int, talk: Talk) -> list[Quote]:
    """`count` quotes of a kind; the same for the same seed and talk.

    A quote that must be found stands in one place only, hesitations aside: of two places neither would be right.
    """
    maker = (TRUE_KINDS | FALSE_KINDS)[kind]
    rng = random.Random(f"{kind}/{seed}")  # noqa: S311 - repeatable
    found: list[Quote] = []
    while len(found) < count:
        quote = maker(rng, talk)
        if quote is not None and (quote.span is None or _alone(talk, quote)):
            found.append(quote)
    return found


def _alone(talk: Talk, quote: Quote) -> bool:
    start, end = quote.span or (0, 0)
    everything, own = _bare(talk.text), _bare(talk.text[start:end])
    return all(everything.count(said) == own.count(said) for said in (_bare(quote.text), own))
