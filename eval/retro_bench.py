"""How long a very large history takes: import, report, documented queries; with peak memory.

Run `python -m eval.retro_bench` (100,000 candidates, 400,000 interviews, about 900,000 calls, 1,000,000 evidence rows).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LIMITS = {"import_s": 60.0, "report_s": 60.0, "peak_mb": 2048.0, "slowest_query_s": 1.0}


def documented_queries() -> list[tuple[str, str]]:
    """(heading, SQL) of every query in docs/queries.md."""
    page = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
    return re.findall(r"^## (.+?)\n.*?```sql\n(.*?)```", page, flags=re.S | re.M)


PILLARS = "['execution_coding', 'architecture_tradeoffs', 'collaboration_communication', 'ownership_debugging']"
_EVIDENCE = (
    """
    INSERT INTO interviews (interview_id, candidate_id, role_profile, held_on, format, interviewers, questions, consent,
                            transcript_hash, state)
    SELECT DISTINCT ON (interview_id) interview_id, candidate_id, role, held_on, format, [interviewer_id], [], true,
           't-' || interview_id, 'done'
    FROM sessions ORDER BY interview_id LIMIT ? // 50
    """,
    """
    INSERT INTO transcripts (transcript_hash, interview_id, text, words, source, duration_s)
    SELECT transcript_hash, interview_id, repeat('a word of the interview ', 400), '{}', 'vtt', 3000 FROM interviews
    """,
    """
    INSERT INTO speakers (interview_id, speaker, role, source, reason, recording_id, channel)
    SELECT interview_id, 'right', 'candidate', 'manifest', '', 'r-' || interview_id, 1 FROM interviews
    """,
    f"""
    INSERT INTO evidence (evidence_id, interview_id, transcript_hash, pillar, signal, polarity, start, "end",
                          first_line, last_line, start_s, end_s, speaker, prompted_by, extractor, model, prompt_hash,
                          rubric_hash, run_id, created_at, current)
    SELECT 'e-' || i.interview_id || '-' || n, i.interview_id, i.transcript_hash, ({PILLARS})[n % 4 + 1],
           'signal-' || n % 32, CASE WHEN n % 3 = 0 THEN 'weak' ELSE 'strong' END, n * 100, n * 100 + 80, n, n,
           n * 50.0, n * 50.0 + 4, 'right', CASE WHEN n % 5 = 0 THEN n - 1 END, 'offline', 'cues', 'p', 'r', 'run',
           now()::TIMESTAMP, true
    FROM interviews i, range(50) t(n)
    """,  # noqa: S608 - a constant
    f"""
    INSERT INTO coverage (interview_id, pillar, state, strong, weak, probes)
    SELECT i.interview_id, p, 'evidence', 8, 4, 3 FROM interviews i, (SELECT unnest({PILLARS})) t(p)
    """,  # noqa: S608 - a constant
)


def fill_evidence(database: Path, rows: int) -> None:
    """Made-up recordings with evidence for as many interviews as are needed, fifty rows each."""
    from pipeline.adapters.store.connection import Store

    with Store(database).session() as db:
        for number, statement in enumerate(_EVIDENCE):
            db.execute(statement, [rows] if number == 0 else [])


def timed(*verb: str) -> tuple[float, float]:
    """Seconds and peak megabytes of one verb in a process of its own."""
    code = (
        "import resource, sys; sys.argv = ['verbatim', *sys.argv[1:]]; import cli\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)"
    )
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *verb], cwd=ROOT, capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, float(done.stderr.strip().splitlines()[-1])


def bench(candidates: int, evidence: int) -> dict[str, Any]:
    """Figures of one size."""
    from eval.retro_history import Truth, draw
    from pipeline.adapters.store.connection import Store

    with tempfile.TemporaryDirectory(prefix="verbatim-bench-") as folder:
        place = Path(folder)
        truth = Truth(
            candidates, interviewers=max(20, candidates // 100), pillars_each=2, double_share=0.125, validity=0.4,
            roles=("backend", "platform", "data"),
        )  # fmt: skip
        files = [str(path) for path in draw(truth, 1).write(place / "csv")]
        found: dict[str, Any] = {"candidates": candidates}
        found["import_s"], import_mb = timed("import", *files, "-w", str(place / "w"))
        database = place / "w" / "verbatim.duckdb"
        fill_evidence(database, evidence)
        found["report_s"], report_mb = timed("retro", "-w", str(place / "w"))
        found["peak_mb"] = max(import_mb, report_mb)
        found["queries"] = {}
        with Store(database).locked_down() as db:
            found["rows"] = db.rows(
                "SELECT (SELECT count(*) FROM calls) AS calls, (SELECT count(*) FROM evidence) AS evidence"
            )[0]
            for name, query in documented_queries():
                begun = time.perf_counter()
                db.connection.execute(query).fetchall()
                found["queries"][name] = round(time.perf_counter() - begun, 3)
        found["slowest_query_s"] = max(found["queries"].values())
        return found


def main() -> None:
    """Measure, print, and exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--evidence", type=int, default=1_000_000)
    options = parser.parse_args()
    found = bench(options.candidates, options.evidence)
    print(json.dumps(found, indent=2))
    sys.exit(any(found[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    main()
