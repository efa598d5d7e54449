"""Look the set-up over: what is in force, what is missing, and whether an endpoint can be trusted with transcripts."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from pipeline.adapters.llm.live import LiveLLM
from pipeline.adapters.llm.opening import open_llm, resolve
from pipeline.adapters.llm.post import STOPS, Fault, known_models
from pipeline.adapters.llm.probe import Check
from pipeline.adapters.weights import installed_models
from pipeline.errors import AnswerError, VerbatimError
from pipeline.plain import plain_line
from pipeline.prompting import load_rubric, load_template
from pipeline.settings import Settings
from pipeline.workspace import Workspace


def examine(workspace: Workspace, settings: Settings, longest: int, say: Callable[[str], None]) -> list[Check]:
    """Every check, the endpoint's last. Nothing of a recording is sent anywhere."""
    checks = [_prompts(settings), _speech(settings), _database(workspace)]
    if settings.llm.model is None or settings.extract.extractor == "offline":
        return [
            *checks,
            Check(
                name="extractor",
                ok=True,
                detail="the offline extractor: no model is configured and nothing is sent anywhere",
            ),
        ]
    try:
        checks += _endpoint(settings)
        llm = open_llm(settings.llm.model_copy(update={"replay": False}), workspace, say)
    except VerbatimError as error:
        return [*checks, Check(name="endpoint", ok=False, detail=error.what, next_step=error.next_step)]
    assert isinstance(llm, LiveLLM)
    return [*checks, *anyio.run(_probe, llm, longest)]


def _prompts(settings: Settings) -> Check:
    try:
        rubric = load_rubric(settings.extract.rubric)
        template = load_template(settings.extract.template)
    except VerbatimError as error:
        return Check(name="prompts", ok=False, detail=error.what, next_step=error.next_step)
    signals = sum(len(pillar.signals) for pillar in rubric.pillars)
    return Check(
        name="prompts",
        ok=True,
        detail=f"rubric {rubric.id} ({len(rubric.pillars)} pillars, {signals} signals), template {template.name}",
    )


def _speech(settings: Settings) -> Check:
    found = [model.name for model in installed_models()]
    wanted = settings.transcribe.model
    here = wanted in found or "/" in wanted or settings.transcribe.allow_download
    return Check(
        name="speech model",
        ok=True if here else None,
        detail=f"{wanted} ({'at hand' if here else 'not found on this machine'})",
        next_step="" if here else "pip install 'verbatim-interviews[offline]', or set transcribe.model to a folder.",
    )


def _database(workspace: Workspace) -> Check:
    try:
        with workspace.store().session() as db:
            count = db.value("SELECT count(*) FROM interviews")
    except VerbatimError as error:
        return Check(name="database", ok=False, detail=error.what, next_step=error.next_step)
    return Check(name="database", ok=True, detail=f"{count} interviews in {workspace.database.name}")


def _endpoint(settings: Settings) -> list[Check]:
    model, address, profile = resolve(settings.llm)
    hides = settings.llm.redact == "on" or (settings.llm.redact == "auto" and not address.local)
    where = "on this machine" if address.local else "NOT on this machine"
    names = "names are hidden" if hides else "words go as they are"
    plain = not address.local and not address.encrypted
    return [
        Check(
            name="endpoint",
            ok=None if plain else True,
            detail=f"{address.endpoint}, {where}; {names}; profile {profile.name}; model {model}",
            next_step="use https: what goes there can be read on the way." if plain else "",
        )
    ]


async def _probe(llm: LiveLLM, longest: int) -> list[Check]:
    try:
        model = await _model(llm)
        found = await llm.look_over(longest)
        return [model, *found.checks, _speed(llm)]
    except Fault as fault:
        detail = STOPS.get(fault.kind, f"gave no answer ({fault.kind}{f', {fault.status}' if fault.status else ''})")
        return [
            Check(name="reachable", ok=False, detail=detail, next_step="check llm.base_url, llm.model and the key.")
        ]
    except AnswerError as error:
        return [
            Check(
                name="model",
                ok=False,
                detail=error.what.split(": ", 1)[-1],
                next_step="name it in llm.answers_as if it is the same model.",
            )
        ]
    finally:
        await llm.aclose()


def _speed(llm: LiveLLM) -> Check:
    used, spoken = llm.meter, llm.dialect
    how = ", ".join([spoken.answer_format, spoken.max_tokens, *([] if spoken.temperature else ["no temperature"])])
    return Check(
        name="speed", ok=True, detail=f"{used.seconds / max(used.calls, 1):.1f} s a call; spoken to with {how}"
    )


async def _model(llm: LiveLLM) -> Check:
    """Whether the endpoint lists the model; not every endpoint lists any."""
    names = await known_models(llm.connection())
    if names is None:
        return Check(name="model", ok=None, detail="the endpoint lists no models; a probe will tell")
    if llm.model in names:
        return Check(name="model", ok=True, detail=f"{llm.model} is there")
    shown = ", ".join(plain_line(name)[:80] for name in sorted(names)[:5])
    return Check(name="model", ok=None, detail=f"{llm.model} is not among those listed: {shown}")
