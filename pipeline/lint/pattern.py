"""The language that lint patterns are written in, and the matcher that runs it.

A pattern is a row of elements, matched against the tokens of one sentence:

    bright            the word              bright+           the word with -s, -es, -ed, -ing
    {seem}            any entry of a lexicon; entries may have several words
    (gut|inner voice) any alternative       x?                x or nothing
    ~3                up to three words     !x                not followed by x (x is not consumed)
    <!x               not preceded by x     {Name}            a word written like a name
    ^                 a clause starts here  $                 a clause ends here
    >                 the rest of the clause                  >>    the rest of the sentence
    [ ... ]           the part to report; without brackets, all of it
    ,                 punctuation marks stand for themselves

There is no repetition: every element takes a bounded number of tokens, gaps stop at punctuation, so a search costs a
constant per token, whatever the text. Each pattern knows its rarest necessary word; only sentences that contain it
are looked at, which is what makes many hundreds of patterns cheap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pipeline.errors import RubricError

Lexicons = Mapping[str, "Lexicon"]
Span = tuple[int, int]

_ELEMENT = re.compile(
    r"\s*(?:(?P<group>\((?:[^()\[\]~!^$>?{]|\{(?!Name))*\))|(?P<gap>~\d)|(?P<open>\()|(?P<close>\))|(?P<bar>\|)|(?P<mark>[\[\]])|(?P<rest>>>?)|(?P<edge>[\^$])"
    r"|(?P<no><?!)|(?P<lexicon>\{[\w-]+\})|(?P<word>[^\W_]+(?:['._][^\W_]+)*\+?|'\w+|[,:;/.\"%&=-])|(?P<optional>\?))"
)
# The words of ordinary prose: a pattern that can only be found by one of these would be tried on every sentence.
COMMON = frozenset(
    """a an the and or but so to of in on at by for with from as is was are were be been 's 'd 're 've 'll 'm he she they
    him her his their them it its this that i we my our you your not no do did does have has had would could can will
    very too quite just more most all any some than then there here what when who how if out up about into over after
    well good get got one time like , - : ; / ( ) .""".split()
)
_OPENERS = frozenset(
    """. , : ; - ( / " ! ? and but so yet also plus though although overall however still however honestly frankly
    clearly obviously basically generally otherwise because since as tbh imo imho ngl | & + = ) just again anyway""".split()
)
_CLOSERS = frozenset(
    """. , : ; - ( ) / " ! ? and but so yet though although with for because since as at in on during or | & + tbh imo
    imho ngl overall throughout when from while which who that to who today though only then lol haha""".split()
)

_JOINS = frozenset("and but so yet though although because since when while which who if whereas even".split())


class Lexicon(NamedTuple):
    """A set of entries: single words, and phrases by their first word (longest first)."""

    words: frozenset[str]
    phrases: dict[str, tuple[tuple[str, ...], ...]]

    @property
    def first(self) -> frozenset[str]:
        """Every word an entry can start with."""
        return self.words | self.phrases.keys()


class Node:
    """One element of a pattern and what follows it."""

    __slots__ = ("data", "next", "op", "optional")

    def __init__(self, op: str, data: object = None, optional: bool = False) -> None:
        self.op, self.data, self.optional = op, data, optional
        self.next: Node | None = None


class Match(NamedTuple):
    """Token indexes: where the reported part starts and ends (exclusive)."""

    start: int
    end: int


class Pattern:
    """One compiled pattern.

    `anchors` are words of which one must occur; `before` says how many tokens (least, most) precede that word.
    """

    __slots__ = ("anchors", "before", "first", "root", "source")

    def __init__(self, source: str, root: Node) -> None:
        self.source, self.root = source, root
        self.anchors, self.before, _ = _anchor(root, source)
        self.first = _first(root)

    def match(self, words: list[str], at: int, is_name: Callable[[int], bool]) -> Match | None:
        """Match with the first token at index `at`, or None."""
        if self.first is not None and words[at] not in self.first:
            return None
        found = _walk(self.root, words, at, is_name)
        if found is None:
            return None
        end, opened, closed = found
        return Match(at if opened < 0 else opened, end if closed < 0 else closed)


def inflected(word: str) -> frozenset[str]:
    """A word written "verb+" with its regular endings; a plain word alone."""
    if not word.endswith("+"):
        return frozenset((word,))
    stem = word[:-1]
    base = stem[:-1] if stem.endswith("e") else stem
    if stem.endswith("y") and stem[-2] not in "aeiou":
        return frozenset((stem, stem[:-1] + "ies", stem[:-1] + "ied", stem + "ing"))
    forms = {stem, stem + "s", base + "ed", base + "ing"}
    if stem.endswith(("s", "sh", "ch", "x", "z")):
        forms.add(stem + "es")
    if re.search(r"[^aeiou][aeiou][bdglmnprt]$", stem):
        forms |= {stem + stem[-1] + "ed", stem + stem[-1] + "ing"}
    return frozenset(forms)


def lexicon(name: str, source: str, known: Lexicons) -> Lexicon:
    """Read a lexicon: entries separated by new lines or commas; `{other}` includes another one defined before it."""
    words: set[str] = set()
    phrases: dict[str, set[tuple[str, ...]]] = {}
    for entry in re.split(r"(?<!\\)[,\n]", source):
        parts = entry.split("#", 1)[0].replace("\\,", " , ").split()
        if not parts:
            continue
        if len(parts) == 1 and parts[0].startswith("{"):
            other = _known(parts[0], known, name)
            words |= other.words
            for head, tails in other.phrases.items():
                phrases.setdefault(head, set()).update(tails)
            continue
        for combination in _product([inflected(part) for part in parts]):
            if len(combination) == 1:
                words.add(combination[0])
            else:
                phrases.setdefault(combination[0], set()).add(combination)
    return Lexicon(frozenset(words), {h: tuple(sorted(t, key=lambda p: (-len(p), p))) for h, t in phrases.items()})


def _product(parts: list[frozenset[str]]) -> list[tuple[str, ...]]:
    out: list[tuple[str, ...]] = [()]
    for part in parts:
        out = [(*head, word) for head in out for word in sorted(part)]
    return out


def _known(token: str, known: Lexicons, where: str) -> Lexicon:
    try:
        return known[token[1:-1]]
    except KeyError:
        raise RubricError(f"Lint rules: {where!r} names the lexicon {token}, which is not defined above it.",
                          next_step="define it under [lexicons] in prompts/lint_rules.toml") from None


def compile_pattern(source: str, known: Lexicons) -> Pattern:
    """Compile one line of the pattern language.

    Raises RubricError with the line when it cannot be read or could match without a rare word.
    """
    branches, at = _branches(source, 0, known, nested=False)
    if at != len(source.rstrip()) or len(branches) != 1:
        raise RubricError(f"Lint rules: cannot read the pattern {source!r} from {source[at:]!r} on.")
    head, _ = _chain(branches[0])
    return Pattern(source, head)


def _branches(source: str, at: int, known: Lexicons, *, nested: bool) -> tuple[list[list[Node]], int]:
    """Read alternatives up to the closing bracket, or one row of elements up to the end."""
    branches: list[list[Node]] = [[]]
    while at < len(source.rstrip()):
        found = _ELEMENT.match(source, at)
        if found is None:
            raise RubricError(f"Lint rules: cannot read the pattern {source!r} from {source[at:]!r} on.")
        at, kind, value = found.end(), str(found.lastgroup), found.group(str(found.lastgroup))
        if kind == "close" and nested:
            return branches, at
        if kind == "bar" and nested:
            branches.append([])
        elif kind == "open":
            inner, at = _branches(source, at, known, nested=True)
            rows = [_chain(branch) for branch in inner]
            if _awaits(branches[-1]):
                branches[-1][-1].data = rows
            else:
                branches[-1].append(Node("alt", rows))
        elif kind == "optional" and branches[-1]:
            branches[-1][-1].optional = True
        elif kind == "no":
            branches[-1].append(Node("ahead" if value == "!" else "behind"))
        else:
            node = _element(kind, value, known, source)
            if _awaits(branches[-1]):
                if not isinstance(node.data, Lexicon):
                    raise RubricError(f"Lint rules: only words and lexicons can follow '!' in {source!r}.")
                branches[-1][-1].data = node.data
            else:
                branches[-1].append(node)
    if nested:
        raise RubricError(f"Lint rules: a bracket of {source!r} is not closed.")
    return branches, at


def _awaits(row: list[Node]) -> bool:
    """Whether the row ends in a `!` or `<!` that still needs its words."""
    return bool(row) and row[-1].op in {"ahead", "behind"} and row[-1].data is None


def _element(kind: str, value: str, known: Lexicons, source: str) -> Node:
    if kind == "group":
        return Node("set", lexicon(source, value[1:-1].replace("|", "\n").replace(",", "\\,"), known))
    if kind == "gap":
        return Node("gap", int(value[1:]))
    if kind in {"mark", "edge", "rest"}:
        return Node({"[": "open", "]": "close", "^": "start", "$": "end", ">": "clause", ">>": "sentence"}[value])
    if kind == "lexicon":
        if value == "{Name}":
            return Node("name", _known("{not_a_name}", known, source))
        return Node("set", _known(value, known, source))
    if kind == "word":
        return Node("set", Lexicon(inflected(value), {}))
    raise RubricError(f"Lint rules: {value!r} stands alone in the pattern {source!r}.")


def _chain(row: list[Node]) -> tuple[Node, Node]:
    """Link a row of elements; the end node of a branch is where the walk returns to the row around it."""
    end = Node("done")
    for node, after in zip(row, [*row[1:], end], strict=True):
        node.next = after
    return (row[0] if row else end), end


_Found = tuple[int, int, int]  # end of the match, start and end of the reported part (-1: not marked)


def _walk(node: Node, words: list[str], at: int, is_name: Callable[[int], bool], after: tuple[Node, ...] = ()) -> _Found | None:
    """Match from `node` on; `after` holds the rows to return to when a branch is done."""
    while True:
        op, follow = node.op, node.next
        if op == "set":
            here = words[at] if at < len(words) else ""
            lex: Lexicon = node.data  # type: ignore[assignment]
            for phrase in lex.phrases.get(here, ()):
                if words[at : at + len(phrase)] == list(phrase):
                    found = _walk(follow, words, at + len(phrase), is_name, after)  # type: ignore[arg-type]
                    if found is not None:
                        return found
            if here in lex.words:
                if node.optional:
                    found = _walk(follow, words, at + 1, is_name, after)  # type: ignore[arg-type]
                    if found is not None:
                        return found
                else:
                    at += 1
            elif not node.optional:
                return None
        elif op == "gap":
            return _gap(node, words, at, is_name, after)
        elif op == "alt":
            return _alternatives(node, words, at, is_name, after)
        elif op == "done":
            if not after:
                return at, -1, -1
            follow, after = after[-1], after[:-1]
        elif op in {"open", "close"}:
            found = _walk(follow, words, at, is_name, after)  # type: ignore[arg-type]
            if found is None:
                return None
            return (found[0], at, found[2]) if op == "open" else (found[0], found[1], at)
        elif op in {"clause", "sentence"}:
            at = _rest(words, at, clause=op == "clause")
        elif not _holds(node, words, at, is_name):
            return None
        elif op == "name":
            at += 1
        node = follow  # type: ignore[assignment]


def _gap(node: Node, words: list[str], at: int, is_name: Callable[[int], bool], after: tuple[Node, ...]) -> _Found | None:
    most: int = node.data  # type: ignore[assignment]
    for taken in range(most + 1):
        if taken and (at + taken > len(words) or not words[at + taken - 1][0].isalnum()):
            return None
        found = _walk(node.next, words, at + taken, is_name, after)  # type: ignore[arg-type]
        if found is not None:
            return found
    return None


def _alternatives(node: Node, words: list[str], at: int, is_name: Callable[[int], bool], after: tuple[Node, ...]) -> _Found | None:
    branches: list[tuple[Node, Node]] = node.data  # type: ignore[assignment]
    for head, _ in branches:
        found = _walk(head, words, at, is_name, (*after, node.next))  # type: ignore[arg-type]
        if found is not None:
            return found
    return _walk(node.next, words, at, is_name, after) if node.optional else None  # type: ignore[arg-type]


def _holds(node: Node, words: list[str], at: int, is_name: Callable[[int], bool]) -> bool:
    """The conditions that take no token (and the name, which takes one)."""
    if node.op == "start":
        return at == 0 or words[at - 1] in _OPENERS
    if node.op == "end":
        return at >= len(words) or words[at] in _CLOSERS
    lex: Lexicon = node.data  # type: ignore[assignment]
    if node.op == "name":
        return at < len(words) and words[at] not in lex.words and is_name(at)
    if node.op == "behind":
        return at == 0 or words[at - 1] not in lex.words
    if at >= len(words):
        return True
    if isinstance(node.data, list):
        return all(_walk(head, words, at, is_name) is None for head, _ in node.data)
    here = words[at]
    return here not in lex.words and not any(words[at : at + len(p)] == list(p) for p in lex.phrases.get(here, ()))


def _rest(words: list[str], at: int, *, clause: bool) -> int:
    """The end of the clause (at punctuation or a conjunction) or of the sentence, without the last stop."""
    if clause:
        while at < len(words) and (words[at][0].isalnum() or words[at][0] == "'") and words[at] not in _JOINS:
            at += 1
        return at
    at = len(words)
    while at and not words[at - 1][0].isalnum():
        at -= 1
    return at


_Anchor = tuple[frozenset[str], tuple[int, int], tuple[int, int]]  # words, tokens before them, length of the row


def _cost(words: frozenset[str]) -> float:
    return sum(1.0 if word in COMMON else 0.01 for word in words)


def _anchor(head: Node, source: str) -> _Anchor:
    """The cheapest set of words of which the row needs one, and how far into the match it can stand."""
    best: tuple[frozenset[str], tuple[int, int]] | None = None
    least = most = 0
    node: Node | None = head
    while node is not None and node.op != "done":
        here, offset, length = _own_anchor(node, source)
        if here and not node.optional and (best is None or _cost(here) < _cost(best[0])):
            best = here, (least + offset[0], most + offset[1])
        least += 0 if node.optional else length[0]
        most += length[1]
        node = node.next
    return (*best, (least, most)) if best else (frozenset(), (0, 0), (least, most))


def _own_anchor(node: Node, source: str) -> _Anchor:
    if node.op == "set":
        lex: Lexicon = node.data  # type: ignore[assignment]
        sizes = [1] * bool(lex.words) + [len(p) for group in lex.phrases.values() for p in group]
        offset, words = 0, set(lex.words)
        longest = 0
        for group in lex.phrases.values():
            for phrase in group:
                rare = min(range(len(phrase)), key=lambda i: phrase[i] in COMMON)
                words.add(phrase[rare])
                longest = max(longest, rare)
        return frozenset(words), (offset, longest), (min(sizes), max(sizes))
    if node.op == "gap":
        most: int = node.data  # type: ignore[assignment]
        return frozenset(), (0, 0), (0, most)
    if node.op == "name":
        return frozenset(), (0, 0), (1, 1)
    if node.op in {"clause", "sentence"}:
        return frozenset(), (0, 0), (0, 200)
    if node.op != "alt":
        return frozenset(), (0, 0), (0, 0)
    branches: list[tuple[Node, Node]] = node.data  # type: ignore[assignment]
    parts = [_anchor(head, source) for head, _ in branches]
    length = (min(p[2][0] for p in parts), max(p[2][1] for p in parts))
    if not all(p[0] for p in parts):
        return frozenset(), (0, 0), length
    return (frozenset().union(*(p[0] for p in parts)),
            (min(p[1][0] for p in parts), max(p[1][1] for p in parts)), length)


def _first(head: Node) -> frozenset[str] | None:
    """The words a match can start with; None when that is not known."""
    node: Node | None = head
    words: set[str] = set()
    while node is not None:
        if node.op in {"start", "open", "close", "ahead", "behind"}:
            node = node.next
            continue
        if node.op == "set":
            lex: Lexicon = node.data  # type: ignore[assignment]
            words |= lex.first
        elif node.op == "alt":
            branches: list[tuple[Node, Node]] = node.data  # type: ignore[assignment]
            for branch, _ in branches:
                inner = _first(branch)
                if inner is None:
                    return None
                words |= inner
        else:
            return None
        if not node.optional:
            return frozenset(words)
        node = node.next
    return None
