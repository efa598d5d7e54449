"""Claims in feedback are linked to the lines that say so, say otherwise, or to none."""

from __future__ import annotations

import pytest

from pipeline.claims import Claim, Shown, check_claims, is_claim
from pipeline.records import Line, Role

SAID = [
    ("i", "The nightly export is slow, where do you start?"),
    ("c", "Is it slow every night, or only after the month ends?"),
    ("i", "Every night."),
    ("c", "I follow one export from the scheduler through the queue to the file."),
    ("c", "The queue waits, so I only raise the batch size and run it again."),
    ("i", "And what about an empty customer list?"),
    ("c", "Oh right, then I return an empty file."),
    ("c", "I would not add an alert, alerts are noise."),
    ("i", "So you would add a dashboard."),
]
ROLES: dict[str, Role] = {"i": "interviewer", "c": "candidate"}


def lines() -> list[Line]:
    made, turn, at = [], 0, 0
    for n, (who, text) in enumerate(SAID, 1):
        turn += n == 1 or SAID[n - 2][0] != who
        made.append(
            Line(line=n, turn=turn, speaker=who, start=at, end=at + len(text), start_s=n, end_s=n + 1, text=text)
        )
        at += len(text) + 1
    return made


def check(sentence: str) -> Claim:
    shown = [Shown(signal="edge-cases", meaning="Handles unusual input", first_line=7, last_line=7, prompted_by=6)]
    found = check_claims(sentence, [(0, len(sentence))], lines(), ROLES, shown)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("sentence", "state", "line"),
    [
        ("Followed one export from the scheduler to the file.", "supported", 4),
        ("Raised only the batch size, then ran it again.", "supported", 5),
        ("Said he would add an alert.", "contradicted", 8),
        ("Did not add an alert.", "supported", 8),
        ("Set up a canary deployment in two regions.", "none_found", None),
        ('He said "alerts are noise" about monitoring.', "supported", 8),
        ('He said "dashboards are lovely things" about monitoring.', "none_found", None),
    ],
)
def test_a_claim_is_linked(sentence: str, state: str, line: int | None) -> None:
    claim = check(sentence)
    assert claim.state == state
    if line is not None:
        assert claim.first_line is not None
        assert claim.last_line is not None
        assert claim.first_line <= line <= claim.last_line


def test_an_interviewers_words_support_nothing() -> None:
    assert check("Added a dashboard.").state == "none_found"


def test_a_count_is_counted() -> None:
    one = check("Asked one clarifying question.")
    assert (one.state, one.claimed, one.counted) == ("supported", 1, 1)
    five = check("Asked 5 clarifying questions before starting.")
    assert (five.state, five.claimed, five.counted) == ("contradicted", 5, 1)
    hints = check("Needed two hints to finish.")
    assert (hints.claimed, hints.counted) == (2, 1)


@pytest.mark.parametrize(
    "sentence",
    [
        "Seemed smart and really sharp.",
        "Candidate c-001, interviewer iv-1, senior backend",
        "He reminds me of myself.",
        "Looked nervous in the first minutes.",
        "Strong hire.",
        "I asked about the queue.",
        "Great culture fit for the team.",
        "Why not?",
    ],
)
def test_judgements_and_the_writers_own_acts_are_no_claims(sentence: str) -> None:
    assert not is_claim(sentence)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ('She said "I put everything through the big queue".', True),
        ('When I asked why, she replied "I never saw that server".', True),
        ('"I never saw that server", she told me.', True),
        ('Her: "I never saw that server".', True),
        ('I said "please write the tests first".', False),
        ('I wrote "a great culture fit" on the form.', False),
    ],
)
def test_the_first_person_of_a_quotation_is_not_the_writer(sentence: str, expected: bool) -> None:
    assert is_claim(sentence) is expected


def test_an_empty_interview_finds_nothing() -> None:
    found = check_claims("Ran the tests twice.", [(0, 20)], [], ROLES)
    assert [claim.state for claim in found] == ["none_found"]


@pytest.mark.parametrize(
    "sentence",
    ["When I asked why, he said he had no time.", "Looked at the log first.", "Duplicates go to a list of their own."],
)
def test_what_the_candidate_did_is_a_claim_however_it_is_told(sentence: str) -> None:
    assert is_claim(sentence)


def test_lines_that_sound_like_a_refusal_are_shown_but_deny_nothing() -> None:
    claim = check("Built an alert for noise on the export queue.")
    assert claim.state == "none_found"


def test_numbers_in_words_are_read_whole() -> None:
    assert check("Asked twenty-five questions about the export.").claimed == 25
