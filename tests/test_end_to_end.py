"""The demo through the real command line with real weights: what the project promises, on speech that was spoken."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import DemoRun
from workshop import Bench, entry, tables

from pipeline.adapters.offline import OfflineExtractor
from pipeline.adapters.store import look
from pipeline.workspace import Workspace

ROOT = Path(__file__).parent.parent
TIMINGS = {
    name: json.loads((ROOT / "examples" / "scripts" / f"{name}.timing.json").read_text(encoding="utf-8"))
    for name in ("i-001", "i-002")
}
PILLARS = {"execution_coding", "architecture_tradeoffs", "collaboration_communication", "ownership_debugging"}

pytestmark = [pytest.mark.weights, pytest.mark.slow]


def verbatim(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "cli.py", *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def evidence(demo_run: DemoRun) -> list[dict[str, Any]]:
    out = verbatim("evidence", "-w", demo_run.folder, "--json")
    assert out.returncode == 0, out.stderr
    found: list[dict[str, Any]] = json.loads(out.stdout)
    return found


@pytest.fixture(scope="module")
def coverage(demo_run: DemoRun) -> dict[tuple[str, str], str]:
    out = verbatim("sql", "SELECT interview_id, pillar, state FROM coverage_by_pillar", "-w", demo_run.folder, "--json")
    return {(row["interview_id"], row["pillar"]): row["state"] for row in json.loads(out.stdout)}


def test_both_interviews_are_done(demo_run: DemoRun):
    assert demo_run.exit_code == 0, demo_run.progress
    assert "Traceback" not in demo_run.progress
    out = verbatim("status", "-w", demo_run.folder, "--json")
    found = json.loads(out.stdout)
    assert found["counts"] == {"done": 2}
    assert [(row["interview_id"], row["state"], row["reason"]) for row in found["interviews"]] == [
        ("i-001", "done", None),
        ("i-002", "done", None),
    ]


def test_the_screen_shows_evidence_gaps_rejections_and_what_to_type_next(demo_run: DemoRun):
    for part in ("i-001", "i-002", "strong", "weak", "Pointed at", "rejected", "offline extractor", "Database:"):
        assert part in demo_run.screen, part
    assert demo_run.screen.count("\n  verbatim ") == 3


def test_all_pillars_have_strong_and_weak_evidence(evidence: list[dict[str, Any]]):
    assert {(row["pillar"], row["polarity"]) for row in evidence} == {
        (pillar, polarity) for pillar in PILLARS for polarity in ("strong", "weak")
    }


def test_every_quote_is_its_slice_of_the_transcript_inside_the_audio(demo_run: DemoRun, evidence: list[dict[str, Any]]):
    with Workspace(demo_run.folder).store().session() as db:
        texts = {row["transcript_hash"]: row["text"] for row in db.rows("SELECT * FROM transcripts")}
        spans = {row["evidence_id"]: (row["start"], row["end"]) for row in db.rows("SELECT * FROM evidence")}
        lasts = {
            row["interview_id"]: row["s"]
            for row in db.rows("SELECT interview_id, min(duration_s) s FROM recordings GROUP BY 1")
        }
        columns = [row["column_name"] for row in db.rows("DESCRIBE evidence_quotes")]
    assert len(evidence) == len(spans) > 20
    for row in evidence:
        start, end = spans[row["evidence_id"]]
        assert row["quote"] == texts[row["transcript_hash"]][start:end]
        assert 0 <= row["start_s"] < row["end_s"] <= lasts[row["interview_id"]]
        assert list(row) == columns
        for name in ("recording_id", "transcript_hash", "rubric_hash", "prompt_hash", "extractor", "model", "run_id"):
            assert row[name], name


def test_evidence_was_said_by_the_candidate_and_never_by_an_interviewer(evidence: list[dict[str, Any]]):
    """Against the scripts: the middle of each span lies in a turn that the candidate's voice spoke."""
    for row in evidence:
        middle = (row["start_s"] + row["end_s"]) / 2
        turns = TIMINGS[row["interview_id"]]["turns"]
        near = min(turns, key=lambda turn: max(turn["start_s"] - middle, middle - turn["end_s"], 0.0))
        assert near["role"] == "candidate", (row["quote"], near["text"])
        asked = [t for t in turns if t["role"] == "interviewer"]
        spoken = row["end_s"] - row["start_s"]
        over = sum(max(0.0, min(row["end_s"], t["end_s"]) - max(row["start_s"], t["start_s"])) for t in asked)
        assert over < 0.2 * spoken, (row["quote"], over)


def test_drafts_are_evidence_probes_and_rejections(demo_run: DemoRun):
    with Workspace(demo_run.folder).store().session() as db:
        counts = {t: db.value(f"SELECT count(*) FROM {t}") for t in ("drafts", "evidence", "probes", "rejections")}
    assert counts["drafts"] == counts["evidence"] + counts["probes"] + counts["rejections"]


def test_a_pillar_that_is_never_asked_is_shown_as_a_gap(coverage: dict[tuple[str, str], str]):
    assert len(coverage) == 8
    assert coverage["i-001", "architecture_tradeoffs"] == "not_asked"


def test_a_second_run_does_nothing_in_under_three_seconds_and_changes_no_row(demo_run: DemoRun):
    workspace = Workspace(demo_run.folder)
    before = tables(workspace.store(), everything=True)
    kept = {path.name: path.stat().st_mtime_ns for path in workspace.asr.iterdir()}
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = verbatim("demo", demo_run.folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert out.returncode == 0
    assert "2 finished and unchanged" in out.stderr
    assert tables(workspace.store(), everything=True) == before
    assert {path.name: path.stat().st_mtime_ns for path in workspace.asr.iterdir()} == kept
    busy = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    assert busy < 3.0, f"{busy:.1f} s of processor time"  # what a quiet machine would take


def test_the_workspace_is_private(demo_run: DemoRun):
    for path in [demo_run.folder, *demo_run.folder.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_sentence_to_the_machine_is_flagged(demo_run: DemoRun):
    with Workspace(demo_run.folder).store().session() as db:
        flags = {(row["interview_id"], row["kind"]) for row in db.rows("SELECT * FROM flags")}
        head = look.summary(db, "i-001")
    assert ("i-001", "speaks_to_machine") in flags
    assert "roles_may_be_swapped" not in {kind for _, kind in flags}
    assert {s["speaker"]: s["role"] for s in head["speakers"]} == {"left": "interviewer", "right": "candidate"}


def test_a_long_silence_is_in_the_times(demo_run: DemoRun):
    with Workspace(demo_run.folder).store().session() as db:
        gaps = db.rows(
            "SELECT max(gap) AS gap FROM "
            "(SELECT start_s - lag(end_s) OVER (PARTITION BY transcript_hash ORDER BY line) AS gap FROM lines)"
        )
    assert gaps[0]["gap"] > 10


# --- The injection, in an imported transcript, with and without its line


def vtt(turns: list[dict[str, Any]]) -> str:
    def clock(s: float) -> str:
        return f"{int(s // 60):02d}:{s % 60:06.3f}"

    cues = [f"{clock(t['start_s'])} --> {clock(t['end_s'])}\n<v {t['speaker']}>{t['text']}\n" for t in turns]
    return "WEBVTT\n\n" + "\n".join(cues)


def found_in(folder: Path, turns: list[dict[str, Any]]) -> dict[str, Any]:
    folder.mkdir()
    bench = Bench(folder)
    (bench.inbox / "x.vtt").write_text(vtt(turns), encoding="utf-8")
    roles = {t["speaker"]: t["role"] for t in turns}
    table = ", ".join(f'"{name}" = "{role}"' for name, role in roles.items())
    bench.run(
        bench.manifest(entry("i-1", transcript='"x.vtt"') + f"roles = {{ {table} }}\n"), extractor=OfflineExtractor()
    )
    return {
        "evidence": bench.rows(
            "SELECT pillar, signal, polarity, quote, speaker, prompted FROM evidence_quotes ORDER BY ALL"
        ),
        "coverage": bench.rows("SELECT pillar, state, strong, weak, probes FROM coverage_by_pillar ORDER BY ALL"),
        "rejections": bench.rows("SELECT kind, reason, pillar, signal FROM rejections ORDER BY ALL"),
        "machine": bench.rows("SELECT count(*) AS n FROM flags WHERE kind = 'speaks_to_machine'"),
    }


def test_the_injection_changes_no_other_row(tmp_path: Path):
    turns = TIMINGS["i-001"]["turns"]
    at = next(i for i, turn in enumerate(turns) if turn["distractor"] == "injection")
    first, rest = turns[at]["text"].split(". ", 1)
    assert "ignore your instructions" in first
    without = [*turns[:at], {**turns[at], "text": rest}, *turns[at + 1 :]]
    spoken, silent = found_in(tmp_path / "spoken", turns), found_in(tmp_path / "silent", without)
    assert (spoken.pop("machine")[0]["n"], silent.pop("machine")[0]["n"]) == (1, 0)
    assert spoken == silent
    assert len(spoken["evidence"]) > 5


def test_the_real_run_needs_no_network(demo_run: DemoRun):
    """Nothing was sent: no endpoint is configured and no request is kept."""
    workspace = Workspace(demo_run.folder)
    assert not [p for p in workspace.llm.iterdir() if p.suffix == ".json"]
    with workspace.store().session() as db:
        assert db.value("SELECT count(*) FROM llm_calls") == 0
