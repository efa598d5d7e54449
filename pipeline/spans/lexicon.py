"""What words mean to a quote: which say nothing, which negate, which are numbers, which are opposites.

The lists are English, but for the commonest negations of some other languages; elsewhere a word is a word.
They are short on purpose: each entry turns the meaning, or carries none, in nearly every sentence of an interview.
"""

from __future__ import annotations

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


HESITATION = re.compile(r"u+h*m+|u+h+|e+r+m*|[ae]+h+|h*m{2,}|h+m+|m+h+m+|huh|uhhuh")
"""Sounds without meaning (um, er, mm-hmm): left out of every comparison. `uh-uh` for no is heard as hesitation."""

BACKCHANNEL = _set(
    "yeah yep yes right okay sure cool great nice exactly gotcha wow oh interesting perfect absolutely totally "
    "i see got it makes sense of course good fair enough true understood "
    "that thats sounds go on ahead thanks awesome alright indeed lovely fine"
)
"""A line of at most four words, all of them these or hesitations, is a listener's and may be left out of a quote."""

SOFT = _set(
    "like so well right okay yeah yep yes basically actually literally honestly obviously anyway sure exactly oh "
    "cool great wow percent and"
)
"""Words that a quote may leave out at a quarter of the price of any other word."""

EMPTY_PAIRS = frozenset({("you", "know"), ("i", "mean")})
"""Pairs of words that are skipped when a quote's place is looked for."""

SOFT_PAIRS = EMPTY_PAIRS | {("sort", "of"), ("kind", "of"), ("you", "see"), ("i", "guess")}
"""Pairs of words that a quote may leave out like soft words."""

SPELLINGS = {"ok": "okay", "cause": "because", "cuz": "because", "cos": "because", "yup": "yep", "nt": "not"}
SPELLINGS |= dict.fromkeys(_set("ye yea ya"), "yeah")

_AUXILIARIES = _set("do does did is are was were has have had would could should must might need ought")
AUXILIARIES = _AUXILIARIES | _set("can will shall may am ain")
NEGATED: dict[str, tuple[str, ...]] = {f"{verb}nt": (verb, "not") for verb in _AUXILIARIES}
"""Contractions that negate, by their letters, and the words they stand for."""
NEGATED |= {"cant": ("can", "not"), "cannot": ("can", "not"), "wont": ("will", "not"), "shant": ("shall", "not")}
NEGATED |= {f"{verb}ntve": (verb, "not", "have") for verb in _AUXILIARIES}
NEGATED |= {"aint": ("ain", "not"), "dunno": ("do", "not", "know")}

_CONTRACTED = {  # compared only where a quote and the text differ: `its` may be either `it's` or a possessive
    "its": "it is", "thats": "that is", "theres": "there is", "whats": "what is", "hes": "he is", "shes": "she is",
    "whos": "who is", "heres": "here is", "wheres": "where is", "hows": "how is", "lets": "let us", "im": "i am",
    "ive": "i have", "youve": "you have", "weve": "we have", "theyve": "they have", "youre": "you are",
    "were": "we are", "theyre": "they are", "ill": "i will", "youll": "you will", "well": "we will",
    "theyll": "they will", "itll": "it will", "id": "i would", "youd": "you would", "wed": "we would",
    "theyd": "they would", "hed": "he would", "shed": "she would", "gonna": "going to", "wanna": "want to",
    "gotta": "got to", "kinda": "kind of", "sorta": "sort of", "alright": "all right", "couldve": "could have",
    "wouldve": "would have", "shouldve": "should have",
}  # fmt: skip

NEGATIONS = _set(
    """not no never none nobody nothing nowhere neither nor without nope nah nuh hardly barely scarcely seldom rarely
    non nicht nichts kein keine keinen keinem keiner nie niemals niemand ohne kaum pas jamais aucun aucune sans nunca
    jamás ningún ninguna nadie nada sin não nem sem non mai senza 不 没 沒 無 无 未 非"""
)
"""Words that turn a statement; beside English the commonest of some other languages."""

_NEGATING_PREFIX = _set("un in im ir il dis non mis de anti")

_OPPOSITES = _set(
    """always/sometimes all/some before/after more/less more/fewer most/least up/down over/under above/below
    in/out on/off true/false yes/no better/worse best/worst good/bad fast/slow faster/slower big/small bigger/smaller
    high/low higher/lower increase/decrease increased/decreased increases/decreases increasing/decreasing
    add/remove added/removed start/stop started/stopped enable/disable enabled/disabled success/failure
    succeeded/failed pass/fail passed/failed love/hate loved/hated agree/disagree easy/hard early/late earlier/later
    first/last 1st/last 2nd/last old/new open/closed accept/reject accepted/rejected allow/deny allowed/denied
    synchronous/asynchronous sync/async push/pull read/write reads/writes client/server left/right minimum/maximum
    min/max win/lose won/lost something/nothing often/rarely
    many/few senior/junior right/wrong positive/negative hot/cold cheap/expensive strong/weak public/private
    never/always not/always nobody/everybody nobody/everyone nothing/everything none/all without/with no/some no/any
    like/hate liked/hated well/badly well/poorly and/or either/neither ever/never"""
)
_OPPOSITE: dict[str, list[str]] = {}
for _pair in sorted(_OPPOSITES):
    _one, _other = _pair.split("/")
    _OPPOSITE.setdefault(_one, []).append(_other)
    _OPPOSITE.setdefault(_other, []).append(_one)
_PERSONS = dict.fromkeys(_set("i im ive id ill my me mine myself"), "i")
_PERSONS |= dict.fromkeys(_set("we weve our us ours ourselves"), "we")
_PERSONS |= dict.fromkeys(_set("you your youre youve youd youll yours yourself"), "you")
_PERSONS |= dict.fromkeys(_set("he she they hes shes theyre theyve his her hers their theirs them him himself"), "they")


def negated(ours: list[str], theirs: list[str]) -> bool:
    """True where a word of one side is a word of the other with a negating prefix: stable and unstable."""
    pairs = [(a, b) if len(a) > len(b) else (b, a) for a in ours for b in theirs]
    return any(
        len(short) > 2 and long.endswith(short) and long[: -len(short)] in _NEGATING_PREFIX for long, short in pairs
    )


def opposed(ours: list[str], theirs: list[str]) -> bool:
    """True where two differing passages hold a pair of opposites: before and after."""
    return any(b in _OPPOSITE.get(a, ()) for a in ours for b in theirs)


def other_person(ours: list[str], theirs: list[str]) -> bool:
    """True where two differing passages speak of different persons: I and we."""
    mine, other = ({_PERSONS[word] for word in side if word in _PERSONS} for side in (ours, theirs))
    return bool(mine and other and mine != other)


def same_reading(ours: list[str], theirs: list[str]) -> bool:
    """True where two differing passages are the same words written otherwise: data base, it's, twenty-five."""
    if "".join(ours) == "".join(theirs):
        return True
    if all(key.isdecimal() for key in ours + theirs):
        return figures(ours) == figures(theirs)
    mine, other = ([part for key in side for part in _CONTRACTED.get(key, key).split()] for side in (ours, theirs))
    return mine == other


_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TEENS = "seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
NUMBERS = {word: str(value) for value, word in enumerate(f"{_UNITS} {_TEENS}".split())}
"""Number words and the digits they stand for."""
NUMBERS |= {word: str(10 * value) for value, word in enumerate(_TENS.split(), 2)}
NUMBERS |= {
    tens + unit: str(10 * high + low)
    for high, tens in enumerate(_TENS.split(), 2)
    for low, unit in enumerate(_UNITS.split()[1:10], 1)
}
NUMBERS |= {word: f"{at}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(at, 'th') }" for at, word in enumerate(_ORDINALS.split(), 1)}
NUMBERS |= {word: str(value) for word, value in _SCALES.items()}
NUMBERS |= {f"{word}s": f"{value}s" for word, value in _SCALES.items()}

_UNSURE = _set("1 2nd")  # also a pronoun, also a unit of time
_FIGURES = _set("half twice double triple dozen minus")
_DIGIT = re.compile(r"\d")
_UNIT = re.compile(r"(?<=\d)(?!(?:st|nd|rd|th)$)[^\W\d_]+$")  # of 10ms


def is_figure(key: str) -> bool:
    """True for a word that counts."""
    return key in _FIGURES or _DIGIT.search(key) is not None


def figures(keys: list[str]) -> list[str]:
    """The numbers said in `keys`, in order and composed: `2 100 and 5` is `205`. Repeats in a row count once."""
    if _FIGURES.isdisjoint(keys) and not _DIGIT.search(" ".join(keys)):
        return []
    found: list[str] = []
    total, current = 0, -1  # -1: no number is open
    for key in [*keys, ""]:
        value = int(key) if key.isdecimal() and len(key) < 15 else -1
        if value < 0 and key == "and" and current > 0 and current % 100 == 0:
            continue
        composed = _composed(total, current, value)
        if composed is None:
            if current >= 0:
                found.append(str(total + current))
            total, current = 0, value
            if value < 0 and is_figure(key):
                found.append(_UNIT.sub("", key))
        else:
            total, current = composed
    return [figure for at, figure in enumerate(found) if at == 0 or found[at - 1] != figure]


def _composed(total: int, current: int, value: int) -> tuple[int, int] | None:
    """The open number (`total` of its thousands, `current` below) with `value` said after it; None: a new number."""
    if value < 0 or current < 0:
        return None
    if value >= 1000 and value in _SCALES.values():
        return (total + max(current, 1) * value, 0) if current < value else None
    if value == 100 and 0 < current < 100:
        return total, current * 100
    after_hundred = current % 100 == 0 and current + total > 0 and value < 100
    after_ten = current % 10 == 0 and current % 100 >= 20 and 0 < value < 10
    return (total, current + value) if after_hundred or after_ten else None


def sure_figures(keys: list[str]) -> list[str]:
    """`figures` without those that may be no number at all: `one` standing alone, `second`."""
    return [figure for figure in figures(keys) if figure not in _UNSURE]
