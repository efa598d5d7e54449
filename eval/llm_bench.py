"""How fast and how cheaply a batch gets its answers: `python -m eval.llm_bench`.

A server on loopback answers every chat request after 200 ms. 25 invented interviews of ten minutes, in chunks of 20
lines, make 1,000 requests; at 32 at once the ideal is 1,000 / 32 x 0.2 s = 6.25 s. What is timed is the whole of
`verbatim run`: transcripts imported, requests asked, pointing verified, evidence stored. The same talks go through
langextract against the same server (it copies text, so it asks once a passage, not once a passage and pillar), in the
interpreter that `--beside` names: `--beside VENV/bin/python`, with `langextract[openai]` in that venv. Tokens are a
quarter of the characters on both sides. A quote is grounded when it stands in the transcript where it is said to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

DELAY_S = 0.2
AT_ONCE = 32
INTERVIEWS = 25
CHUNKS = 10
TURNS = 6  # in a chunk of 20 lines
MODEL = "loopback-1"
MOST_RATIO = 1.2  # of the ideal time
MOST_MIB = 300  # that a run of a thousand requests may add
_SAID = (
    "When the list is empty I answer with four hundred and write a test for that before I go on.",
    "Let me run it with one row first, then with none, and look at what the log says.",
    "I would rename this to pending orders so that the next person sees what it holds.",
    "The second insert fails on the unique key, and the caller gets a message that says why.",
    "We measured it, the page took two seconds because of the join, so I added an index on the day.",
)
_ASKED = (
    "What happens when the input is empty?",
    "How would you find out what is slow?",
    "Could you say why you chose that?",
)


async def _serve(pipe: Connection, answers: str) -> None:
    counts = {"requests": 0, "prompt_tokens": 0, "answer_tokens": 0, "most_at_once": 0}
    under_way = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(row.split(b":")[1])
                        for row in head.lower().split(b"\r\n")
                        if row.startswith(b"content-length")
                    ),
                    0,
                )
                body = json.loads(await reader.readexactly(length)) if length else {}
                under_way += 1
                counts["most_at_once"] = max(counts["most_at_once"], under_way)
                due = time.monotonic() + DELAY_S
                raw = _answer(body, counts, answers)
                await asyncio.sleep(due - time.monotonic())
                under_way -= 1
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    % (len(raw), raw)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=2**22)
    pipe.send(server.sockets[0].getsockname()[1])
    while True:
        await asyncio.sleep(0.02)
        if pipe.poll():
            pipe.recv()
            pipe.send(dict(counts))
            counts.update(requests=0, prompt_tokens=0, answer_tokens=0, most_at_once=0)


def _answer(body: dict[str, Any], counts: dict[str, int], form: str) -> bytes:
    """Evidence at three of the candidate's lines: as pointers, or copied out as langextract asks for it."""
    shown = "\n".join(message["content"] for message in body.get("messages", []))
    if form == "pointing":
        lines = [row.split(" ", 2) for row in shown.rsplit("Transcript:\n", 1)[-1].splitlines() if " C " in row[:12]]
        pattern = body["response_format"]["json_schema"]["schema"]["properties"]["evidence"]["items"]["pattern"]
        signal = pattern.split(" (", 1)[1].split("|", 1)[0]
        text = json.dumps({"evidence": [f"{row[0]} {signal}" for row in lines[:3]], "probes": []})
    else:
        passage = shown.rsplit("Q:", 1)[-1]
        quotes = [said for said in _SAID if said in passage][:3]
        pieces = [{"strong": quote, "strong_attributes": {"signal": "edge-cases"}} for quote in quotes]
        text = "```json\n" + json.dumps({"extractions": pieces}) + "\n```"
    asked, answered = len(shown) // 4, len(text) // 4
    counts["requests"] += 1
    counts["prompt_tokens"] += asked
    counts["answer_tokens"] += answered
    message = {"role": "assistant", "content": text}
    return json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": body.get("model", MODEL),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
        }
    ).encode()


def _run_server(pipe: Connection, answers: str) -> None:
    asyncio.run(_serve(pipe, answers))


class Server:
    """The loopback server in a process of its own."""

    def __init__(self, port: int, pipe: Connection) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self._pipe = pipe

    def counts(self) -> dict[str, int]:
        """Requests and tokens (a quarter of the characters) since the last time."""
        self._pipe.send("counts")
        return dict(self._pipe.recv())


@contextmanager
def serving(answers: str) -> Iterator[Server]:
    """A server that answers by pointing, or by copying."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run_server, args=(there, answers), daemon=True)
    process.start()
    try:
        yield Server(here.recv(), here)
    finally:
        process.terminate()
        process.join()


def talks(folder: Path, interviews: int, chunks: int) -> list[str]:
    """Invented talks as subtitle files with a manifest; each takes `chunks` requests a pillar. Returns their texts."""
    rng = random.Random(7)  # noqa: S311 - no secret
    entries, texts = [], []
    for number in range(interviews):
        rows, said, clock = ["WEBVTT", ""], [], 0
        for turn in range(TURNS * chunks):
            words = rng.choice(_ASKED) if turn % 2 == 0 else f"{rng.choice(_SAID)} {rng.choice(_SAID)}"
            speaker = "Ada" if turn % 2 == 0 else "Ben"
            rows += [
                f"{_clock(clock)} --> {_clock(clock + 10)}",
                f"<v {speaker}>{words} Case {number}, turn {turn}.",
                "",
            ]
            said.append(f"{speaker}: {words} Case {number}, turn {turn}.")
            clock += 11
        (folder / f"i{number:03d}.vtt").write_text("\n".join(rows), encoding="utf-8")
        texts.append("\n".join(said))
        entries.append(
            f'[[interviews]]\ninterview_id = "i{number:03d}"\ncandidate_id = "c{number:03d}"\nconsent = true\n'
            f'transcript = "i{number:03d}.vtt"\n[interviews.roles]\nAda = "interviewer"\nBen = "candidate"\n'
        )
    (folder / "manifest.toml").write_text("\n".join(entries), encoding="utf-8")
    return texts


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.000"


class _Quiet:
    def stage(self, interview_id: str, stage: str, done: float, total: float) -> None:
        """Nothing is drawn while time is taken."""

    def ended(self, ending: object) -> None:
        """Nothing either."""


def ours(folder: Path, server: Server, concurrency: int, *, defaults: bool = False) -> dict[str, Any]:
    """The whole run: import, ask, verify, store."""
    from pipeline.ingest import take_in
    from pipeline.runner import Runner
    from pipeline.settings import load_settings
    from pipeline.workspace import Workspace

    workspace = Workspace.create(folder / "workspace")
    llm = {"model": MODEL, "base_url": server.url, "concurrency": concurrency, "preflight": False}
    layout = {} if defaults else {"chunk_lines": 20, "margin_turns": 1}
    settings = load_settings(workspace.folder, {"llm": llm, "extract": layout})
    intake = take_in(
        folder / "manifest.toml", default_profile="senior-backend", consent=True, duration_of=lambda _path: None
    )
    first = intake.model_copy(update={"interviews": intake.interviews[:1]})
    Runner(Workspace.create(folder / "warm"), settings).run(first, _Quiet())  # imports are paid once a process
    server.counts()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    endings = Runner(workspace, settings).run(intake, _Quiet())
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    counts = server.counts()
    with workspace.store().session() as db:
        found = db.rows("SELECT q.quote, t.text FROM evidence_quotes q JOIN transcripts t USING (transcript_hash)")
    assert all(ending.state == "done" for ending in endings), endings
    ideal = counts["requests"] / concurrency * DELAY_S
    again, _ = time.perf_counter(), Runner(workspace, settings).run(intake, _Quiet())
    return {
        **counts,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "ideal_seconds": round(ideal, 2),
        "ratio": round(seconds / ideal, 3),
        "rerun_requests": server.counts()["requests"],
        "rerun_seconds": round(time.perf_counter() - again, 2),
        "quotes": len(found),
        "grounded": sum(row["quote"] in row["text"] for row in found),
        "memory_mib": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024),
    }


def langextract(texts: list[str], server: Server, concurrency: int, *, defaults: bool = False) -> dict[str, Any] | None:
    """The same talks through langextract, in passages as long as our chunks; None where it is not installed."""
    try:
        import langextract as lx  # type: ignore[import-not-found,unused-ignore]
        from langextract.providers.openai import (  # type: ignore[import-not-found,unused-ignore]
            OpenAILanguageModel,
        )
    except ImportError:
        return None
    examples = [
        lx.data.ExampleData(
            text="If it is null I return early.",
            extractions=[
                lx.data.Extraction("strong", "If it is null I return early", attributes={"signal": "edge-cases"})
            ],
        )
    ]
    model = OpenAILanguageModel(model_id=MODEL, api_key="none", base_url=server.url, max_workers=concurrency)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    documents = [lx.data.Document(text=text) for text in texts]
    results = lx.extract(
        documents,
        prompt_description="Copy what the candidate does, word for word.",
        examples=examples,
        model=model,
        max_char_buffer=1000 if defaults else max(map(len, texts)) // CHUNKS,
        batch_length=concurrency,
        max_workers=concurrency,
        fence_output=True,
        use_schema_constraints=False,
        show_progress=False,
    )
    found = [(document.text, piece) for document in results for piece in document.extractions or []]
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    counts = server.counts()
    places = [(text, piece.char_interval, piece.extraction_text) for text, piece in found]
    grounded = sum(at is not None and text[at.start_pos : at.end_pos] == quote for text, at, quote in places)
    ideal = counts["requests"] / concurrency * DELAY_S
    return {
        **counts,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "ideal_seconds": round(ideal, 2),
        "ratio": round(seconds / ideal, 3),
        "quotes": len(found),
        "grounded": grounded,
        "memory_mib": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024),
    }


ROWS = {
    "requests": "requests",
    "most_at_once": "under way at once, most",
    "prompt_tokens": "prompt tokens",
    "answer_tokens": "answer tokens",
    "ideal_seconds": "ideal wall time, s",
    "seconds": "wall time, s",
    "ratio": "wall time / ideal",
    "cpu_seconds": "processor time, s",
    "memory_mib": "memory added, MiB",
    "quotes": "quotes",
    "grounded": "quotes grounded",
    "rerun_requests": "requests of a rerun",
    "rerun_seconds": "wall time of a rerun, s",
}


def table(figures: dict[str, Any]) -> str:
    """The figures of both sides as Markdown."""
    sides = [name for name in ("verbatim", "langextract") if isinstance(figures.get(name), dict)]
    rows = [f"| | {' | '.join(sides)} |", "|---|" + "---:|" * len(sides)]
    for key, name in ROWS.items():
        cells = [figures[side].get(key, "–") for side in sides]
        rows.append(f"| {name} | {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |")
    return "\n".join(rows)


def faults(figures: dict[str, Any]) -> list[str]:
    """What is not as it should be on our side, said on stderr as well."""
    own = figures.get("verbatim")
    if own is None:
        return []
    judged = own["requests"] >= 1000  # below, the start of it all outweighs the requests
    found = [
        *([f"{own['ratio']} times the ideal time, not {MOST_RATIO}"] if judged and own["ratio"] > MOST_RATIO else []),
        *([f"{own['memory_mib']} MiB, not {MOST_MIB}"] if own["memory_mib"] > MOST_MIB else []),
        *(["quotes that are not grounded"] if own["grounded"] != own["quotes"] or not own["quotes"] else []),
        *(["a rerun that asks"] if own["rerun_requests"] else []),
    ]
    for fault in found:
        print(f"not met: {fault}", file=sys.stderr)
    return found


def _beside(python: str, given: argparse.Namespace) -> dict[str, Any]:
    """The figures of langextract in the interpreter that has it."""
    same = [
        "--interviews",
        str(given.interviews),
        "--chunks",
        str(given.chunks),
        "--concurrency",
        str(given.concurrency),
    ]
    command = [python, "-m", "eval.llm_bench", "--only", "langextract", "--json", *same]
    done = subprocess.run(
        [*command, *(["--defaults"] if given.defaults else [])], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def main(argv: list[str] | None = None) -> int:
    """Print a table, or JSON; exit 1 where time, memory, quotes or the rerun are not as they should be."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--interviews", type=int, default=INTERVIEWS)
    options.add_argument("--chunks", type=int, default=CHUNKS)
    options.add_argument("--concurrency", type=int, default=AT_ONCE)
    options.add_argument("--defaults", action="store_true", help="chunks and passages as both cut them by default")
    options.add_argument("--only", choices=["verbatim", "langextract"])
    options.add_argument("--beside", metavar="PYTHON", help="an interpreter that has langextract[openai]")
    options.add_argument("--json", action="store_true")
    given = options.parse_args(argv)
    figures: dict[str, Any] = {"cores": os.cpu_count(), "load_before": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = talks(folder, given.interviews, given.chunks)
        if given.only != "langextract":
            with serving("pointing") as server:
                figures["verbatim"] = ours(folder, server, given.concurrency, defaults=given.defaults)
        if given.only is None and given.beside:
            figures["langextract"] = _beside(given.beside, given)["langextract"]
        elif given.only != "verbatim":
            with serving("copying") as server:
                figures["langextract"] = (
                    langextract(texts, server, given.concurrency, defaults=given.defaults) or "not installed"
                )
    if given.json:
        print(json.dumps(figures, indent=1))
    else:
        print(f"{figures['cores']} cores, load {figures['load_before']} before\n\n{table(figures)}")
    return int(bool(faults(figures)))


if __name__ == "__main__":
    sys.exit(main())
