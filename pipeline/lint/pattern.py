"""The language that lint patterns are written in, and its translation into regular expressions over words.

A pattern is a row of elements, matched against the tokens of one sentence:

    bright            the word              bright+           the word with -s, -es, -ed, -ing
    {seem}            any entry of a lexicon; entries may have several words
    (gut|inner voice) any alternative       x?                x or nothing
    x*                up to three of x      ~3                up to three words of any kind
    !x                not followed by x     <!x               not preceded by x (x is not consumed)
    @peers            a macro: text put in  {Name}            a capitalised word the rules do not know
    {number}          a number              {any}             any one word
    -ing -ed -ly      in a lexicon: any word the rules do not know that ends so
    ^                 a clause starts here  $                 a clause ends here
    >                 the rest of the clause                  >>    the rest of the sentence, up to a turn ("but")
    [ ... ]           the part to report; without brackets, all of it
    ,                 punctuation marks stand for themselves

Every word that the rules know is one character of an alphabet of its own, every other word is one of a few
characters ("a name", "a number", "a word"). So a sentence is a short string, a lexicon is a character class, and the
standard library's matcher works on words at full speed. There is no unbounded repetition: every element takes a
bounded number of tokens and gaps stop at punctuation, so a search costs a constant per token, whatever the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from itertools import chain, pairwise, product
from typing import NamedTuple

from pipeline.errors import RubricError
from pipeline.lint.alphabet import PUNCTUATION, Alphabet, ranges
from pipeline.lint.index import Items

_REST_CLAUSE, _REST_SENTENCE = 30, 60  # tokens that > and >> may take at most

_ELEMENT = re.compile(
    r"\s*(?:(?P<group>\((?:[^()\[\]~!^$>?{]|\{(?!Name|number|any))*\))|(?P<gap>~\d)|(?P<open>\()|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<mark>[\[\]])|(?P<rest>>>?)|(?P<edge>[\^$])|(?P<no><?!)|(?P<lexicon>\{[\w-]+\})"
    r"|(?P<word>-(?:ing|ed|ly)\b|[^\W_]+(?:['._][^\W_]+)*\+?|'\w+|[,:;/.\"%&=-])|(?P<repeat>[?*])|(?P<end>$))"
)
_MACRO = re.compile(r"@(\w+)")
_OPENERS = (
    """. , : ; - ( ) / " ! ? & + = | and but so yet also plus though although overall however still honestly
    frankly clearly obviously basically generally otherwise because since as tbh imo imho ngl just again
    anyway"""
).split()
_CLOSERS = (
    """. , : ; - ( ) / " ! ? & + | and but so yet though although with for because since as at in on during or
    tbh imo imho ngl overall throughout when from while which who that to today only then lol haha"""
).split()
_JOINS = "and but so yet though although because since when while which who if whereas even".split()
_OFTEN = 8  # lexicons whose words stand together in the alphabet
_MANY = 40  # pairs of neighbours from which on single words are looked for instead
MOST_NEEDS = 4  # words of a match that are looked for before it is tried
_TURNS = "but though however although yet still".split()
COMMON = frozenset(
    """a an the and or but so to of in on at by for with from as is was are were be been 's 'd 're 've 'll 'm he
    she they him her his them their it its this that i we my our us me you your not no do did does have has
    had would could can will very too quite just more most all any some than then there here what when who how
    if out up about into over after well good get got one time like , - : ; / ( ) .""".split()
)

_EVERYWHERE = frozenset(
    ". , : - ( ) the a an to of in on and is was be it i he she they for with as at not her his 's".split()
)


class Lexicon(NamedTuple):
    """A set of entries: single words, and phrases longest first."""

    words: frozenset[str]
    phrases: tuple[tuple[str, ...], ...]


class Element(NamedTuple):
    """One parsed element: an operation, its operand, and how often it may come ("", "?" or "*")."""

    op: str
    operand: object = None
    repeat: str = ""


Row = list[Element]


class Parsed(NamedTuple):
    """One pattern as read.

    A match contains an item of each of `needs`, in this order; unless it `crosses`, with no punctuation in between.
    `marked`: it reports a part of itself.
    """

    row: Row
    needs: tuple[Items, ...]
    crosses: bool
    marked: bool


def inflected(word: str) -> tuple[str, ...]:
    """A word written "verb+" with its regular endings; a plain word alone."""
    if word[-1] != "+":
        return (word,)
    stem = word[:-1]
    base = stem[:-1] if stem.endswith("e") else stem
    if stem.endswith("y") and stem[-2] not in "aeiou":
        return (stem, stem[:-1] + "ies", stem[:-1] + "ied", stem + "ing")
    forms = [stem, stem + "s", base + "ed", base + "ing"]
    if stem.endswith(("s", "sh", "ch", "x", "z")):
        forms.append(stem + "es")
    if re.search(r"[^aeiou][aeiou][bdglmnprt]$", stem):
        forms += [stem + stem[-1] + "ed", stem + stem[-1] + "ing"]
    return tuple(forms)


class Compiler:
    """Reads lexicons and patterns. Its alphabet is complete once the last pattern is read."""

    def __init__(self) -> None:
        self.alphabet = Alphabet()
        self.alphabet.learn((*_OPENERS, *_CLOSERS, *_JOINS, *_TURNS))
        self.lexicons: dict[str, Lexicon] = {}
        self.macros: dict[str, str] = {}
        self._uses: Counter[str] = Counter()
        self._groups: dict[str, Lexicon] = {}
        self._classes: dict[int, str] = {}
        self._known_items: dict[int, Items] = {}

    def define(self, name: str, source: str) -> None:
        """Add a lexicon: entries separated by new lines or commas; `{other}` includes one defined before."""
        self.lexicons[name] = self._read(re.split(r"[,\n]", source), name)

    def pattern(self, source: str) -> Parsed:
        """Read one line of the pattern language.

        Raises RubricError with the line when it cannot be read, or when no particular word is needed to match it.
        """
        source = _MACRO.sub(lambda found: self.macros[found.group(1)], source)
        rows, at = self._rows(source, 0, nested=False)
        if at < len(source) or len(rows) != 1:
            raise RubricError(f"Lint rules: cannot read the pattern {source!r} from {source[at:]!r} on.")
        after = pairwise(element.op for element in rows[0] if element.op not in {"[", "]"})
        if any(before in {">", ">>"} and op == "ahead" for before, op in after):
            raise RubricError(
                f"Lint rules: a condition behind > or >> always holds: {source!r}.", next_step="put it before."
            )
        found = self._needs(rows[0])
        if not found:
            raise RubricError(f"Lint rules: no particular word is needed to match {source!r}.")
        rare = sorted(found, key=lambda at: _cost(found[at]))[:MOST_NEEDS]
        between = rows[0][min(rare) : max(rare) + 1]
        crosses = any(map(self._punctuates, between))
        return Parsed(rows[0], tuple(found[at] for at in sorted(rare)), crosses, "[" in source)

    # ---- reading ----------------------------------------------------------------------------------------------------

    def _read(self, entries: Iterable[str], where: str) -> Lexicon:
        words: list[str] = []
        phrases: list[tuple[str, ...]] = []
        for entry in entries:
            parts = entry.split()
            if not parts:
                continue
            if len(parts) == 1:
                if parts[0][0] == "{":
                    other = self._known(parts[0], where)
                    words += other.words
                    phrases += other.phrases
                else:
                    words += inflected(parts[0])
            else:
                phrases += _product(parts) if "+" in entry else (tuple(parts),)
        self.alphabet.learn(words)
        self.alphabet.learn(chain.from_iterable(phrases))
        return Lexicon(frozenset(words), tuple(sorted(set(phrases), key=lambda p: (-len(p), p))))

    def _known(self, reference: str, where: str) -> Lexicon:
        try:
            return self.lexicons[reference[1:-1]]
        except KeyError:
            raise RubricError(
                f"Lint rules: {where!r} names the lexicon {reference}, which is not defined above it.",
                next_step="define it under [lexicons] in prompts/lint_rules.toml",
            ) from None

    def _rows(self, source: str, at: int, *, nested: bool) -> tuple[list[Row], int]:
        """Read alternatives up to the closing bracket, or one row of elements up to the end."""
        rows: list[Row] = [[]]
        while found := _ELEMENT.match(source, at):
            at, kind, value = found.end(), str(found.lastgroup), found.group(str(found.lastgroup))
            row = rows[-1]
            if kind == ("close" if nested else "end"):
                if any(element.op in {"ahead", "behind"} and element.operand is None for element in chain(*rows)):
                    raise RubricError(f"Lint rules: a condition of {source!r} has no words.")
                return rows, at
            if kind == "end":
                break
            if kind == "bar" and nested:
                rows.append([])
            elif kind == "repeat" and row and row[-1].op in {"set", "any", "gap", "{Name}", "{number}", "{any}"}:
                row[-1] = row[-1]._replace(repeat=value)
            elif kind == "no":
                row.append(Element("ahead" if value == "!" else "behind"))
            else:
                if kind == "open":
                    inner, at = self._rows(source, at, nested=True)
                    element = Element("any", inner)
                else:
                    element = self._element(kind, value, source)
                if row and row[-1].op in {"ahead", "behind"} and row[-1].operand is None:
                    row[-1] = row[-1]._replace(operand=element)
                else:
                    row.append(element)
        raise RubricError(f"Lint rules: cannot read the pattern {source!r} from {source[at:]!r} on.")

    def _element(self, kind: str, value: str, source: str) -> Element:
        if kind in {"group", "word"}:
            if value not in self._groups:
                self._groups[value] = self._read(value.strip("()").split("|") if kind == "group" else [value], source)
            return Element("set", self._groups[value])
        if kind == "gap":
            return Element("gap", int(value[1:]))
        if kind in {"mark", "edge", "rest"} or value in {"{Name}", "{number}", "{any}"}:
            return Element(value)
        if kind == "lexicon":
            self._uses[value[1:-1]] += 1
            return Element("set", self._known(value, source))
        raise RubricError(f"Lint rules: {value!r} stands alone in the pattern {source!r}.")

    # ---- what a match needs -----------------------------------------------------------------------------------------

    def _needs(self, row: Row) -> dict[int, Items]:
        """By element: items of which a match contains one."""
        out: dict[int, Items] = {}
        for at, element in enumerate(row):
            if element.repeat:
                continue
            need: Items = frozenset()
            if element.op == "set":
                need = self._items(element.operand)  # type: ignore[arg-type]
            elif element.op == "any":
                inner = list(map(self._least, element.operand))  # type: ignore[call-overload]
                if all(inner):
                    need = frozenset().union(*inner)
            if need:
                out[at] = need
        return out

    def _least(self, row: Row) -> Items:
        """The items of one element, or of two neighbours, that are met least often."""
        found = self._needs(row)
        pairs = [_neighbours(row[at], row[at + 1]) for at in found if at + 1 in found]
        return min((*filter(None, pairs), *found.values()), key=_cost, default=frozenset())

    def _punctuates(self, element: Element) -> bool:
        """Whether the element can take a punctuation mark."""
        if element.op == "set":
            lexicon: Lexicon = element.operand  # type: ignore[assignment]
            return any(word[0] in PUNCTUATION and word[1:2] == "" for word in chain(lexicon.words, *lexicon.phrases))
        if element.op == "any":
            rows: list[Row] = element.operand  # type: ignore[assignment]
            return any(map(self._punctuates, chain(*rows)))
        return element.op in {">", ">>"}

    def _items(self, lexicon: Lexicon) -> Items:
        """Its words, and of each phrase two neighbours, so that "hard" alone does not call for "hard to say"."""
        known = self._known_items.get(id(lexicon))
        if known is None and not lexicon.words.isdisjoint(("-ing", "-ed", "-ly")):
            known = frozenset()  # words of an open class are no particular words
        elif known is None:
            pairs = [max(pairwise(phrase), key=_rarity) for phrase in lexicon.phrases]
            known = self._known_items[id(lexicon)] = frozenset(lexicon.words).union(pairs)
        return known

    def arrange(self) -> None:
        """Give the words of the lexicons that are used most neighbouring letters, once the last pattern is read.

        A lexicon is then a few ranges of letters, which compile faster than the letters one by one.
        """
        often = [self.lexicons[name].words for name, _ in self._uses.most_common(_OFTEN)]
        self.alphabet.arrange([*often[:1], _OPENERS, _CLOSERS, _JOINS, *often[1:]])

    # ---- translation ------------------------------------------------------------------------------------------------

    def expression(self, row: Row) -> str:
        """The regular expression of a row, over the alphabet."""
        return "".join(map(self._translate, row))

    def _translate(self, element: Element) -> str:
        op, operand = element.op, element.operand
        if op == "set":
            out = self._class(operand)  # type: ignore[arg-type]
        elif op == "any":
            out = "(?:" + "|".join(map(self.expression, operand)) + ")"  # type: ignore[call-overload]
        elif op in {"ahead", "behind"}:
            inner = self._translate(operand)  # type: ignore[arg-type]
            out = f"(?!{inner})" if op == "ahead" else f"(?<!{inner})"
        elif op == "gap":
            out = f"[^{self._punctuation}]{{0,{operand}}}?"
        else:
            out = {
                "[": "(?P<part>",
                "]": ")",
                "^": f"(?<![^{self._ranges_of(_OPENERS)}])",
                "$": f"(?![^{self._ranges_of(_CLOSERS)}])",
                ">": f"([^{self._punctuation}{self._ranges_of(_JOINS)}]{{0,{_REST_CLAUSE}}})",
                ">>": self._rest_of_sentence(),
                "{Name}": self.alphabet.NAME,
                "{number}": self._number,
                "{any}": f"[^{self._punctuation}]",
            }[op]
        if not element.repeat:
            return out
        return f"{_unit(out)}?" if element.repeat == "?" else f"{_unit(out)}{{0,3}}"

    def _rest_of_sentence(self) -> str:
        comma, stops = self.alphabet.codes[","], self._ranges_of([".", ";", "-", "(", ",", "!", "?"])
        return f"((?:[^{stops}]|{comma}(?![{self._ranges_of(_TURNS)}])){{0,{_REST_SENTENCE}}})"

    @cached_property
    def _number(self) -> str:
        """Numbers, those among them that the rules know as words."""
        known = [letter for word, letter in self.alphabet.codes.items() if word[0].isdigit()]
        return _any_of(ranges([self.alphabet.NUMBER, *known]))

    @cached_property
    def _punctuation(self) -> str:
        return ranges(list(self.alphabet.punctuation))

    def _ranges_of(self, words: Iterable[str]) -> str:
        return ranges(list(dict.fromkeys(self.alphabet.letters(words))))

    def _class(self, lexicon: Lexicon) -> str:
        known = self._classes.get(id(lexicon))
        if known is None:
            entries = [(word,) for word in lexicon.words] + list(lexicon.phrases)
            known = self._classes[id(lexicon)] = self._tree(entries)
        return known

    def _tree(self, entries: list[tuple[str, ...]]) -> str:
        """Alternatives with their common beginnings shared, and beginnings with the same ends put together."""
        tails: dict[str, list[tuple[str, ...]]] = {}
        for entry in entries:
            tails.setdefault(entry[0], []).append(entry[1:])
        letter = self.alphabet.codes.__getitem__
        single = ranges([letter(word) for word, rest in tails.items() if rest == [()]])
        follows: dict[str, list[str]] = {}
        for word in sorted(tails):
            rest = [tail for tail in tails[word] if tail]
            if rest:
                follow = self._tree(rest)
                follows.setdefault(f"{_unit(follow)}?" if () in tails[word] else follow, []).append(letter(word))
        parts = [_any_of(ranges(letters)) + follow for follow, letters in follows.items()]
        if single:
            parts.append(_any_of(single))
        return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _neighbours(one: Element, other: Element) -> Items:
    """Pairs of words of which a match of both elements contains one; none where they would be many or common."""
    if not isinstance(one.operand, Lexicon) or not isinstance(other.operand, Lexicon):
        return frozenset()
    (left, phrases), (right, more) = one.operand, other.operand
    if phrases or more or len(left) * len(right) > _MANY or (left & COMMON and right & COMMON):
        return frozenset()
    return frozenset(product(left, right))


def _any_of(letters: str) -> str:
    return f"[{letters}]" if len(letters) > 1 else letters


def _unit(expression: str) -> str:
    """The expression as one unit to repeat. A letter or a class is one already; a group would cost time to compile."""
    plain = len(expression) == 1 or (expression[0] == "[" and expression.find("]") == len(expression) - 1)
    return expression if plain else f"(?:{expression})"


def _product(parts: list[str]) -> list[tuple[str, ...]]:
    out: list[tuple[str, ...]] = [()]
    for part in parts:
        out = [(*head, word) for head in out for word in inflected(part)]
    return out


def _rarity(pair: tuple[str, str]) -> tuple[int, int]:
    return sum(word not in COMMON for word in pair), len(pair[0]) + len(pair[1])


def _cost(items: Items) -> int:
    """How often one of these will be met, roughly."""
    return 500 * len(items & _EVERYWHERE) + 50 * len(items & COMMON) + len(items)
