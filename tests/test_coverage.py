from __future__ import annotations

import pytest
from hypothesis import given
from spoken import ROLES, lines_of, small_rubric
from test_verify import cases, check

from pipeline.coverage import cover
from pipeline.records import Evidence, Probe

RUBRIC = small_rubric()
BOTH = lines_of(("left", "Did you test it?"), ("right", "I did, twice."))
ASKED = Probe(pillar="coding", line=1)
SEEN = Evidence(
    evidence_id="e-1",
    pillar="coding",
    signal="tests",
    polarity="strong",
    start=0,
    end=1,
    first_line=2,
    last_line=2,
    start_s=0,
    end_s=1,
    speaker="right",
    prompted_by=None,
    request_hash=None,
    rubric_hash="r",
)


@pytest.mark.parametrize(
    ("lines", "evidence", "probes", "assessable", "state"),
    [
        (BOTH, [SEEN], [], True, "evidence"),
        (BOTH, [SEEN], [ASKED], True, "evidence"),
        (BOTH, [], [ASKED], True, "asked_none_seen"),
        (BOTH, [], [], True, "not_asked"),
        (BOTH, [], [ASKED], False, "not_assessable"),
        (BOTH, [], [], False, "not_assessable"),
        (BOTH, [SEEN], [], False, "evidence"),
        (BOTH[:1], [], [ASKED], True, "not_assessable"),
        ([], [], [], True, "not_assessable"),
    ],
)
def test_a_pillar_is_in_one_of_four_states(lines, evidence, probes, assessable, state):
    coding, design = cover(RUBRIC, lines, ROLES, evidence, probes, assessable=assessable)
    assert (coding.pillar, coding.state) == ("coding", state)
    assert (coding.strong, coding.weak, coding.probes) == (len(evidence), 0, len(probes))
    assert design.state == ("not_asked" if assessable and len(lines) > 1 else "not_assessable")


def test_only_a_speaker_of_unknown_role_is_not_assessable():
    states = {row.state for row in cover(RUBRIC, lines_of(("", "I wrote a test.")), ROLES, [], [])}
    assert states == {"not_assessable"}


@given(cases())
def test_the_counts_are_those_of_evidence_and_probes(case):
    transcript, lines, chunks, found = case
    verified = check(transcript, lines, chunks, found)
    rows = cover(RUBRIC, lines, ROLES, verified.evidence, verified.probes)
    assert [row.pillar for row in rows] == [pillar.id for pillar in RUBRIC.pillars]
    assert sum(row.strong + row.weak for row in rows) == len(verified.evidence)
    assert sum(row.probes for row in rows) == len(verified.probes)
    assert all((row.state == "evidence") == (row.strong + row.weak > 0) for row in rows)
