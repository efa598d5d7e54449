"""What a run would ask: the same stages as a run, in front of an LLM that only takes notes.

A second round can follow the first: answers that cannot be read, or second passes, are known only once the first
answers are in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import TYPE_CHECKING

import anyio

from pipeline.adapters.llm.budget import estimate_tokens
from pipeline.adapters.llm.envelope import characters
from pipeline.adapters.llm.kept import KeptAnswers
from pipeline.adapters.llm.pending import PendingLLM
from pipeline.adapters.store import record
from pipeline.errors import AnswerError, ModelMissingError, VerbatimError
from pipeline.extract import ModelExtractor
from pipeline.ingest import Intake
from pipeline.records import Record
from pipeline.runner import Runner
from pipeline.settings import Settings
from pipeline.wiring import known_names, make_extractor, make_transcriber
from pipeline.worklist import Todo
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable as Call

    from pipeline.ports import Transcriber
    from pipeline.records import Heard

LINES_PER_HOUR = 900  # of talk, for recordings that were not listened to yet
CHARACTERS_PER_LINE = 70
Progress = Callable[[str, float, float], None]


class Plan(Record):
    """What a run would ask. `guessed` interviews were not listened to yet and are counted by their length alone."""

    interviews: int
    finished: int
    guessed: int
    requests: int
    input_tokens: int
    most_output_tokens: int
    cost: float
    currency: str
    faults: tuple[str, ...] = ()


class _NotHeardYet(ModelMissingError):
    pass


class _KeptOnly:
    """A transcriber that hears nothing new: what is kept in asr/ is used, everything else is left for a run."""

    def __init__(self, real: Transcriber) -> None:
        self.real = real

    def fingerprint(self) -> str:
        return self.real.fingerprint()

    def prepare(self) -> None:
        pass

    def hear(self, samples: object, *, speaker: str, on_progress: Call[[float, float], None] | None = None) -> Heard:
        raise _NotHeardYet("not listened to yet")


class Pending:
    """The requests that a run would send now, and the plan around them."""

    def __init__(self, workspace: Workspace, settings: Settings, *, listen: bool) -> None:
        self.settings = settings
        self.listen = listen
        self.llm = PendingLLM(settings.llm, KeptAnswers(workspace.llm))
        forced = settings.model_copy(update={"extract": settings.extract.model_copy(update={"extractor": "model"})})
        transcriber = make_transcriber(settings)
        self.runner = Runner(
            workspace,
            forced,
            transcriber=transcriber if listen else _KeptOnly(transcriber),
            extractor=make_extractor(forced, workspace, self.llm),
        )

    def collect(self, intake: Intake, progress: Progress, *, only: Sequence[str] = (), force: bool = False) -> Plan:
        """Go through every unfinished interview of the workspace and of `intake` as far as the first open answer.

        With `listen`, new recordings are transcribed and known to the workspace from then on; without, nothing changes.
        """
        faults = [f"{refusal.interview_id}: {refusal.reason}" for refusal in intake.refusals]
        known, finished = self._known(intake, only)
        self._hide_names(known)
        guessed: list[Todo] = []
        done = 0
        for entry in known:
            name = entry.interview.interview_id
            try:
                item = self.runner.worklist.look(entry)
                if not force and finished.get(name) == item.key:
                    done += 1
                    continue
                said = self.runner.listener.listen(item.interview, item.files, progress)
                anyio.run(self.runner.derive, item, said)
            except _NotHeardYet:
                guessed.append(item)
            except AnswerError:
                pass  # an answer is open, or a kept one cannot be read and is asked for again
            except VerbatimError as error:
                faults.append(f"{name}: {error.what}")
        return self._plan(len(known), done, guessed, faults)

    def _known(self, intake: Intake, only: Sequence[str]) -> tuple[list[record.Known], dict[str, str]]:
        new = {i.interview_id: i for i in intake.interviews if not only or i.interview_id in only}
        with self.runner.store.session() as db:
            if self.listen:
                record.register(db, intake.interviews)
            known = {k.interview.interview_id: k for k in record.known_interviews(db, only)}
            finished = record.finished_keys(db)
        for name, interview in new.items():
            before = known.get(name, record.Known(interview=interview, confirmed={}))
            known[name] = before.model_copy(update={"interview": interview})
        return [known[name] for name in sorted(known)], finished

    def _hide_names(self, known: Sequence[record.Known]) -> None:
        """Names come from the entries at hand, which a dry run does not put into the database."""
        extractor = self.runner.extractor
        if isinstance(extractor, ModelExtractor) and extractor.names_of is not None:
            entries = {k.interview.interview_id: k.interview for k in known}
            given = self.settings.llm.redact_names
            extractor.names_of = lambda name: [*given, *known_names(entries[name])]

    def _plan(self, interviews: int, finished: int, guessed: list[Todo], faults: list[str]) -> Plan:
        ratio = self.llm.checked.get("tokens_per_character")
        sizes = [characters(request) for request in self.llm.requests.values()]
        sizes += [size for item in guessed for size in self._guess(item)]
        asked = sum(estimate_tokens(size, ratio) for size in sizes)
        most = len(sizes) * self.settings.llm.max_output_tokens
        llm, profile = self.settings.llm, self.llm.profile
        prices = (llm.input_price or profile.input_price, llm.output_price or profile.output_price)
        return Plan(
            interviews=interviews,
            finished=finished,
            guessed=len(guessed),
            requests=len(sizes),
            input_tokens=asked,
            most_output_tokens=most,
            cost=round((asked * prices[0] + most * prices[1]) / 1e6, 4),
            currency=profile.currency,
            faults=tuple(faults),
        )

    def _guess(self, item: Todo) -> list[int]:
        """Sizes of the prompts that an unheard interview will need, from its length."""
        from pathlib import Path

        from pipeline.adapters.media import probe
        from pipeline.ingest import resolve

        folder = Path(item.interview.folder)
        hours = max((probe(resolve(folder, f.path)).duration_s or 0.0) / 3600 for f in item.files if f.kind == "audio")
        layout = self.settings.extract
        lines = max(1, round(hours * LINES_PER_HOUR))
        core = layout.chunk_lines - 2 * (layout.chunk_lines // 8)
        pillars = self.runner.worklist.rubric(item.interview).pillars
        fixed = 4_000  # instructions, examples and a pillar
        return [fixed + min(lines, layout.chunk_lines) * CHARACTERS_PER_LINE] * (ceil(lines / core) * len(pillars))
