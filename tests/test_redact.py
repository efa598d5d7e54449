"""Names and numbers of people do not reach another host; what is left can be traced back to the place it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.redact import Redactor

NAMES = ["Priya Nair", "tom-baker", "i-002/arun.ogg", "left", "Speaker 1", "O'Neil", "iv-1"]


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("Hi Priya, this is Tom.", "Hi [NAME-1], this is [NAME-2]."),
        ("Priya Nair's code, PRIYA", "[NAME-1]'s code, [NAME-1]"),
        ("so arun and Arun", "so arun and [NAME-1]"),
        ("O'Neil left on the left", "[NAME-1] left on the left"),
        ("Tomorrow I commit, atom by atom", "Tomorrow I commit, atom by atom"),
        ("write to p.nair+x@mail.example.org today", "write to [EMAIL-1] today"),
        ("it's priya dot nair at example dot com", "it's [EMAIL-1]"),
        ("see https://example.org/a?b=1. Then", "see [URL-1]. Then"),
        ("www.example.com/me and github.com/me/repo", "[URL-1] and [URL-2]"),
        ("call +49 170 1234567, or (555) 123-4567 x", "call [PHONE-1], or [PHONE-2] x"),
        ("passport 123456789 twice 123456789", "passport [NUMBER-1] twice [NUMBER-1]"),
    ],
)
def test_what_is_replaced(said: str, sent: str):
    assert Redactor(NAMES).redact(said).text == sent


@pytest.mark.parametrize(
    "said",
    [
        "192.168.100.200 on port 8080",
        "100,000,000 rows in 2026-11-23 10:20",
        "version 1.24.3, 0.99999999 and 3.14159265358",
        "p99 of 1500 ms, 64 GB, 2 to 3 replicas",
        "the left speaker channel",
    ],
)
def test_what_is_left_alone(said: str):
    assert Redactor(NAMES).redact(said).text == said


def test_switched_off_everything_passes():
    assert Redactor(NAMES, active=False).redact("Priya at p@x.org").text == "Priya at p@x.org"


def test_one_value_has_one_placeholder_in_an_interview():
    redactor = Redactor(NAMES)
    assert redactor.redact("Tom").text == redactor.redact("TOM").text == "[NAME-1]"
    assert redactor.redact("Priya").text == "[NAME-2]"


@given(
    st.lists(st.sampled_from([*"ab ", "Tom", "Priya Nair", " a@b.org ", " +49 170 1234567 ", "🙂", "\n"]), max_size=25)
)
def test_every_place_leads_back(parts: list[str]):
    text = " ".join(parts)
    found = Redactor(NAMES).redact(text)
    assert "".join(text[a:b] for a, b in found.origins) == text
    for i, (start, (begin, stop)) in enumerate(zip(found.starts, found.origins, strict=True)):
        end = found.starts[i + 1] if i + 1 < len(found.starts) else len(found.text)
        assert found.original(start, end) == (begin, stop)
        if found.copied[i]:
            assert found.text[start:end] == text[begin:stop]
            assert found.original(start, start + 1) == (begin, begin + 1)
    for name in ("Tom", "Priya", "a@b.org"):
        assert name not in found.text
