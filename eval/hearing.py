"""The tasks on sound: transcribe (word error rate) and speakers (words with the right role), on the demo interviews.

Streams that the workspace has heard before are not heard again, so with a demo workspace this takes seconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from eval.dataset import Sample
from eval.metrics import role_accuracy, word_error_rate
from eval.metrics.interval import Count
from eval.results import Item, TaskResult, measured
from eval.spoken import EXAMPLES, load_spoken
from pipeline.errors import MissingExtraError, VerbatimError
from pipeline.records import HeardWord, Role


class Hearing(NamedTuple):
    """A spoken interview and the words that were heard in it, each with the role it was given."""

    sample: Sample
    words: tuple[tuple[Role, HeardWord], ...]


def listen(workspace: Path | None) -> list[Hearing]:
    """Hear the demo with the production listener. Raises VerbatimError when no speech model is in reach."""
    with tempfile.TemporaryDirectory() as scratch:
        return [_hear(sample, workspace or Path(scratch)) for sample in load_spoken()]


def _hear(sample: Sample, folder: Path) -> Hearing:
    from pipeline.ingest import take_in
    from pipeline.listen import Listener
    from pipeline.settings import load_settings
    from pipeline.transcribe import known_roles
    from pipeline.wiring import make_transcriber
    from pipeline.workspace import Workspace

    workspace = Workspace.create(folder)
    settings = load_settings(workspace.folder)
    intake = take_in(EXAMPLES, default_profile="senior-backend", consent=False, duration_of=lambda _: None)
    interview = next(entry for entry in intake.interviews if entry.interview_id == sample.id)
    listener = Listener(
        workspace,
        make_transcriber(settings),
        language=settings.transcribe.language,
        max_hours=settings.transcribe.max_hours,
    )
    said = listener.listen(interview, listener.files(interview, []), lambda *_: None)
    roles = known_roles(interview, {})
    return Hearing(sample, tuple((roles.get(u.speaker, "unknown"), w) for u in said.utterances for w in u.words))


def transcribe_result(hearings: Sequence[Hearing]) -> TaskResult:
    """Word error rate of each person of each interview."""
    try:
        import jiwer  # noqa: F401
    except ImportError:
        raise MissingExtraError("eval", "word error rate") from None
    counts: dict[str, Count] = {}
    for hearing in hearings:
        for role in ("interviewer", "candidate"):
            counts[f"{hearing.sample.id}:{role}"] = word_error_rate.count(
                " ".join(turn.text for turn in hearing.sample.turns if turn.role == role),
                "".join(f" {word.text.strip()}" for own, word in hearing.words if own == role),
            )
    return measured(
        "transcribe", "whisper", "demo", {"word_error_rate": counts}, note="Synthetic voices, studio sound."
    )


def speakers_result(hearings: Sequence[Hearing]) -> TaskResult:
    """Share of heard words with the right role."""
    counts: dict[str, Count] = {h.sample.id: role_accuracy.count(h.sample.turns, h.words) for h in hearings}
    items = [
        Item(item=f"{h.sample.id}:{role}", document=h.sample.id, state="heard", detail=f"{role}: {n} words")
        for h in hearings
        for role in ("interviewer", "candidate", "unknown")
        if (n := sum(own == role for own, _ in h.words))
    ]
    return measured("speakers", "whisper", "demo", {"role_accuracy": counts}, items)


def skipped(task: str, error: VerbatimError) -> TaskResult:
    """Why nothing could be heard."""
    return TaskResult(task=task, solver="whisper", split="demo", skipped=error.what)
