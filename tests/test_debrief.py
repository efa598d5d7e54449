"""The packet: what comes first, what is missing, what a hostile quote can do (nothing), the same bytes again."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import review_house as house
from hypothesis import given
from hypothesis import strategies as st
from spoken import small_rubric

from pipeline.debrief import Packet, assemble, blockers
from pipeline.web.outputs import as_csv, as_markdown, as_text, guarded
from pipeline.web.packets import printed

ROOT = Path(__file__).parent.parent
WHEN = datetime(2026, 3, 2, 10, 0)


def call(who: str, pillar: str, step: int, level: str, *cited: str, why: str = "saw it") -> dict[str, Any]:
    return {
        "interview_id": "i-1",
        "reviewer_id": who,
        "name": who.title(),
        "pillar": pillar,
        "step": step,
        "level": level,
        "rationale": why,
        "evidence_ids": list(cited),
        "basis": "cited" if cited else "none_seen",
        "created_at": WHEN,
    }


def piece(name: str, pillar: str, signal: str, side: str, quote: str = "I ran it", **more: Any) -> dict[str, Any]:
    return {
        "evidence_id": name,
        "interview_id": "i-1",
        "pillar": pillar,
        "signal": signal,
        "polarity": side,
        "quote": quote,
        "start_s": 61.0,
        "end_s": 64.0,
        "first_line": 9,
        "prompted_by": None,
        "extractor": "offline",
        "recording_id": None,
        **more,
    }


def packet(**more: Any) -> Packet:
    given_: dict[str, Any] = {
        "rubrics": {"small": small_rubric()},
        "interviews": [
            {"interview_id": "i-1", "format": "live-coding", "held_on": None, "state": "done", "duration_s": 600.0}
        ],
        "seats": [{"reviewer_id": "ann", "interview_id": "i-1", "name": "Ann", "was_there": False, "closed": [2]}],
        "calls": [],
        "evidence": [],
        "gone": [],
        "coverage": [],
        "doubts": ([], []),
        "missing": [],
        "opened": [],
    }
    return assemble("c-1", **{**given_, **more})


def test_the_widest_disagreement_comes_first_and_agreement_is_none() -> None:
    calls = [
        call("ann", "coding", 2, "ok"),
        call("bea", "coding", 2, "strong"),
        call("ann", "design", 2, "weak"),
        call("bea", "design", 2, "strong"),
    ]
    found = packet(calls=calls)
    assert [(p.pillar, p.spread) for p in found.disagreements] == [("design", 2), ("coding", 1)]
    settled = packet(calls=[*calls, call("ann", "design", 3, "strong"), call("bea", "coding", 3, "not_assessable")])
    assert settled.disagreements == ()
    assert {(part.pillar, p.name) for part, p in settled.movements} == {("design", "Ann"), ("coding", "Bea")}


def test_for_against_gaps_and_what_a_call_cites_though_it_is_gone() -> None:
    evidence = [
        piece("e-1", "coding", "tests", "strong"),
        piece("e-2", "coding", "big-function", "weak", standing="reject"),
        piece("e-3", "coding", "big-function", "weak", standing="reject"),
        piece("e-4", "design", "options", "strong", standing="restore"),
    ]
    gap = {"interview_id": "i-1", "pillar": "design", "state": "not_asked", "strong": 0, "weak": 0, "probes": 0}
    lost = [piece("e-9", "coding", "tests", "strong")]
    found = packet(
        evidence=evidence, gone=lost, coverage=[gap], calls=[call("ann", "coding", 2, "weak", "e-2", "e-9", "e-none")]
    )
    coding, design = found.parts
    assert [q.evidence_id for q in coding.strong] == ["e-1"]
    assert coding.weak == ()
    assert {(q.evidence_id, q.gone) for q in coding.cited_before} == {
        ("e-2", "rejected by a person"),
        ("e-9", "no longer found"),
    }
    assert [q.evidence_id for q in found.cited] == ["e-2", "e-9"]
    assert design.coverage[0].state == "not_asked"
    assert not coding.positions[0].was_there
    cells = list(csv.reader(io.StringIO(as_csv(packet(evidence=evidence, missing=["one call"], opened=[{
        "opened_by": "lea", "reason": "on leave", "missing": "1 thing"}], calls=[
        call("ann", "coding", 2, "weak", "e-2")])))))  # fmt: skip
    assert [(row[0], row[6]) for row in cells[1:3]] == [
        ("missing", "one call"),
        ("opened", "lea: on leave (1 thing missing)"),
    ]
    assert [row[7] for row in cells if row[11] == "e-2" and row[0] == "evidence"] == ["rejected by a person"]
    for text in (as_markdown(found), as_text(found), printed(found, "html", {}).decode()):
        assert "not asked" in text.replace("\\", "")
        assert "was not in the interview" in text.replace("\\", "")
        assert text.index("Where the calls differ") < text.index("Movement between calls")


def test_it_should_wait_while_a_call_or_a_question_is_missing() -> None:
    seats = [
        {"name": "Ann", "interview_id": "i-1", "closed": [1]},
        {"name": "Bea", "interview_id": "i-2", "closed": [1, 2]},
    ]
    coverage = [
        {"interview_id": "i-1", "pillar": "coding", "state": "not_asked"},
        {"interview_id": "i-2", "pillar": "coding", "state": "asked_none_seen"},
        {"interview_id": "i-1", "pillar": "design", "state": "not_asked"},
        {"interview_id": "i-2", "pillar": "design", "state": "not_asked"},
    ]
    asked = {("ann", "i-1"): ("coding", "design"), ("bea", "i-2"): ("coding",)}
    assert blockers(seats, coverage, asked) == [
        "Ann has not closed call 2 on i-1",
        "design was not asked about in any interview",
    ]
    assert blockers([], [], {}) == ["nobody is asked for a call"]
    assert blockers(seats[1:], coverage, {("bea", "i-2"): ("coding",)}) == []


HOSTILE = [
    '=HYPERLINK("http://evil.example")',
    "  =1+1",
    "＝1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n@x",
    "\u200b=1",
    "<script>alert(1)</script>",
    "[x](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "# no heading",
    "</blockquote><img src=http://evil.example onerror=alert(1)>",
    "`code` *bold* ~~gone~~ | cell | \u202egnp.exe",
    "http://evil.example/ bare",
    "'; DROP TABLE calls; --",
    "{{ 7*7 }} {% raw %}",
]


def test_a_doubt_says_whose_it_is_and_that_the_other_view_differs() -> None:
    own = {"interview_id": "i-1", "interviewer_id": "kim", "text": "Ran it.", "counted": None, "claimed": None}
    claim = {**own, "state": "none_found", "first_line": None}
    claims = [
        {**claim, "source": "model", "other": "offline", "other_line": 7},
        {**claim, "source": "offline", "other": "model", "other_line": 9},
        {**claim, "source": "offline", "other": None, "other_line": None},
    ]
    finding = {**own, "code": "GF101", "name": "gut", "question": "What?"}
    found = packet(
        doubts=(
            [
                {**finding, "source": "model", "downgraded_from": None},
                {**finding, "source": "rules", "downgraded_from": "warning"},
            ],
            claims,
        )
    )
    assert [doubt.what for doubt in found.claims] == [
        "nothing in the recording shows it [model]; the offline search points at line 7 for it",
        "nothing in the recording shows it; a model points at line 9 for it",
        "nothing in the recording shows it",
    ]
    assert [doubt.what for doubt in found.findings] == [
        "GF101 gut [pointed at by a model]",
        "GF101 gut [a model takes it for a false alarm]",
    ]


def hostile_packet(text: str) -> Packet:
    doubt = {
        "interview_id": "i-1",
        "interviewer_id": text,
        "text": text,
        "code": "GF101",
        "name": "gut",
        "question": text,
        "state": "none_found",
        "source": "model",
        "claimed": 3,
        "counted": 0,
        "first_line": None,
    }
    return packet(
        calls=[call(text, "coding", 2, "weak", "e-1", why=text), call("bea", "coding", 2, "strong", why=text)],
        evidence=[piece("e-1", "coding", "big-function", "weak", quote=text)],
        doubts=([doubt], [doubt]),
        missing=[text],
        opened=[{"opened_by": text, "reason": text, "missing": "1"}],
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words_in_every_form(text: str) -> None:
    found = hostile_packet(text)
    page = printed(found, "html", {}).decode()
    assert "<script" not in page
    assert "<img" not in page
    assert "49" not in re.sub(r"[\d.]+%|#\w+|sha256-[^']+", "", page[page.index("</style>") :])
    assert "\u202e" not in page
    for row in csv.reader(io.StringIO(as_csv(found))):
        for cell in row:
            assert not re.match(r"[\s\u200b]*[=+\-@\t\r＝＋－＠]", cell), cell
    marked = as_markdown(found)
    assert not re.search(r"(?<!\\)[<\[`|~]", marked.replace("\\\\", ""))
    assert not re.search(r"(?m)^#+ no heading", marked)
    plain_text = as_text(found)
    assert "\u202e" not in plain_text
    assert len(plain_text.splitlines()) == len(as_text(hostile_packet("word")).splitlines())


@given(st.text())
def test_no_cell_begins_like_a_formula_and_nothing_else_changes(text: str) -> None:
    cell = guarded(text)
    assert not re.match(r"[\s\u200b\ufeff]*[=+\-@＝＋－＠|%]", cell)
    if re.fullmatch(r"[A-Za-z0-9 ]*", text):
        assert cell == " ".join(text.split())


def debrief(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "cli", "debrief", "c-001", "-w", str(folder), *words],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


@pytest.mark.slow
def test_the_command_refuses_waits_overrides_and_writes_the_same_bytes_again(tmp_path: Path) -> None:
    from pipeline.adapters.store import people, reviews
    from pipeline.web import packets

    workspace = house.demo_house(tmp_path)
    with workspace.store().session() as db:
        people.add_reviewer(db, "iv-1", "Ann", "interviewer")
        quotes = db.rows(
            "SELECT evidence_id, pillar FROM evidence_quotes WHERE interview_id = 'i-001' ORDER BY start_s"
        )
        for step in (1, 2):
            for pillar in {q["pillar"] for q in quotes} | {"architecture_tradeoffs"}:
                ids = [q["evidence_id"] for q in quotes if q["pillar"] == pillar][:3] if step == 2 else []
                row = {"candidate_id": "c-001", "interview_id": "i-001", "reviewer_id": "iv-1", "pillar": pillar}
                more = {"step": step, "level": "ok", "rationale": "saw it", "evidence_ids": ids, "basis": "cited"}
                reviews.save_call(db, {**row, **more})
            reviews.close_step(db, "i-001", "iv-1", step, 1)
    waits = debrief(workspace.folder, "--out", str(tmp_path / "p.html"))
    assert waits.returncode == 1
    assert b"architecture_tradeoffs was not asked about" in waits.stderr
    assert not (tmp_path / "p.html").exists()
    started = time.monotonic()
    done = debrief(workspace.folder, "--out", str(tmp_path / "p.html"), "--override", "The next round asks")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 60  # on a machine that may be busy; the target is ten seconds on an idle one
    page = (tmp_path / "p.html").read_bytes()
    assert page.count(b"data:audio/mpeg;base64,") == 9
    assert b"The next round asks" in page
    with workspace.store().session() as db:
        found, places = packets.gather(db, "c-001", lambda _: True)
    clips = packets.clips_of(found, places, tmp_path / "tmp")
    assert printed(found, "html", clips) == page
    assert b"data:audio" not in printed(found, "html", {})
    assert b"http" not in printed(found, "html", {}).replace(b'http-equiv="Content-Security-Policy"', b"")
    with workspace.store().session() as db:
        told = db.rows(
            "SELECT action, detail FROM journal WHERE actor = 'command line' AND subject = 'c-001' ORDER BY seq"
        )
    assert [t["action"] for t in told][:2] == ["open-debrief", "export"]
    assert told[0]["detail"] == "The next round asks"
    assert (tmp_path / "p.html").stat().st_mode & 0o077 == 0
