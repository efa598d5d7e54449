"""What a run has to do: what was taken in against what the record holds, by content hash.

An interview whose inputs, settings, prompts and rubric did not change is not done again. A refused entry does not run,
not even as it stood before: its consent may have been withdrawn. Finished work stays finished when its recording was
deleted since, or the speech model is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.adapters.store import record
from pipeline.adapters.store.desk import Desk
from pipeline.chunk import VERSION as CHUNK_VERSION
from pipeline.errors import ManifestError, StoreError, VerbatimError
from pipeline.hashing import content_hash
from pipeline.ingest import Intake, Refusal, typed
from pipeline.lines import VERSION as LINES_VERSION
from pipeline.listen import Listener
from pipeline.ports import Extractor, Transcriber
from pipeline.prompting import load_rubric
from pipeline.records import Interview, Record, Recording, Role
from pipeline.rubric import Rubric
from pipeline.settings import Settings
from pipeline.speakers import VERSION as SPEAKERS_VERSION
from pipeline.verify import VERSION as VERIFY_VERSION
from pipeline.workspace import Workspace

DERIVE_VERSION = (LINES_VERSION, CHUNK_VERSION, SPEAKERS_VERSION, VERIFY_VERSION)


class Ending(Record):
    """How one interview ended in this run: done, unchanged, or failed with reason and retry."""

    interview_id: str
    state: str
    stage: str = ""
    reason: str | None = None
    retry: str | None = None
    seconds: float = 0.0


class Todo(Record):
    """An interview with what is known about it before work starts."""

    interview: Interview
    files: tuple[Recording, ...]
    confirmed: dict[str, Role]
    moved_lines: tuple[tuple[int, int, str], ...]
    key: str
    points: str


class Worklist:
    """Tells what there is to do. Reads files and the record; notes refusals and failures."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        store: Desk,
        listener: Listener,
        transcriber: Transcriber,
        extractor: Extractor,
    ) -> None:
        self.where = f"-w {typed(workspace.folder)}"
        self.settings = settings
        self.store = store
        self.listener = listener
        self.transcriber = transcriber
        self.extractor = extractor
        self._rubrics: dict[str, Rubric] = {}

    def of(self, intake: Intake, *, only: Sequence[str] = (), force: bool = False) -> tuple[list[Ending], list[Todo]]:
        """Take the intake in; what ends without work, and what there is to do. `only` limits it to some interviews."""
        refusals = self._refused(intake)
        known, finished = self._note(intake, refusals, only)
        endings = [
            Ending(interview_id=r.interview_id, state="failed", stage=record.REFUSED, **_why(r)) for r in refusals
        ]
        fresh: list[Todo] = []
        owners = self._owners()
        for entry in known:  # may read every new recording once, so the database is not held meanwhile
            name = entry.interview.interview_id
            try:
                item = self.look(entry)
                _claim(item, owners)
            except (VerbatimError, OSError) as error:
                kept = name in finished and not force
                endings.append(
                    Ending(interview_id=name, state="unchanged", reason=reason_of(error))
                    if kept
                    else self.failed(name, "ingest", error)
                )
                continue
            if finished.get(name) == item.key and not force:
                endings.append(Ending(interview_id=name, state="unchanged"))
            else:
                fresh.append(item)
        return endings, fresh

    def _owners(self) -> dict[str, Interview]:
        """Whose interview each finished recording is, by its SHA-256."""
        with self.store.session() as db:
            known = record.known_interviews(db)
        return {f.sha256: k.interview for k in reversed(known) for f in k.recordings if f.kind == "audio"}

    def _refused(self, intake: Intake) -> list[Refusal]:
        """The intake's refusals, and entries whose id the record holds for other recordings in another folder."""
        with self.store.session() as db:
            before = {known.interview.interview_id: known for known in record.known_interviews(db)}
        refusals = list(intake.refusals)
        for interview in intake.interviews:
            known = before.get(interview.interview_id)
            if known is None or not known.recordings or known.interview.folder == interview.folder:
                continue
            try:
                found = {recording.sha256 for recording in self.listener.files(interview, ())}
            except (VerbatimError, OSError):
                continue  # it ends as failed when its turn comes
            if not found & {recording.sha256 for recording in known.recordings}:
                refusals.append(
                    Refusal(
                        interview_id=interview.interview_id,
                        reason=f"interview_id: {interview.interview_id} is already another interview in this workspace",
                        retry="give it an id of its own in a manifest (docs/manifest.md), then: verbatim run MANIFEST",
                    )
                )
        return [r.model_copy(update={"retry": f"{r.retry} {self.where}"}) for r in refusals]

    def _note(
        self, intake: Intake, refusals: Sequence[Refusal], only: Sequence[str]
    ) -> tuple[list[record.Known], dict[str, str]]:
        refused = {refusal.interview_id for refusal in refusals}
        with self.store.session() as db, db.transaction():
            record.forget_refusals(db, [f"{source} {self.where}" for source in intake.sources])
            record.register(db, [i for i in intake.interviews if i.interview_id not in refused])
            for r in refusals:
                record.mark(db, r.interview_id, "failed", stage=record.REFUSED, reason=r.reason, retry=r.retry)
            known = record.known_interviews(db, only)
            finished = record.finished_keys(db)
        nobody = set(only) - {k.interview.interview_id for k in known} - refused
        if nobody:
            raise StoreError(f"there is no interview {min(nobody)!r} here.", next_step=f"verbatim status {self.where}")
        return [k for k in known if not k.refused], finished

    def look(self, known: record.Known, points: str | None = None, *, files: Sequence[Recording] | None = None) -> Todo:
        """What there is to do for an entry.

        `points` stands in for the fingerprint of the configured extractor, `files` for a look at the disk.
        """
        points = points or self.extractor.fingerprint(self.rubric(known.interview))
        files = self.listener.files(known.interview, known.recordings) if files is None else files
        return Todo(
            interview=known.interview,
            files=tuple(files),
            confirmed=known.confirmed,
            moved_lines=known.moved_lines,
            key=self.key(known, files, points),
            points=points,
        )

    def key(self, known: record.Known, files: Sequence[Recording], points: str) -> str:
        """Hash of all that shapes what an interview gives; finished with the same key means nothing to do."""
        layout = self.settings.extract.model_dump(include={"chunk_lines", "margin_turns"})
        hears = self.transcriber.fingerprint() if any(f.kind == "audio" for f in files) else ""
        entry = known.interview.model_dump(mode="json", exclude={"folder"})
        given = [entry, sorted((f.path, f.sha256) for f in files), known.confirmed, known.moved_lines]
        return content_hash(given, hears, points, self.rubric(known.interview).hash, layout, DERIVE_VERSION)

    def rubric(self, interview: Interview) -> Rubric:
        """The interview's rubric, read once."""
        if interview.role_profile not in self._rubrics:
            self._rubrics[interview.role_profile] = load_rubric(interview.role_profile)
        return self._rubrics[interview.role_profile]

    def failed(self, name: str, stage: str, error: Exception) -> Ending:
        """Note a failure with its reason and the command that tries again."""
        reason = reason_of(error)
        retry = f"verbatim run {self.where} --interview {name}"
        with self.store.session() as db:
            record.mark(db, name, "failed", stage=stage, reason=reason, retry=retry)
        return Ending(interview_id=name, state="failed", stage=stage, reason=reason, retry=retry)


def _claim(item: Todo, owners: dict[str, Interview]) -> None:
    """Note whose recordings these are. Raises ManifestError where one is another candidate's: words must not change
    hands because two entries name the same bytes."""
    sounds = [file for file in item.files if file.kind == "audio"]
    for file in sounds:
        owner = owners.get(file.sha256, item.interview)
        if owner.candidate_id != item.interview.candidate_id:
            raise ManifestError(f"{file.path} is the recording of {owner.interview_id}, which is another candidate's")
    owners.update((file.sha256, item.interview) for file in sounds if file.sha256 not in owners)


def _why(refusal: Refusal) -> dict[str, str]:
    return {"reason": refusal.reason, "retry": refusal.retry}


def reason_of(error: Exception) -> str:
    """Why something failed, in words that hold nothing from a recording."""
    if isinstance(error, VerbatimError):
        return error.what
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" in {frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}" if frame else ""
    return f"unexpected {type(error).__name__}{place}; please report it"
