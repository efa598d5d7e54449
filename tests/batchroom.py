"""A workspace with imported transcripts and a scripted endpoint: what a batch with a model is, without any sound."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
from endpoint import MODEL, Endpoint, Reply, Script, chat

from pipeline.adapters.llm import open_llm
from pipeline.adapters.llm.live import LiveLLM
from pipeline.errors import RunStopError
from pipeline.ingest import take_in
from pipeline.prompting import load_rubric
from pipeline.runner import Ending, Runner
from pipeline.settings import Settings, load_settings
from pipeline.wiring import make_extractor
from pipeline.workspace import Workspace

ASKS = "What do you do when the input is empty?"
TELLS = "When it is empty I answer with four hundred and write a test for that."
GOOD = '{"evidence":["2 edge-cases by 1"],"probes":[1]}'
PILLARS = [pillar.id for pillar in load_rubric("senior-backend").pillars]
TITLES = {pillar.title: pillar.id for pillar in load_rubric("senior-backend").pillars}


def pillar_of(body: dict[str, Any]) -> str:
    """Which pillar a request asks about; empty for a made-up question."""
    asked = str(body["messages"][1]["content"]).rsplit("Pillar and its signals:\n", 1)[-1]
    return next((name for title, name in TITLES.items() if asked.startswith(title)), "")


def interview_of(body: dict[str, Any]) -> str:
    """Which interview a request shows, whose name is said in its first line; empty for a made-up question."""
    return str(body["messages"][1]["content"]).partition("This is talk ")[2].split(".", 1)[0]


def answer(body: dict[str, Any], _n: int = 0) -> Reply:
    """Evidence for one pillar, nothing for the others: what a good model says of these talks."""
    text = '{"evidence":["4 edge-cases by 3"],"probes":[3]}' if pillar_of(body) == "execution_coding" else None
    usage = {"prompt_tokens": 1000, "completion_tokens": 20}
    return chat(text or '{"evidence":[],"probes":[]}', usage=usage)


def talk(folder: Path, name: str, turns: int = 4) -> None:
    """A subtitle file: the interviewer asks, the candidate tells."""
    rows = ["WEBVTT", ""]
    for i in range(turns):
        words = f"This is talk {name}." if i < 1 else "All right." if i == 1 else (ASKS if i % 2 == 0 else TELLS)
        speaker = "Ada" if i % 2 == 0 else "Ben"
        rows += [f"00:{i // 6:02d}:{i % 6 * 10:02d}.000 --> 00:{i // 6:02d}:{i % 6 * 10 + 9:02d}.000"]
        rows += [f"<v {speaker}>{words}", ""]
    (folder / f"{name}.vtt").write_text("\n".join(rows), encoding="utf-8")


class Room:
    """A folder with a manifest, talks and a workspace; runs batches and looks at what they left."""

    def __init__(self, folder: Path, names: Sequence[str] = ("one",), turns: int = 4) -> None:
        self.folder = folder
        self.names = list(names)
        entries = []
        for name in names:
            talk(folder, name, turns)
            entries.append(
                f'[[interviews]]\ninterview_id = "{name}"\ncandidate_id = "c-{name}"\nconsent = true\n'
                f'transcript = "{name}.vtt"\n[interviews.roles]\nAda = "interviewer"\nBen = "candidate"\n'
            )
        self.manifest = folder / "manifest.toml"
        self.manifest.write_text("\n".join(entries), encoding="utf-8")
        self.workspace = Workspace.create(folder / "ws")
        self.server = Endpoint(answer)
        self.stop: RunStopError | None = None
        self.llm: LiveLLM | None = None
        self.said: list[str] = []

    def __enter__(self) -> Room:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def settings(self, **llm: Any) -> Settings:
        """Settings that point at the endpoint, impatient and without a preflight unless a test wants one."""
        given = {"model": MODEL, "base_url": self.server.url, "preflight": False, "deadline_s": 5.0, **llm}
        extract = {"chunk_lines": 40, "margin_turns": 0} | given.pop("extract", {})
        return load_settings(self.workspace.folder, {"llm": given, "extract": extract})

    def run(
        self,
        script: Script | Sequence[Reply] | Reply = answer,
        *,
        only: Sequence[str] = (),
        prepare: Callable[[LiveLLM], None] | None = None,
        force: bool = False,
        **llm: Any,
    ) -> dict[str, Ending]:
        """Run the batch; `self.stop` holds the error that ended it, if one did."""
        self.server.follow(script)
        settings = self.settings(**llm)
        opened = open_llm(settings.llm, self.workspace, self.said.append)
        if isinstance(opened, LiveLLM):
            opened.backoff_s = 0.001
            self.llm = opened
            if prepare is not None:
                prepare(opened)
        self.runner = Runner(
            self.workspace, settings, extractor=make_extractor(settings, self.workspace, opened), version="t"
        )
        intake = take_in(self.manifest, default_profile="senior-backend", consent=True, duration_of=lambda _: None)
        self.stop = None
        endings: list[Ending] = []
        try:
            self.runner.run(intake, _Watcher(endings), only=only, force=force)
        except RunStopError as stop:
            self.stop = stop
        return {ending.interview_id: ending for ending in endings}

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        with self.workspace.store().session() as db:
            return db.rows(sql, params)

    def tables(self, interview: str | None = None) -> str:
        """Everything the runs left that a rerun must not change, as one text."""
        parts = []
        where = "" if interview is None else f" WHERE interview_id = '{interview}'"
        with self.workspace.store().session() as db:
            for table in (
                "interviews",
                "evidence",
                "rejections",
                "probes",
                "coverage",
                "drafts",
                "flags",
                "stage_runs",
            ):
                rows = db.rows(f"SELECT * FROM {table}{where}")
                parts.append(json.dumps([table, sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)]))
        return "\n".join(parts)

    def kept(self) -> list[dict[str, Any]]:
        """The kept answers."""
        files = sorted(p for p in self.workspace.llm.glob("*.json") if not p.name.startswith("endpoint-"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in files]

    def attempts(self) -> list[tuple[int | None, str | None]]:
        """Status and fault of every try on disk."""
        return [(a["status"], a["fault"]) for kept in self.kept() for a in kept["attempts"]]

    def check(self) -> None:
        """I1: everything ended with a name. I4: each quote is a slice of the candidate's talk. No scraps on disk."""
        with self.workspace.store().session() as db:
            ended = db.rows("SELECT * FROM interviews")
            quotes = db.rows(
                "SELECT q.quote, l.text, s.role FROM evidence_quotes q JOIN transcripts l USING (transcript_hash) "
                "JOIN speakers s ON s.interview_id = q.interview_id AND s.speaker = q.speaker"
            )
            drafts = db.value("SELECT count(*) FROM drafts")
            ends = db.value(
                "SELECT (SELECT count(*) FROM evidence WHERE current) + (SELECT count(*) FROM rejections) "
                "+ (SELECT count(*) FROM probes)"
            )
        for row in ended:
            assert row["state"] in ("done", "failed", "pending")
            if row["state"] == "failed":
                assert row["reason"]
                assert f"--interview {row['interview_id']}" in row["retry"]
        for row in quotes:
            assert row["quote"] in row["text"]
            assert row["role"] == "candidate"
        assert drafts == ends
        assert not list(self.workspace.folder.rglob(".writing-*"))

    def heals(self) -> None:
        """I3: with a healthy endpoint the batch ends, and once more changes nothing and asks nothing."""
        endings = self.run(answer)
        assert self.stop is None
        assert {e.state for e in endings.values()} <= {"done", "unchanged"}, endings
        self.check()
        self.settled()

    def settled(self) -> None:
        """A rerun of finished work makes no call and changes no row."""
        before = self.tables()
        endings = self.run(Reply(status=500))
        assert self.server.received == []
        assert {e.state for e in endings.values()} == {"unchanged"}
        assert self.tables() == before


class _Watcher:
    def __init__(self, endings: list[Ending]) -> None:
        self.endings = endings

    def stage(self, interview_id: str, stage: str, done: float, total: float) -> None:
        pass

    def ended(self, ending: Ending) -> None:
        self.endings.append(ending)


def ask(llm: Any, *requests: Any) -> list[Any]:
    """Answers (or errors) of requests made at the same time, the endpoint closed afterwards."""

    async def main() -> list[Any]:
        ends: list[Any] = [None] * len(requests)

        async def one(i: int) -> None:
            try:
                ends[i] = await llm.complete(requests[i])
            except Exception as error:
                ends[i] = error

        async with anyio.create_task_group() as group:
            for i in range(len(requests)):
                group.start_soon(one, i)
        await llm.aclose()
        return ends

    return anyio.run(main)


__all__ = ["GOOD", "PILLARS", "Room", "Script", "answer", "ask", "interview_of", "pillar_of"]
