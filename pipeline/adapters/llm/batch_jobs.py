"""Hand request files to a hosted batch service and fetch what it made of them.

A batch carries its file's fingerprint as metadata and is looked for before one is created, so that a crash between
creating a batch and noting its id never pays twice. batches.json beside the files remembers the ids. A file that was
written again after its batch had ended is a new batch: what failed or expired is asked for once more.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.adapters.llm.address import find_key
from pipeline.adapters.llm.batch import fingerprint
from pipeline.adapters.llm.live import Say
from pipeline.adapters.llm.opening import resolve
from pipeline.adapters.llm.post import connect
from pipeline.errors import EndpointError
from pipeline.plain import plain_line
from pipeline.records import Record
from pipeline.settings import Llm
from pipeline.workspace import write_private

if TYPE_CHECKING:
    from openai import AsyncOpenAI

TAG = "verbatim_requests"
NOTED = "batches.json"
ENDED = frozenset(["completed", "expired", "cancelled", "failed"])


class Job(Record):
    """One request file at the service. `results` are names of files fetched into the folder."""

    file: str
    fingerprint: str
    batch_id: str
    state: str
    attached: bool = False
    results: tuple[str, ...] = ()


async def submit(folder: Path, settings: Llm, say: Say) -> list[Job]:
    """Create a batch for each requests-*.jsonl of the folder that has none, or find the one that it has."""
    jobs = {job.file: job for job in _load(folder)}
    noted_ns = (folder / NOTED).stat().st_mtime_ns if jobs else 0
    async with _service(settings, say) as client:
        for path in sorted(folder.glob("requests-*.jsonl")):
            mark = fingerprint(path)
            job = jobs.get(path.name)
            again = job is not None and job.state in ENDED and path.stat().st_mtime_ns > noted_ns
            if job is not None and job.fingerprint == mark and not again:
                continue
            found = await _find(client, mark, {job.batch_id for job in jobs.values() if job.state in ENDED})
            if found is None:
                with path.open("rb") as file:
                    uploaded = await client.files.create(file=file, purpose="batch")
                batch = await client.batches.create(
                    input_file_id=uploaded.id,
                    endpoint="/v1/chat/completions",
                    completion_window="24h",
                    metadata={TAG: mark},
                )
                found = Job(file=path.name, fingerprint=mark, batch_id=batch.id, state=batch.status)
            jobs[path.name] = found.model_copy(update={"file": path.name})
            _save(folder, list(jobs.values()))
    return list(jobs.values())


async def poll(folder: Path, settings: Llm, say: Say) -> list[Job]:
    """Ask after each batch; fetch the files of those that ended."""
    jobs = _load(folder)
    if not jobs:
        raise EndpointError(f"{folder} has no submitted batch.", next_step=f"verbatim batch submit {folder}")
    async with _service(settings, say) as client:
        for i, job in enumerate(jobs):
            if job.state in ENDED and job.results:
                continue
            batch = await client.batches.retrieve(job.batch_id)
            results = list(job.results)
            if batch.status in ENDED:
                stem = job.file.removesuffix(".jsonl")
                for kind, file_id in (("results", batch.output_file_id), ("errors", batch.error_file_id)):
                    if file_id:
                        content = await client.files.content(file_id)
                        write_private(folder / f"{stem}.{kind}.jsonl", content.content)
                        results.append(f"{stem}.{kind}.jsonl")
            jobs[i] = job.model_copy(update={"state": batch.status, "results": tuple(dict.fromkeys(results))})
            _save(folder, jobs)
    return jobs


def none_under_way(folder: Path) -> None:
    """Raises EndpointError while a batch of the folder is not known to have ended: its requests are still open."""
    for job in _load(folder):
        if job.state not in ENDED:
            raise EndpointError(
                f"{folder / job.file} is being answered (batch {plain_line(job.batch_id)}).",
                kept="its requests, which new files would ask for a second time.",
                next_step=f"verbatim batch poll {folder}",
            )


async def _find(client: AsyncOpenAI, mark: str, ended: set[str]) -> Job | None:
    """A batch of that file which still may answer; `ended` are those that did all they could."""
    async for batch in client.batches.list(limit=100):
        if batch.id in ended or batch.status in ("failed", "cancelled", "expired"):
            continue
        if (batch.metadata or {}).get(TAG) == mark:
            return Job(file="", fingerprint=mark, batch_id=batch.id, state=batch.status, attached=True)
    return None


@asynccontextmanager
async def _service(settings: Llm, say: Say) -> AsyncIterator[AsyncOpenAI]:
    import openai

    _, address, profile = resolve(settings)
    key = find_key(address, profile.key_env)
    if not address.local:
        say(f"Transcripts go to {address.host} (batch service).")
    client = connect(address.endpoint, key, deadline_s=settings.deadline_s, local=address.local, files=True)
    try:
        yield client
    except openai.APIStatusError as error:
        raise EndpointError(
            f"{address.host} refused (status {error.status_code}); it may have no batch service.",
            kept="the request files and every noted batch.",
            next_step="run the same command again, or verbatim run without batches.",
        ) from None
    except (openai.OpenAIError, ValueError, TypeError, AttributeError):  # a page instead of JSON comes as a string
        raise EndpointError(
            f"{address.host} does not answer as a batch service.",
            kept="the request files and every noted batch.",
            next_step="try again.",
        ) from None
    finally:
        await client.close()


def _load(folder: Path) -> list[Job]:
    path = folder / NOTED
    if not path.exists():
        return []
    try:
        return [Job.model_validate(job) for job in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError):
        raise EndpointError(
            f"{path} cannot be read.",
            kept="the request files; their batches are found again by what is in them.",
            next_step=f"move {path} away and run verbatim batch submit {folder}.",
        ) from None


def _save(folder: Path, jobs: list[Job]) -> None:
    write_private(folder / NOTED, json.dumps([job.model_dump() for job in jobs], indent=1).encode())
