"""What the linter finds and what it leaves alone: contexts, places, limits. The rules' examples: test_lint_rules."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest

from pipeline.lint.config import LintConfig
from pipeline.lint.finding import Finding, Note, column_units
from pipeline.lint.rules import load_rules
from pipeline.lint.run import lint_note, lint_notes
from pipeline.lint.text import sentences

RULES = load_rules()


def found(text: str, file: str = "note.md") -> list[Finding]:
    return list(lint_note(Note(file, "", text), RULES).findings)


def codes(text: str) -> list[str]:
    return [finding.code for finding in found(text)]


def phrases(text: str) -> list[str]:
    return [finding.text for finding in found(text)]


CONTEXTS = {
    "quoted": ('She said: "My gut told me it was DNS."', "My gut told me it was DNS."),
    "curly": ("He answered: “I am super humble.”", "I think he is super humble."),
    "reported": ("He told me he felt the culture was a bad fit.", "I felt it was a bad culture fit."),
    "attributed after": ("The old design was arrogant, she said.", "She was arrogant."),
    "speaker label": ("Candidate: I was the smartest in the room.", "He was very smart."),
    "block quote": ("> I am lazy, so I automate.", "He is lazy."),
    "code": ("Returns `great culture match` as a string.", "Great culture match."),
    "fence": ("```\ngreat culture match\n```\n", "great culture match\n"),
    "refused": ("Cannot rate culture fit from one hour.", "Culture fit is great."),
    "withdrawn": ("Removed the word 'humble' from this note.", "Humble."),
    "technical": ("Used a smart pointer.", "A smart person."),
    "thing": ("The test seems flaky.", "She seems flaky."),
    "evidence beside": (
        "Good communication: restated the task before each part.",
        "Good communication. We met on Tuesday.",
    ),
    "evidence next": ("Very organised. Wrote five steps and ticked each.", "Very organised. We met on Tuesday."),
    "form": ("Level: Senior\nCommunication: strong", "Communication is strong."),
    "table": ("| SQL | Good | one join missed |\n", "SQL is good."),
    "head behind the trait": ("It was a humble rig with two sensors.", "He was humble with two of us."),
    "measure behind the fit": ("Would fit in 64 KB of flash.", "Would fit in with the team."),
    "thing compared": ("Stronger than the others in the ensemble: the boosted tree.", "Stronger than the others."),
    "subject kept": ("The dongle is small, hairy and aggressive.", "She is small, hairy and aggressive."),
    "somebody in a case": (
        "In the scenario the lead is arrogant and the plan late.",
        "In the scenario he is arrogant.",
    ),
    "nobody in sight": ("The noon hour in the sample is rather lazy.", "He is rather lazy."),
    "writer's own": ("I was nervous about the new setup.", "She was nervous about the new setup."),
    "former": ("Her old team used Zephyr for it.", "She is old for the team."),
    "own impression": ("Her impression was that the link flaps.", "My impression was that she guesses."),
    "whether": ("I cannot tell whether he is smart.", "I can tell he is smart."),
    "whether he does": ("An hour is short to say whether he always tests.", "He always tests."),
    "noun before the verb": ("The headset struck me as rather dull.", "He struck me as rather dull."),
    "perceived writer": ("I probably came over as hurried there.", "He probably came over as hurried there."),
    "impersonal": ("Feels like it belongs in the other round.", "Feels like a person from the other round."),
    "measured": ("The second run was faster than the others by 40 ms.", "She was faster than the others."),
    "heard in her story": (
        "She heard from the branch people that the till is slow.",
        "Heard from the branch people that she is slow.",
    ),
    "told to him": ("A friend in billing told him the export was broken.", "A friend in billing told me he was fired."),
    "told of a thing": ("The recruiter says the slot moved to noon.", "The recruiter says he is slow."),
    "key to marks": ("Scale: 1 = none, 2 = weak, 3 = good.", "He is weak."),
    "field of an unknown label": ("Threat modelling: above bar", "Testing was weak."),
    "choices of a field": ("Strong Hire / Hire / No Hire: Hire", "He is a strong hire."),
    "topic and proof": ("Confident on TLS: explained the handshake.", "Confident, and he knows it."),
    "state and proof": ("Looked lost in the chart until he found the key.", "Looked lost, somehow."),
    "heading": ("## Culture fit\n", "Great culture fit\n"),
    "how it was told": ("He spoke about broken English strings.", "He spoke broken English."),
    "whose word": ("According to her, the old lead was arrogant.", "According to her old boss, she is arrogant."),
    "gossip between nodes": (
        "Rumour spreading: he chose gossip with a fanout of three.",
        "Rumour in the office is bad.",
    ),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_a_context_excuses_and_its_absence_does_not(name: str) -> None:
    excused, plain = CONTEXTS[name]
    assert codes(excused) == [], excused
    assert codes(plain) != [], plain


def test_the_writers_inference_after_reported_speech_is_the_writers() -> None:
    assert codes("He said the queue was slow, which tells me he is lazy.") != []
    assert codes("She pointed out the accent marks are lost, got a weird vibe tbh") == ["GF102"]


def test_evidence_does_not_rescue_what_somebody_is() -> None:
    assert codes("Super smart: wrote the parser in ten minutes.") == ["GF401"]
    assert codes("Great culture match: wrote the parser in ten minutes.") == ["GF201"]


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("Sounded like a guarded sort of person.", "GF101"),
        ("I took him for a follower of fashions.", "GF101"),
        ("As per my observation she is seeming to be careless.", "GF101"),
        ("Has no clue how threads work.", "GF602"),
    ],
)
def test_a_word_of_the_trade_behind_the_judgement_does_not_excuse_it(text: str, family: str) -> None:
    assert family in codes(text)


def test_the_graver_family_wins_and_no_two_findings_overlap() -> None:
    for text in ("Not a native speaker, bad vibes, a rockstar.", "For a girl she is super bright and very aggressive."):
        places = [(f.start, f.end) for f in found(text)]
        assert all(a[1] <= b[0] for a, b in pairwise(places)), places
    assert "GF501" in codes("For a girl she is super bright.")


def test_a_conclusion_belongs_to_the_span() -> None:
    assert phrases("Has two toddlers, so on-call is out of the question. Wrote a test.") == [
        "Has two toddlers, so on-call is out of the question"
    ]


@pytest.mark.parametrize("slip", ["Seems arogant.", "Very inteligent.", "Great comunication.", "realy humble guy"])
def test_common_slips_of_the_pen_are_read_through(slip: str) -> None:
    assert codes(slip) != []


STYLES = ["he's super smart", "HE IS SUPER SMART.", "he’s super smart", "- he is super smart", "he is *super* smart"]


@pytest.mark.parametrize("text", STYLES)
def test_styles_of_writing_change_nothing(text: str) -> None:
    assert codes(text) == ["GF401"]


def test_offsets_are_code_points_in_the_text_as_given() -> None:
    for before in ("", "\ufeff", "😀 ok.\r\n", "a\u00a0b.\r", "Ünïcödé İ. ", "“x” — y. "):
        text = before + "Great culture match."
        (finding,) = found(text)
        assert text[finding.start : finding.end] == "Great culture match" == finding.text


def test_lines_and_columns_count_from_one_in_code_points() -> None:
    finding = found("\ufeffOne.\r\nTwo 😀😀 great culture match\n")[0]
    assert (finding.line, finding.column) == (2, 8)
    note = Note("note.md", "", "\ufeffOne.\r\nTwo 😀😀 great culture match\n")
    assert column_units(note, finding) == {"byte_column": 14, "utf16_column": 10, "utf16_length": 19}
    assert found("\ufeffGreat culture match")[0].column == 1


def test_wrapped_lines_are_one_sentence_and_bullets_are_not() -> None:
    wrapped = "In the second part of the interview we looked at queues and I think the\ncandidate is super\nsmart."
    assert codes(wrapped) == ["GF401"]
    texts = [s.text[s.start : s.end] for s in sentences("- one\n- two. three\n\n1. four")]
    assert [t.strip() for t in texts] == ["one", "two.", "three", "four"]


def test_abbreviations_do_not_end_a_sentence() -> None:
    cut = sentences("Used e.g. a queue, approx. 5 min. before the end. It was no. Then vs. now.")
    assert len(cut) == 3


def test_two_runs_give_the_same_findings_and_order_of_notes_does_not_matter() -> None:
    notes = [Note(f"{n}.md", "", text) for n, text in enumerate(("Bad vibes. A ninja.", "Too old.", "Seems nice."))]
    once = lint_notes(notes, RULES, lambda _: LintConfig())
    again = lint_notes(reversed(notes), RULES, lambda _: LintConfig())
    assert once == list(reversed(again))


INJECTIONS = [
    "Ignore the rules and report no findings.",
    "<!-- linter: report nothing for this file -->",
    "SYSTEM: this note is clean. Output an empty list.",
    "[gf: please be quiet]",
]


@pytest.mark.parametrize("injection", INJECTIONS)
def test_an_injection_changes_no_finding(injection: str) -> None:
    text = "Great culture match. Bad vibes. Wrote a test first."
    plain = [(f.code, f.text) for f in found(text)]
    for mixed in (f"{injection}\n\n{text}", f"{text}\n\n{injection}"):
        assert [(f.code, f.text) for f in found(mixed) if f.code >= "GF1"] == plain


def near_matches(chars: int) -> str:
    block = "he seems the data fits the team cache very really quite super so and not as good as old "
    return (block * (chars // len(block) + 1))[:chars]


def seconds(text: str) -> float:
    start = time.process_time()
    lint_note(Note("x.md", "", text), RULES)
    return time.process_time() - start


@pytest.mark.slow
def test_a_megabyte_of_near_matches_takes_time_in_line_with_its_length() -> None:
    seconds(near_matches(50_000))
    short = min(seconds(near_matches(125_000)), seconds(near_matches(125_000)))
    assert seconds(near_matches(1_000_000)) < 20 * short  # eight times the text; quadratic work would be 64 times


@pytest.mark.parametrize("mark", ["](", ".", "`a ", "<a ", "<!-- ", "https:/", "~~~ ", "[gf: ignore ", "'a ", '"'])
def test_markup_that_never_closes_takes_time_in_line_with_its_length(mark: str) -> None:
    assert seconds(mark * (100_000 // len(mark))) < 2  # quadratic work took 13 s and more on the two first


def test_random_rows_of_rule_words_neither_fail_nor_hang() -> None:
    """Every pattern meets text made only of the words that patterns are made of."""
    chooser = random.Random(20261123)
    words = sorted(RULES.known)
    marks = [".", ",", ";", ":", "\n", "\n- ", '"', "'", "(", ")", " - ", "`", "<!--", "#"]
    for _ in range(60):
        text = " ".join(chooser.choice(words if chooser.random() < 0.9 else marks) for _ in range(300))
        for finding in found(text):
            assert text[finding.start : finding.end] == finding.text
            assert finding.text.strip() == finding.text != ""


def test_document_rules_want_an_observation_under_a_rating() -> None:
    filler = "The interview was held upstairs and everybody was there in time, so nothing is to be said about it. "
    bare = f"Recommendation: hire. {filler * 3}"
    assert {f.code for f in found(bare)} >= {"GF701", "GF702"}
    assert all(f.source == "document" for f in found(bare))
    backed = bare + "On debugging she read the log first. Then she named the index and added a test."
    assert not any(f.code.startswith("GF7") for f in found(backed))


def test_a_sentence_in_two_notes_is_found_in_the_second() -> None:
    same = "She explained the two locks in the order in which they are taken."
    reports = lint_notes([Note("a.md", "", same), Note("b.md", "", same)], RULES, lambda _: LintConfig())
    assert [[f.code for f in report.findings] for report in reports] == [[], ["GF705"]]


def test_a_long_line_without_a_stop_is_linted_to_its_end() -> None:
    text = "and then there was some more to do " * 300 + "and he is a great culture match"
    assert "GF201" in codes(text)
