"""Rules are data that hold together: pages, examples, codes, patterns."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.errors import RubricError
from pipeline.lint import kept
from pipeline.lint.finding import Note
from pipeline.lint.index import Index, masks_of
from pipeline.lint.page import page
from pipeline.lint.pattern import Compiler
from pipeline.lint.rules import Rule, load_rules
from pipeline.lint.run import lint_note
from pipeline.lint.text import sentences

RULES = load_rules()
DEV = Path(__file__).parent.parent / "eval" / "gold" / "lint_dev.jsonl"
FAMILIES = (101, 102, 201, 202, 301, 302, 303, 304, 305, 401, 402, 403, 501, 502, 601, 602)
PHRASE_RULES = [rule for rule in RULES.rules.values() if rule.source == "rules" and rule.code >= "GF1"]
OTHER_RULES = [rule for rule in RULES.rules.values() if rule not in PHRASE_RULES]


def found(text: str) -> list[str]:
    return [finding.code for finding in lint_note(Note("x.md", "", text), RULES).findings]


def test_the_sixteen_families_are_there() -> None:
    assert {f"GF{number}" for number in FAMILIES} <= set(RULES.rules)


@pytest.mark.parametrize("rule", RULES.rules.values(), ids=lambda rule: rule.code)
def test_a_rule_has_a_page_and_asks_one_question_without_scolding(rule: Rule) -> None:
    assert re.fullmatch(r"GF\d{3}", rule.code)
    assert all((rule.what, rule.why, rule.sources, rule.near_misses, rule.message)), rule.code
    assert rule.message.endswith(".")
    assert rule.code in page(rule)
    said = f"{rule.message} {rule.question}".lower()
    assert not re.search(r"\b(biased|bias|sexist|racist|shame|wrong of you|bad interviewer)\b", said)


@pytest.mark.parametrize("rule", PHRASE_RULES, ids=lambda rule: rule.code)
def test_bad_examples_are_found_and_good_ones_are_not(rule: Rule) -> None:
    assert len(rule.bad) >= 6
    assert len(rule.good) >= 3
    for text in rule.bad:
        assert rule.code in found(text), text
    for text in (*rule.good, *rule.near_misses):
        assert found(text) == [], text


@pytest.mark.parametrize("rule", OTHER_RULES, ids=lambda rule: rule.code)
def test_examples_of_rules_about_notes_and_comments(rule: Rule) -> None:
    assert rule.bad or rule.code == "GF705"  # which needs two notes; see test_lint.py
    for text in rule.bad:
        assert rule.code in found(text), text
    for text in rule.good:
        assert rule.code not in found(text), text


def test_severities_are_those_of_the_taxonomy() -> None:
    severities = {rule.code: rule.severity for rule in PHRASE_RULES}
    assert {code for code, severity in severities.items() if severity == "error"} == {"GF501", "GF502"}
    assert {code for code, severity in severities.items() if severity == "info"} == {"GF403", "GF602"}


def test_every_expression_compiles_and_repeats_nothing_without_a_bound() -> None:
    for entry in RULES.phrases.entries:
        re.compile(entry.expression)
        plain = re.sub(r"\[[^\]]*\]", "x", entry.expression)
        assert not re.search(r"[*+]", plain), "an unbounded repetition"


def compiler() -> Compiler:
    made = Compiler()
    made.define("adv", "very, really")
    made.define("bright", "bright, sharp as a tack, shine+")
    made.macros["he"] = "(he|{Name})"
    return made


def matches(source: str, text: str) -> str | None:
    made = compiler()
    parsed = made.pattern(source)
    tokens = re.findall(r"\w+|[^\w\s]", text)
    made.alphabet.learn([])
    match = re.search(made.expression(parsed.row), made.alphabet.encode(tokens, [t.lower() for t in tokens]))
    return None if match is None else " ".join(tokens[slice(*match.span(int(parsed.marked)))])


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("{adv}* {bright}", "is very really bright", "very really bright"),
        ("{bright}", "sharp as a tack", "sharp as a tack"),
        ("shine+", "he shines", "shines"),
        ("he ~2 bright", "he is so bright", "he is so bright"),
        ("he ~2 bright", "he is , bright", None),
        ("[{bright}] !light", "bright light", None),
        ("he is [{bright}]", "he is bright", "bright"),
        ("@he is bright", "Priya is bright", "Priya is bright"),
        ("^ bright $", "so , bright .", "bright"),
        ("^ bright $", "a bright idea", None),
        ("bright >", "bright and keen , really", "bright"),
        ("bright >>", "bright and keen , really .", "bright and keen , really"),
        ("(a|the) bright", "the bright", "the bright"),
        ("<!not bright", "not bright", None),
        ("(60|sixty) {number}", "60 60", "60 60"),
        ("{number} bright", "60 bright", "60 bright"),
        ("bright !light >", "bright light", None),
    ],
)
def test_the_pattern_language(source: str, text: str, expected: str | None) -> None:
    assert matches(source, text) == expected


@pytest.mark.parametrize("source", ["{nowhere} x", "(a|b", "a )", "~3", "^ $", "a ! ?", "[a]?", "a !b?", "[a >] !b"])
def test_a_pattern_that_cannot_be_read_is_an_error_that_shows_it(source: str) -> None:
    with pytest.raises(RubricError, match="Lint rules"):
        compiler().pattern(source)


def test_a_pattern_is_tried_only_where_its_needs_come_in_order_and_in_one_clause() -> None:
    made = compiler()
    parsed = [made.pattern(source) for source in ("bright ~2 keen", "bright , keen", "keen")]
    masks = masks_of((p.needs, p.crosses) for p in parsed)
    index = Index(made.alphabet, [], *masks)
    able = {
        text: index._able(text.split()) for text in ("a bright keen", "keen bright", "bright . keen", "bright , keen")
    }
    assert able == {"a bright keen": 0b101, "keen bright": 0b100, "bright . keen": 0b100, "bright , keen": 0b110}


def test_a_phrase_calls_for_two_of_its_words_next_to_each_other() -> None:
    made = compiler()
    masks = masks_of([(made.pattern("{bright} >").needs, False)])
    index = Index(made.alphabet, [], *masks)
    texts = ("sharp as a tack", "as sharp a tack as", "sharp", "she shines")
    assert [index._able(text.split()) for text in texts] == [1, 0, 0, 1]


def test_no_pattern_that_matches_is_passed_over() -> None:
    index = RULES.phrases
    texts = [text for rule in PHRASE_RULES for text in (*rule.bad, *rule.good)]
    texts += [json.loads(line)["text"] for line in DEV.read_text(encoding="utf-8").splitlines()]
    expressions = [re.compile(entry.expression) for entry in index.entries]
    matched = 0
    for sentence in (sentence for text in texts for sentence in sentences(text)):
        able = index._able(sentence.words)
        spelled = index._alphabet.encode(sentence.tokens, sentence.words)
        for number, expression in enumerate(expressions):
            if expression.search(spelled):
                matched += 1
                assert able >> number & 1, (index.entries[number].group, sentence.words)
    assert matched > 1000


def test_compiled_rules_are_kept_privately_and_made_anew_when_anything_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "rules.toml"
    source.write_text("a")
    assert kept.load(source) is None
    kept.save(source, {"x": 1})
    (file,) = (tmp_path / "cache" / "verbatim").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert kept.load(source) == {"x": 1}
    source.write_text("ab")
    assert kept.load(source) is None
    kept.save(source, {"x": 2})
    file.chmod(0o666)
    assert kept.load(source) is None
    file.chmod(0o600)
    file.write_bytes(b"broken")
    assert kept.load(source) is None


def test_a_broken_rule_file_is_an_error_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    broken = tmp_path / "mine.toml"
    broken.write_text("[lexicons\n")
    with pytest.raises(RubricError, match=r"mine\.toml"):
        load_rules(broken)
