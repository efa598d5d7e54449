"""The whole way on one screen: recording -> transcript -> lines -> chunks -> drafts -> evidence -> DuckDB.

    files      worklist    what is to be done, by content hash
    listen     listen      words with times and speakers; each finished stream is kept in asr/
    derive     lines, speakers, chunk, extract, verify, coverage: pure, and quick to do again
    save       store       one transaction an interview

One recording is heard at a time in a worker thread, while earlier interviews wait for their model answers. An
interview whose inputs, settings, prompts and rubric did not change is skipped. Any fault is the interview's own: it
ends as failed with a reason and a command, and the others go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import anyio
import anyio.to_thread

from pipeline.adapters.offline import OfflineExtractor
from pipeline.adapters.store import record
from pipeline.adapters.store.desk import Desk
from pipeline.adapters.store.stored import load_stored
from pipeline.chunk import cut_chunks
from pipeline.coverage import cover
from pipeline.errors import RunStopError, VerbatimError
from pipeline.extract import ModelExtractor
from pipeline.ingest import Intake
from pipeline.injection import speaks_to_machine
from pipeline.lines import assemble, cut_lines, respeak
from pipeline.listen import Listener, Said
from pipeline.ports import Extractor, Transcriber
from pipeline.records import (
    Derived,
    Flag,
    Interview,
    Line,
    ModelCall,
    Place,
    Recording,
    Role,
    Speaker,
    Transcript,
)
from pipeline.settings import Settings
from pipeline.speakers import assign_roles, swap_alarm
from pipeline.transcribe import known_roles
from pipeline.verify import verify
from pipeline.wiring import StoredDrafts, make_extractor, make_transcriber
from pipeline.worklist import Ending, Todo, Worklist
from pipeline.workspace import Workspace

BATCH_WAIT_S = 300.0  # a night's work must not fail because reviewers were at the database
AT_ONCE = 16  # interviews that wait for answers together; bounds memory


# flags that are derived from lines and roles, and the one that says a model was asked under other roles
DERIVED_FLAGS = frozenset({"roles_may_be_swapped", "role_of_nobody", "no_candidate", "speaks_to_machine"})
ASKED_BEFORE = "asked_under_other_roles"


class Watcher(Protocol):
    """Told of progress; draws it or keeps silent."""

    def stage(self, interview_id: str, stage: str, done: float, total: float) -> None:
        """`done` of `total` in a stage, in the stage's own unit."""
        ...

    def ended(self, ending: Ending) -> None:
        """An interview is done, unchanged or failed."""
        ...


class Runner:
    """A workspace, its settings and the adapters, ready to run a batch."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        *,
        transcriber: Transcriber | None = None,
        extractor: Extractor | None = None,
        version: str = "",
    ) -> None:
        self.workspace = workspace
        self.settings = settings
        self.store = Desk(workspace.store(wait_s=BATCH_WAIT_S), least_s=0.0)
        self.transcriber = transcriber or make_transcriber(settings)
        self.extractor = extractor or make_extractor(settings, workspace)
        self.version = version
        self.run_id = f"run-{datetime.now(UTC):%Y%m%dT%H%M%S}-{time.monotonic_ns() % 10**6:06d}"
        self.stop = threading.Event()
        self.stopped: RunStopError | None = None
        self.listener = Listener(
            workspace,
            self.transcriber,
            language=settings.transcribe.language,
            max_hours=settings.transcribe.max_hours,
        )
        self.worklist = Worklist(workspace, settings, self.store, self.listener, self.transcriber, self.extractor)

    def run(self, intake: Intake, watcher: Watcher, *, only: Sequence[str] = (), force: bool = False) -> list[Ending]:
        """Run the intake and everything unfinished in the workspace; `only` limits it to some interviews.

        Raises RunStopError when the endpoint or a cap ended the run; what is finished by then is kept.
        """
        self.workspace.sweep()
        try:
            endings, fresh = self.worklist.of(intake, only=only, force=force)
            for ending in endings:
                watcher.ended(ending)
            if fresh:
                endings += anyio.run(self._run, fresh, watcher)
        except BaseExceptionGroup as group:  # a task's error comes wrapped; the store's, for one, ends the run
            raise _first(group) from None
        finally:
            self.store.close()
        if self.stopped is not None:
            raise self.stopped
        return sorted(endings, key=lambda ending: ending.interview_id)

    def used(self) -> str:
        """What a model took in this run, in one line; empty when none was asked."""
        return self.extractor.used() if isinstance(self.extractor, ModelExtractor) else ""

    async def _run(self, todo: Sequence[Todo], watcher: Watcher) -> list[Ending]:
        endings: list[Ending] = []
        slots = anyio.Semaphore(AT_ONCE)

        async def finish(item: Todo, said: Said, started: float) -> None:
            try:
                endings.append(await self._finish(item, said, started, watcher))
            except RunStopError as stop:
                self.stopped = self.stopped or stop
                group.cancel_scope.cancel()
            finally:
                slots.release()

        try:
            async with anyio.create_task_group() as group:
                for item in todo:
                    await slots.acquire()
                    if isinstance(self.extractor, ModelExtractor) and all(f.kind == "transcript" for f in item.files):
                        await self.extractor.caught_up()  # reading is quick; earlier, it would hold up the requests
                    started = time.perf_counter()
                    said = await self._listen(item, watcher, endings)
                    if said is None:
                        slots.release()
                    else:
                        group.start_soon(finish, item, said, started)
        finally:
            self.stop.set()
            if isinstance(self.extractor, ModelExtractor):
                self._count(self.extractor.unsaved)
                with anyio.CancelScope(shield=True):
                    await self.extractor.aclose()
        return endings

    async def _listen(self, item: Todo, watcher: Watcher, endings: list[Ending]) -> Said | None:
        name = item.interview.interview_id

        def progress(stage: str, done: float, total: float) -> None:
            if self.stop.is_set():
                raise KeyboardInterrupt  # the person left; the thread must not hold the program
            watcher.stage(name, stage, done, total)

        try:
            return await anyio.to_thread.run_sync(
                self.listener.listen, item.interview, item.files, progress, abandon_on_cancel=True
            )
        except Exception as error:
            ending = await anyio.to_thread.run_sync(self.worklist.failed, name, "listen", error)
            endings.append(ending)
            watcher.ended(ending)
            return None

    async def _finish(self, item: Todo, said: Said, started: float, watcher: Watcher) -> Ending:
        name = item.interview.interview_id
        try:
            watcher.stage(name, "point", 0, 1)
            derived = await self.derive(item, said)
            seconds = round(time.perf_counter() - started, 3)
            await anyio.to_thread.run_sync(self._save, item, seconds, derived)  # the turn at the database may take long
        except RunStopError:
            raise  # nobody's fault here: the interview stays to be done
        except Exception as error:
            ending = await anyio.to_thread.run_sync(self.worklist.failed, name, "derive", error)
        else:
            ending = Ending(interview_id=name, state="done", stage="stored", seconds=seconds)
        watcher.ended(ending)
        return ending

    async def derive(self, item: Todo, said: Said) -> Derived:
        """Everything after the words are known; nothing in here is slow but the model."""
        transcript = assemble(
            item.interview.interview_id,
            said.utterances,
            source=said.source,
            language=said.language,
            duration_s=said.duration_s,
        )
        return await self._prove(item, transcript, said.recordings, said.places, said.flags, self.extractor)

    async def _prove(
        self,
        item: Todo,
        transcript: Transcript,
        recordings: Sequence[Recording],
        places: dict[str, Place],
        flags: Sequence[Flag],
        extractor: Extractor,
    ) -> Derived:
        interview, rubric, layout = item.interview, self.worklist.rubric(item.interview), self.settings.extract
        lines = respeak(cut_lines(transcript), item.moved_lines)
        speakers = _with_roles(interview, lines, item.confirmed)
        roles = {speaker.speaker: speaker.role for speaker in speakers}
        chunks = cut_chunks(lines, chunk_lines=layout.chunk_lines, margin_turns=layout.margin_turns)
        extraction = await extractor.extract(interview.interview_id, lines, roles, chunks, rubric)
        verified = verify(transcript.transcript_hash, lines, roles, chunks, rubric, extraction)
        assessable = not any(flag.kind == ASKED_BEFORE for flag in flags)
        coverage = cover(rubric, lines, roles, verified.evidence, verified.probes, assessable=assessable)
        return Derived(
            interview=interview,
            recordings=tuple(recordings),
            transcript=transcript,
            lines=tuple(lines),
            speakers=tuple(speakers),
            places=places,
            extraction=extraction,
            verified=verified,
            coverage=tuple(coverage),
            flags=(*flags, *_doubts(interview, lines, roles)),
        )

    def reprove(self, interview_id: str) -> Derived:
        """Derive an interview's evidence again from what is stored, after a person corrected roles or speakers.

        Nothing is transcribed and no model is asked: what a model pointed at is proved again under the new roles. When
        lines became the candidate's that the model saw as somebody else's, a flag says so and gaps are not assessable.
        """
        with self.store.session() as db:
            known = record.load_interview(db, interview_id)
            before = load_stored(db, interview_id)
        flags = [flag for flag in before.flags if flag.kind not in DERIVED_FLAGS]
        extractor: Extractor
        if before.extraction.extractor == OfflineExtractor.name:
            extractor = OfflineExtractor()
            points = extractor.fingerprint(self.worklist.rubric(known.interview))
            item = self.worklist.look(known, points, files=before.recordings)
        else:
            extractor = StoredDrafts(before.extraction)
            item = self.worklist.look(known, before.points, files=before.recordings)
            lines = respeak(cut_lines(before.transcript), item.moved_lines)
            now = {s.speaker: s.role for s in _with_roles(item.interview, lines, item.confirmed)}
            if any(now.get(n.speaker) == "candidate" and n.line not in before.candidate_lines for n in lines):
                flags.append(Flag(kind=ASKED_BEFORE, detail="some of the candidate's lines were shown as another's"))
        started = time.perf_counter()
        derived = anyio.run(self._prove, item, before.transcript, before.recordings, before.places, flags, extractor)
        self._save(item, round(time.perf_counter() - started, 3), derived)
        return derived

    def _save(self, item: Todo, seconds: float, derived: Derived) -> None:
        with self.store.session() as db:
            record.start_run(db, self.run_id, self.version, self.settings.model_dump(mode="json"))
            record.save(db, self.run_id, item.key, item.points, seconds, derived)

    def _count(self, unsaved: dict[str, list[ModelCall]]) -> None:
        """Count what was asked for interviews that did not end well."""
        if any(unsaved.values()):
            with self.store.session() as db:
                record.start_run(db, self.run_id, self.version, self.settings.model_dump(mode="json"))
                for name, calls in unsaved.items():
                    record.spend(db, self.run_id, name, calls)
        unsaved.clear()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that a person can do something about, else the first."""
    leaves = [_first(error) if isinstance(error, BaseExceptionGroup) else error for error in group.exceptions]
    return next((leaf for leaf in leaves if isinstance(leaf, VerbatimError)), leaves[0])


def _with_roles(interview: Interview, lines: Sequence[Line], confirmed: Mapping[str, Role]) -> list[Speaker]:
    given = known_roles(interview, {})
    speakers = assign_roles(lines, {**given, **confirmed}, "manifest")
    return [
        s.model_copy(update={"source": "confirmed", "reason": "given by a person"}) if s.speaker in confirmed else s
        for s in speakers
    ]


def _doubts(interview: Interview, lines: Sequence[Line], roles: Mapping[str, Role]) -> list[Flag]:
    alarm = swap_alarm(lines, roles)
    nobody = sorted(set(known_roles(interview, {})) - set(roles))
    return [
        *([alarm] if alarm else []),
        *(Flag(kind="role_of_nobody", detail=f"nobody heard is labelled {label!r}") for label in nobody),
        *([] if "candidate" in roles.values() else [Flag(kind="no_candidate", detail="no speaker is the candidate")]),
        *speaks_to_machine(lines),
    ]
