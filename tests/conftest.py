"""What all tests share: no deadline for a random example (load is no fault), and one run of the demo."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent

settings.register_profile("verbatim", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("verbatim")


@dataclass(frozen=True)
class DemoRun:
    """The demo, run through the real command line with real weights."""

    folder: Path
    exit_code: int
    screen: str
    progress: str
    seconds: float


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """Half a minute of work that several tests look at; none of them may change it."""
    folder = tmp_path_factory.mktemp("demo") / "verbatim-demo"
    started = time.monotonic()
    out = subprocess.run(
        [sys.executable, "cli.py", "demo", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return DemoRun(folder, out.returncode, out.stdout, out.stderr, time.monotonic() - started)


@pytest.fixture
def lint_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to lint in, with no configuration remembered."""
    from pipeline.lint import config

    monkeypatch.chdir(tmp_path)
    config.forget()
    return tmp_path
