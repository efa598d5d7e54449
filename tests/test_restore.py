"""A copy that is put back under the log of a newer file is told from damage, and opens once the log is moved away."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.adapters.store.connection import Store
from pipeline.errors import StoreError

KILLED = """
import os, sys
from pathlib import Path
from pipeline.adapters.store.connection import Store
with Store(Path(sys.argv[1])).session() as db:
    db.insert("candidates", [{"candidate_id": "later"}])
    os.kill(os.getpid(), 9)
"""


def test_row_40_a_restored_copy_beside_a_newer_log(tmp_path: Path):
    path = tmp_path / "verbatim.duckdb"
    store = Store(path)
    with store.session() as db:
        db.insert("candidates", [{"candidate_id": "before"}])
    copy = tmp_path / "copy.duckdb"
    shutil.copy(path, copy)
    with store.session() as db:
        db.insert("candidates", [{"candidate_id": "between"}])
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=Path(__file__).parent.parent, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.with_suffix(".duckdb.wal").exists()
    shutil.copy(copy, path)
    with pytest.raises(StoreError, match="older than") as caught, store.session():
        pass
    step = caught.value.next_step.split(",", 1)[0]
    assert step == f"mv {path}.wal {path}.wal.newer"
    _, source, target = shlex.split(step)
    Path(source).rename(target)
    with store.session() as db:
        assert db.rows("SELECT candidate_id FROM candidates") == [{"candidate_id": "before"}]
    assert Path(target).exists()
