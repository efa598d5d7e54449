"""One sentence of feedback: is it a claim about what the candidate did, and of which kind?"""

from __future__ import annotations

import re

from pipeline.claims.words import NUMBERS, lexicon, plain, stem, stems, words

_ACTS = frozenset(
    "ask say explain describe mention propose suggest write add run test handle name rename trace follow check "
    "compare choose start begin build debug fix refactor deploy revert use set admit state form change try walk "
    "split move return raise count measure log monitor draw list notice find look blame skip ignore refuse assume "
    "clarify identify consider offer need take give show implement isolate reproduce validate discuss outline "
    "point put keep leave let make get go come tell hold send call switch release drop reject accept wait plan "
    "practise predict stop recommend withdraw compute estimate design rank weigh".split()
)
_IRREGULAR = frozenset(
    "went came held sent left kept put set cut led met read saw knew thought threw told brought caught chose wrote ran "
    "took gave made drew began found built did had got let".split()
)
_ADJECTIVES = frozenset(
    "experienced skilled polished interested motivated organised organized gifted talented limited focused "
    "detailed prepared relaxed confused balanced rounded impressed excited opinionated seasoned qualified "
    "reserved warmed need bed speed indeed embed red".split()
)
_JUDGEMENT = re.compile(
    r"\b(?:smart|sharp|bright|clever|strong|weak|solid|great|excellent|lovely|humble|shy|nervous|polished|slick|charming|"
    r"blunt|terse|combative|arrogant|friendly|likeable|talented|defensive|confident|grand|sweet|fun|warm|chatty|"
    r"hire|material|culture|fit|personality|attitude|presence|energy|vibe|gut|rating|best|strongest|better than|"
    r"pleasure|storyteller|buzzwords|accent|english|role|seems?|seemed|appears?|appeared)\b"
)
# The writer as the subject: "I enjoyed", but not "when I asked" or "asked me".
_WRITER = re.compile(
    r"(?<!after )(?<!before )(?<!when )(?<!once )(?<!until )(?<!as )(?<!than )(?<!that )(?<!what )(?<!where )(?<!and )"
    r"\bi\b|\b(?:and|but|,) i\b|\bmy (?:gut|taste|team|view|opinion|impression)\b|\bfrom me\b|\bfor me\b|\bmyself\b"
)
# Verbs of the writer's eye, not of the candidate: "looked tired", but not "looked at the log".
_SENSED = re.compile(r"\b(?:seem|appear|sound|feel|remind|look)(?:s|ed)?\b(?! (?:at|up|into|for|through)\b)|\bfelt\b")
_FINITE = re.compile(r"\b(?:is|are|was|were|has|have|do|does|would|could|can|may|must|will|not|questions?)\b|n't\b")
_FORM = re.compile(
    r"^\W*(?:overall|recommend(?:ation|ed level)?|rating|verdict|decision|summary|(?:no |strong |lean )*hire)\b", re.I
)
_ASKING = re.compile(
    r"^\W*(?:(?:first|then|later|also|again|repeatedly|came back to)\W+)*(?:(?:his|her|their) )?"
    r"(?:(?:first |opening )?questions?\b|ask(?:ed|s|ing)?\b|wanted to know|clarified|enquired|inquired|"
    r"check(?:ed|s) (?:whether|if)|confirmed that)",
    re.I,
)
_TURNED = re.compile(
    r"\b(?:not|never|no|only|nothing|nobody|none|without|neither|nor|cannot|instead of|rather than|gave up|gives up|"
    r"left|leaves|stopp\w+|missing)\b|n't\b"
)
_COUNT = re.compile(
    rf"\b(?P<n>\d{{1,3}}|(?:(?:{'|'.join(NUMBERS)})(?:[ -](?=(?:{'|'.join(NUMBERS)})\b))?)+)\s+(?:[\w-]+\s+){{0,2}}"
    r"(?P<what>questions?|hints?|prompts?)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[“\"]([^”\"\n]{8,400})[”\"]")
_MIN_QUOTED_WORDS = 3
# Beside a quotation: it is the candidate's.
_SAID = re.compile(r"\b(?:said|says|saying|told|tells|answer(?:ed|s)|repl(?:ied|ies)|words|quote)\b")


def is_claim(sentence: str) -> bool:
    """Whether a sentence says what the candidate said or did: an act, not the writer's own, not a bare rating."""
    told = _QUOTED.sub(" ", sentence)  # what a quotation says in the first person, the writer does not say
    if _WRITER.search(plain(told)) or _FORM.match(sentence) or sentence.rstrip().endswith("?"):
        return False
    if quote_in(sentence) is not None and (_SAID.search(plain(told)) or len(words(told)) < 3):
        return True
    said = words(sentence)
    if len(said) < 3:
        return False
    if any(map(_acts, words(_SENSED.sub(" ", plain(sentence))))):
        return True
    judges = _JUDGEMENT.search(plain(sentence)) is not None
    return not judges and len(stems(sentence)) >= 4 and _FINITE.search(plain(sentence)) is not None


def _acts(word: str) -> bool:
    past = word.endswith("ed") and len(word) > 4 and word not in _ADJECTIVES
    return past or word in _IRREGULAR or stem(word) in _act_stems()


def _act_stems() -> frozenset[str]:
    return frozenset(map(stem, _ACTS))


def asks(sentence: str) -> bool:
    """Whether it says that the candidate asked something."""
    return _ASKING.search(sentence) is not None


def asking_words() -> frozenset[str]:
    """Stems that only say that something was asked."""
    return frozenset(map(stem, ("ask", "question", "clarify", "know", "want", "check", "wonder", "confirm")))


def turned(sentence: str) -> bool:
    """Whether it tells of something not done, not known or not wanted, so that a refusal may bear it out."""
    said = {stem(word) for word in words(sentence)}
    return _TURNED.search(plain(sentence)) is not None or bool(said & {stem(word) for word in lexicon().turned})


def count_in(sentence: str) -> tuple[int, str] | None:
    """A number of questions or hints: (how many, "questions" or "hints")."""
    from pipeline.claims.words import number

    match = _COUNT.search(sentence)
    n = number(match["n"].strip()) if match else None
    if match is None or n is None:
        return None
    return n, "questions" if match["what"].lower().startswith("question") else "hints"


def quote_in(sentence: str) -> str | None:
    """Words in quotation marks, when there are enough of them to be somebody's."""
    return next((q for q in _QUOTED.findall(sentence) if len(words(q)) >= _MIN_QUOTED_WORDS), None)
