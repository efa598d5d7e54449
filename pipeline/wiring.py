"""Which adapter stands behind which port: settings in, a transcriber and an extractor out. The one place that picks."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.adapters.offline import OfflineExtractor
from pipeline.adapters.store import record
from pipeline.extract import ModelExtractor, read_example, render_examples
from pipeline.ports import AnyLLM, Extractor, Prefilter, Transcriber
from pipeline.prompting import load_examples, load_rubric, load_template
from pipeline.records import Chunk, Extraction, Interview, Line, Role
from pipeline.rubric import Rubric
from pipeline.settings import Settings
from pipeline.workspace import Workspace

AHEAD = 16  # requests that wait for a place at the endpoint, ready to go; further ones would only take memory


def make_transcriber(settings: Settings) -> Transcriber:
    """The speech recogniser of the settings."""
    from pipeline.adapters.whisper import WhisperSettings, WhisperTranscriber

    chosen = settings.transcribe.model_dump(exclude={"max_hours"})
    return WhisperTranscriber(WhisperSettings(**chosen))


def make_extractor(settings: Settings, workspace: Workspace, llm: AnyLLM | None = None) -> Extractor:
    """The model when one is configured, else the offline extractor; `llm` stands in for the configured endpoint."""
    chosen = settings.extract.extractor
    if chosen == "offline" or (chosen == "auto" and settings.llm.model is None):
        return OfflineExtractor()
    from pipeline.adapters.llm import open_llm

    template = load_template(settings.extract.template)
    examples = [read_example(table) for table in load_examples(template.examples)] if template.examples else []
    llm = llm or open_llm(settings.llm, workspace)
    hides = settings.llm.redact == "on" or (settings.llm.redact == "auto" and not llm.local)

    def names_of(interview_id: str) -> list[str]:
        with workspace.store().session() as db:
            return [*settings.llm.redact_names, *known_names(record.load_interview(db, interview_id).interview)]

    return ModelExtractor(
        llm,
        template,
        render_examples(examples, load_rubric(settings.extract.rubric), template.answer),
        names_of=names_of if hides else None,
        support_check=settings.llm.support_check,
        against_pass=settings.llm.against_pass,
        turn_down=llm.turn_down,
        prefilter=_prefilter(settings.extract.prefilter),
        ready=settings.llm.concurrency + AHEAD,
    )


def _prefilter(least: float) -> Prefilter | None:
    from pipeline.adapters.offline import OfflinePrefilter

    return OfflinePrefilter(least) if least else None


def known_names(interview: Interview) -> list[str]:
    """What the manifest tells of people's names; speaker labels come with the lines."""
    return [*interview.names, interview.candidate_id, *interview.interviewers]


class StoredDrafts:
    """The Extractor that points where a model pointed before."""

    def __init__(self, stored: Extraction) -> None:
        self.name, self.model = stored.extractor, stored.model
        self.stored = stored

    def fingerprint(self, rubric: Rubric) -> str:
        """The prompt that was used."""
        return self.stored.prompt_hash

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        """The stored drafts; the verifier decides anew."""
        return self.stored
