"""Names of people that a note gives away by how it uses them, for texts that come without a manifest.

A capitalised word counts as a name when it acts as a person ("Priya said", "Tom's answer", "paired with Ana",
"Candidate: Jo Berg"), or when a mail address in the note spells it; words next to it that are capitalised too belong to
it. No list of names is consulted, so a name that is only mentioned in passing, or written in lower case, stays.
docs/lint-model.md has the measured recall.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_WORD = r"[^\W\d_a-z][\w'’-]*[^\W\d_]"  # a capital, then letters
_NAME = rf"{_WORD}(?:[ \t]+{_WORD}){{0,2}}"
_ACTS = (
    "said|says|asked|asks|told|tells|explained|explains|mentioned|answered|answers|wrote|writes|felt|thinks|thought|"
    "seemed|seems|struggled|struggles|admitted|suggested|suggests|described|describes|started|walked|came|comes|knew|"
    "knows|did|does|could|can|would|will|was|is|has|had|looked|looks|sounded|sounds|appeared|appears|needed|needs|got|"
    "gave|gives|took|went|made|makes|used|ran|named|drew|found|fixed|handled|refused|noticed|proposed|claimed|believes|"
    "wants|wanted|lacks|lacked|showed|shows|never|also|didn['’]t|doesn['’]t|wasn['’]t|isn['’]t|couldn['’]t"
)
_HOW = r"(?:(?:then|also|only|just|still|first|later|soon|[a-z]+ly) )?"
_CUES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?im)^[ \t>*_-]*(?:candidate|interviewer|interviewee|applicant|name|author|panel|reviewer|written by|"
        rf"feedback (?:on|for)|interview with)[ \t*_]*[:=-][ \t*_]*(?-i:(?P<name>{_NAME}))",
        rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Mx)\.? (?P<name>{_NAME})",
        rf"(?<![\w.@/])(?P<name>{_NAME}) {_HOW}(?:{_ACTS})\b",
        rf"(?<![\w.@/])(?P<name>{_NAME})['’]s? (?!s\b)[a-z]",
        r"\b(?i:interviewed|met|spoke (?:to|with)|talked (?:to|with)|chat(?:ted)? with|paired with|pairing with|"
        r"would hire|I['’]d hire|recommend|asked|told|reminded|helped|gave|with|and|than|like|as|about|thanks,?|hi|"
        rf"hello|co-interviewer|colleague|interviewer|candidate) (?P<name>{_NAME})(?=[\s,.;:!?)]|$)",
        rf"(?<![\w.@/])(?P<name>{_NAME}) and I\b",
        rf"(?<![\w.@/])(?P<name>{_WORD}(?:[ \t]+{_WORD}){{1,2}}) {_HOW}[a-z]{{2,}}ed\b",
    )
)
_MAILBOX = re.compile(r"(?<![\w.+-])([^\W\d_][\w.+-]{1,63})@(?=\w)")
_POSSESSIVE = re.compile(r"['’]s?$")
_NO_NAMES = frozenset(
    "a an the i we you he she they it this that these those his her their my our your its one both all each some "
    "most and or but so if when while then after before because since once first second third last next finally "
    "overall also never always often sometimes rarely just only even still already again later not no yes nothing "
    "nobody everyone someone what which who how why where there here with without for from to in on at by as of "
    "about candidate interviewer interviewee applicant interview panel team recommendation rating summary "
    "feedback strong weak hire lean good great poor ok solid nice asked said told explained wrote named drew ran "
    "used added fixed found made took gave did does could would should may might must can will is was has had "
    "coding design system code communication debugging monday tuesday wednesday thursday friday saturday sunday "
    "january february march april june july august september october november december english french german "
    "spanish hindi api sql cv ui ux qa faang".split()
)


def people_in(text: str, no_names: Collection[str] = _NO_NAMES) -> list[str]:
    """Names of people in a note, each as written once, longest first.

    `no_names` (lower case) are further words that are no names however they are used, such as products.
    """
    found: set[str] = set()
    for cue in _CUES:
        for match in cue.finditer(text):
            words = [word for word in match["name"].split() if not _ruled_out(word, no_names)]
            if words:
                found.add(_POSSESSIVE.sub("", " ".join(words)))
    spelt = {part.lower() for box in _MAILBOX.findall(text) for part in re.findall(r"[^\W\d_]{3,}", box)}
    capitals = re.findall(rf"(?<!\w){_WORD}(?![\w@])", text) if spelt else ()
    found.update(word for word in capitals if word.lower() in spelt and not _ruled_out(word, no_names))
    for name in list(found):  # "Priya said" makes "Priya Okafor" a name elsewhere in the note
        for match in re.finditer(rf"(?<!\w){re.escape(name)}[ \t]+({_WORD})", text):
            if not _ruled_out(match[1], no_names):
                found.add(f"{name} {_POSSESSIVE.sub('', match[1])}")
    return sorted(found, key=lambda name: (-len(name), name))


def _ruled_out(word: str, no_names: Collection[str]) -> bool:
    low = _POSSESSIVE.sub("", word).lower()
    return low in _NO_NAMES or low in no_names or low.endswith("ly") or (word.isupper() and len(word) < 6)
