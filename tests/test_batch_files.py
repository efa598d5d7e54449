"""Batch files: what is written is what a live call would send, and results are taken in whatever state they come."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import anyio
import pytest
from batchroom import PILLARS, Room, answer
from endpoint import MODEL, Endpoint, Reply
from typer.testing import CliRunner

import cli
from pipeline.adapters.llm import batch
from pipeline.adapters.llm.batch_jobs import none_under_way, poll, submit
from pipeline.adapters.llm.kept import KeptAnswers
from pipeline.errors import EndpointError
from pipeline.ingest import take_in
from pipeline.pending import Pending

ALL = len(PILLARS)


def collect(room: Room, *, listen: bool = True) -> Pending:
    pending = Pending(room.workspace, room.settings(), listen=listen)
    intake = take_in(room.manifest, default_profile="senior-backend", consent=True, duration_of=lambda _: None)
    plan = pending.collect(intake, lambda *_: None)
    assert plan.faults == ()
    assert plan.requests == len(pending.llm.requests)
    return pending


def rows_of(paths: list[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def result(row: dict[str, Any]) -> dict[str, Any]:
    body = json.loads(answer(row["body"]).body)
    response = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": "b", "custom_id": row["custom_id"], "response": response, "error": None}


def failed(row: dict[str, Any], code: str, status: int | None = None) -> dict[str, Any]:
    response = None if status is None else {"status_code": status, "request_id": "r", "body": {"error": {"code": code}}}
    return {"id": "b", "custom_id": row["custom_id"], "response": response, "error": {"code": code, "message": "m"}}


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_body_in_the_file_is_what_a_live_call_sends(tmp_path: Path):
    with Room(tmp_path, ["one", "two"]) as room:
        pending = collect(room)
        paths = batch.write(tmp_path / "out", pending.llm)
        assert [path.name for path in paths] == ["requests-001.jsonl"]
        assert paths[0].stat().st_mode & 0o777 == 0o600
        written = rows_of(paths)
        assert {(row["method"], row["url"]) for row in written} == {("POST", "/v1/chat/completions")}
        assert room.server.received == []
        room.run(answer)
        key = lambda body: json.dumps(body, sort_keys=True)  # noqa: E731
        assert sorted(map(key, room.server.received)) == sorted(key(row["body"]) for row in written)
        assert {row["custom_id"] for row in written} == {kept["request"] and name for kept, name in named(room)}


def named(room: Room) -> list[tuple[dict[str, Any], str]]:
    return list(zip(room.kept(), sorted(KeptAnswers(room.workspace.llm).hashes()), strict=True))


def test_files_keep_to_both_limits(tmp_path: Path):
    with Room(tmp_path, ["one", "two"]) as room:
        llm = collect(room).llm
        by_count = batch.write(tmp_path / "count", llm, most_requests=3)
        assert [len(rows_of([path])) for path in by_count] == [3, 3, 2]
        most = max(len(line) for path in by_count for line in path.read_bytes().splitlines(keepends=True))
        by_bytes = batch.write(tmp_path / "bytes", llm, most_bytes=2 * most)
        assert all(path.stat().st_size <= 2 * most for path in by_bytes)
        assert len(rows_of(by_bytes)) == 8
        with pytest.raises(EndpointError, match="alone exceeds"):
            batch.write(tmp_path / "none", llm, most_bytes=100)


def test_row_34_results_in_any_order_and_state(tmp_path: Path):
    """Out of order, split over files, twice, unknown, missing, expired, failed, cancelled, broken rows."""
    with Room(tmp_path, ["one", "two", "three"]) as room:
        kept = KeptAnswers(room.workspace.llm)
        written = rows_of(batch.write(tmp_path / "out", collect(room).llm))
        assert len(written) == 12
        random.Random(3).shuffle(written)
        good, lost, expired, refused, cancelled = written[:6], written[6:8], written[8:9], written[9:11], written[11:]
        stranger = {**result(good[0]), "custom_id": "0123456789abcdef"}
        path_like = {**result(good[0]), "custom_id": "../../verbatim"}
        results = write_rows(
            tmp_path / "results.jsonl",
            [
                *map(result, good),
                stranger,
                path_like,
                result(good[0]),
                "not json\n",
                "[1]\n",
                "[" * 9999 + "]" * 9999 + "\n",
                "\n",
                '{"custom_id":7}\n',
            ],
        )
        errors = write_rows(
            tmp_path / "errors.jsonl",
            [failed(row, "batch_expired") for row in expired]
            + [failed(row, "server_error", 500) for row in refused]
            + [failed(row, "batch_cancelled") for row in cancelled],
        )
        for files in ([errors, results], [results, errors]):
            found = batch.read(files, kept)
            assert (found.unknown, found.broken, found.expired, found.failed) == (2, 4, 1, 3)
            assert found.taken + found.already == 7
            assert found.open == len(lost) + len(expired) + len(refused) + len(cancelled)
        again = rows_of(batch.write(tmp_path / "again", collect(room).llm))
        assert {r["custom_id"] for r in again} == {r["custom_id"] for r in (*lost, *expired, *refused, *cancelled)}
        found = batch.read([write_rows(tmp_path / "more.jsonl", [*map(result, again)])], kept)
        assert (found.taken, found.open) == (6, 0)
        assert {end.state for end in room.run(answer).values()} == {"done"}
        assert room.server.received == []
        assert len(room.rows("SELECT * FROM evidence")) == 3
        room.check()
        room.settled()


def test_a_bad_result_is_asked_for_again_in_the_next_round(tmp_path: Path):
    with Room(tmp_path) as room:
        kept = KeptAnswers(room.workspace.llm)
        written = rows_of(batch.write(tmp_path / "out", collect(room).llm))
        rows = [{"custom_id": row["custom_id"], "text": "Sure! Here it is."} for row in written[:1]]
        batch.read([write_rows(tmp_path / "r.jsonl", [*rows, *map(result, written[1:])])], kept)
        second = rows_of(batch.write(tmp_path / "second", collect(room).llm))
        assert len(second) == 1
        assert len(second[0]["body"]["messages"]) == 4
        assert second[0]["body"]["messages"][2]["content"] == "Sure! Here it is."
        text = '{"evidence":[],"probes":[]}'
        batch.read([write_rows(tmp_path / "r2.jsonl", [{"custom_id": second[0]["custom_id"], "text": text}])], kept)
        assert room.run(answer)["one"].state == "done"
        assert room.server.received == []
        room.settled()


def test_a_dry_run_and_a_prompt_shown_change_nothing(tmp_path: Path):
    with Room(tmp_path, ["one", "two"]) as room:
        toml = f'[llm]\nmodel = "{MODEL}"\nbase_url = "{room.server.url}"\npreflight = false\n'
        (room.workspace.folder / "verbatim.toml").write_text(toml + "input_price = 3.0\noutput_price = 15.0\n")
        runner = CliRunner()
        shown = runner.invoke(cli.app, ["run", str(room.manifest), "-w", str(room.workspace.folder), "--dry-run"])
        assert shown.exit_code == 0, shown.output
        assert f"2 interviews, 0 finished and unchanged. {2 * ALL} requests" in shown.stdout
        assert "at most 0." in shown.stdout
        prompts = runner.invoke(cli.app, ["run", str(room.manifest), "-w", str(room.workspace.folder), "--show-prompt"])
        sent = [json.loads(line)["body"] for line in prompts.stdout.splitlines()]
        assert len(sent) == 2 * ALL
        assert room.server.received == []
        assert room.rows("SELECT * FROM interviews") == []
        assert list(room.workspace.llm.iterdir()) == []


def test_the_verbs_of_a_batch(tmp_path: Path):
    with Room(tmp_path) as room:
        (room.workspace.folder / "verbatim.toml").write_text(
            f'[llm]\nmodel = "{MODEL}"\nbase_url = "{room.server.url}"\npreflight = false\n'
        )
        runner, where = CliRunner(), ["-w", str(room.workspace.folder)]
        out = tmp_path / "out"
        written = runner.invoke(cli.app, ["batch", "write", str(out), str(room.manifest), *where])
        assert written.exit_code == 0, written.output
        assert written.stdout.strip() == str(out / "requests-001.jsonl")
        rows = rows_of([out / "requests-001.jsonl"])
        results = write_rows(tmp_path / "results.jsonl", [*map(result, rows[1:])])
        read = runner.invoke(cli.app, ["batch", "read", str(results), *where, "--json"])
        assert json.loads(read.stdout) == {
            "taken": ALL - 1, "already": 0, "failed": 0, "expired": 0, "unknown": 0, "broken": 0, "open": 1,
        }  # fmt: skip
        gone = runner.invoke(cli.app, ["batch", "read", str(tmp_path / "no.jsonl"), *where])
        assert "cannot be read" in str(gone.exception)


class Service:
    """A batch service: files, batches, and a record of what was created."""

    def __init__(self, server: Endpoint) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.crash_after_create = False
        server.other = self.answer

    def answer(self, method: str, path: str, raw: bytes) -> Reply:
        path = path.split("?")[0].removeprefix("/v1/")
        if (method, path) == ("POST", "files"):
            name = f"file-{len(self.files)}"
            self.files[name] = raw.split(b"\r\n\r\n", 2)[-1]
            return self._json(
                {"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch"}
            )
        if (method, path) == ("POST", "batches"):
            name = f"batch-{len(self.batches)}"
            given = json.loads(raw)
            self.batches[name] = {
                "id": name, "object": "batch", "status": "in_progress", "endpoint": given["endpoint"], "created_at": 1,
                "input_file_id": given["input_file_id"], "completion_window": "24h", "metadata": given["metadata"],
            }  # fmt: skip
            return Reply(status=500) if self.crash_after_create else self._json(self.batches[name])
        if (method, path) == ("GET", "batches"):
            return self._json({"object": "list", "data": list(self.batches.values()), "has_more": False})
        if path.startswith("batches/"):
            return self._json(self.batches[path.split("/")[1]])
        return Reply(self.files[path.split("/")[1]])

    @staticmethod
    def _json(content: dict[str, Any]) -> Reply:
        return Reply(json.dumps(content).encode())


def test_row_35_a_batch_is_created_once_and_found_again(tmp_path: Path):
    with Room(tmp_path) as room:
        service, out, settings = Service(room.server), tmp_path / "out", room.settings().llm
        written = rows_of(batch.write(out, collect(room).llm))
        service.crash_after_create = True
        with pytest.raises(EndpointError, match="status 500"):
            anyio.run(submit, out, settings, print)
        service.crash_after_create = False
        (job,) = anyio.run(submit, out, settings, print)
        assert job.attached
        assert anyio.run(submit, out, settings, print) == [job]
        assert len(service.batches) == 1
        (job,) = anyio.run(poll, out, settings, print)
        assert (job.state, job.results) == ("in_progress", ())
        lines = [json.dumps(result(row)).encode() for row in written[1:]]
        service.files |= {"ok": b"\n".join(lines), "bad": json.dumps(failed(written[0], "batch_expired")).encode()}
        service.batches[job.batch_id] |= {"status": "expired", "output_file_id": "ok", "error_file_id": "bad"}
        (job,) = anyio.run(poll, out, settings, print)
        assert job.results == ("requests-001.results.jsonl", "requests-001.errors.jsonl")
        found = batch.read([out / name for name in job.results], KeptAnswers(room.workspace.llm))
        assert (found.taken, found.expired, found.open) == (ALL - 1, 1, 1)
        assert room.server.received == []


def test_a_batch_that_came_to_nothing_is_made_anew_when_its_file_is_written_again(tmp_path: Path):
    with Room(tmp_path) as room:
        service, out, settings = Service(room.server), tmp_path / "out", room.settings().llm
        batch.write(out, collect(room).llm)
        (first,) = anyio.run(submit, out, settings, print)
        with pytest.raises(EndpointError, match="is being answered"):
            none_under_way(out)
        service.batches[first.batch_id]["status"] = "completed"  # all its requests failed: there is no file of results
        anyio.run(poll, out, settings, print)
        none_under_way(out)
        assert anyio.run(submit, out, settings, print)[0].batch_id == first.batch_id, (
            "the same file is not paid for twice"
        )
        batch.write(out, collect(room).llm)
        (second,) = anyio.run(submit, out, settings, print)
        assert second.fingerprint == first.fingerprint
        assert second.batch_id != first.batch_id
        assert anyio.run(submit, out, settings, print) == [second]
        assert len(service.batches) == 2


def test_files_of_an_earlier_round_go(tmp_path: Path):
    with Room(tmp_path, ["one", "two"]) as room:
        batch.write(tmp_path / "out", collect(room).llm, most_requests=3)
        assert len(batch.write(tmp_path / "out", collect(room).llm)) == 1
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["requests-001.jsonl"]


def test_a_prompt_that_a_batch_finds_too_long_is_written_in_halves(tmp_path: Path):
    with Room(tmp_path, turns=16) as room:
        kept = KeptAnswers(room.workspace.llm)
        written = rows_of(batch.write(tmp_path / "out", collect(room).llm))
        code = "context_length_exceeded"
        file = write_rows(tmp_path / "e.jsonl", [failed(written[0], code, 400), *map(result, written[1:])])
        assert batch.read([file], kept).open == 0
        again = rows_of(batch.write(tmp_path / "again", collect(room).llm))
        assert len(again) == 2
        assert max(len(str(row["body"])) for row in again) < len(str(written[0]["body"]))
        batch.read([write_rows(tmp_path / "r.jsonl", [*map(result, again)])], kept)
        assert room.run(answer)["one"].state == "done"
        assert room.server.received == []


@pytest.mark.parametrize(
    "reply", [Reply(b"<html>", headers={"Content-Type": "text/html"}), Reply(b"{"), Reply(b"[]"), Reply(b'{"id":7}')]
)
def test_a_batch_service_that_is_none_is_one_named_error(tmp_path: Path, reply: Reply):
    with Room(tmp_path) as room:
        room.server.other = lambda *_: reply
        batch.write(tmp_path / "out", collect(room).llm)
        with pytest.raises(EndpointError, match=r"does not answer|no batch service"):
            anyio.run(submit, tmp_path / "out", room.settings().llm, print)
        (tmp_path / "out" / "batches.json").write_text('[{"file":')
        with pytest.raises(EndpointError, match="cannot be read"):
            anyio.run(poll, tmp_path / "out", room.settings().llm, print)


def test_polling_what_was_never_submitted(tmp_path: Path):
    with Room(tmp_path) as room, pytest.raises(EndpointError, match="no submitted batch"):
        anyio.run(poll, tmp_path, room.settings().llm, print)
