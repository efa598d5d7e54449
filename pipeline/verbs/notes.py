"""The verb that holds written feedback against the recording: claims."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pipeline.verbs.common import JsonOption, LlmOption, ShowPromptOption, WorkspaceOption, open_workspace

if TYPE_CHECKING:
    from pipeline.adapters.store.connection import Session
    from pipeline.claims import Claim, Shown
    from pipeline.claims.model import Pointed, Pointing
    from pipeline.ports import AnyLLM
    from pipeline.records import Interview, Line, Role
    from pipeline.settings import Settings
    from pipeline.workspace import Workspace


class _Talked(NamedTuple):
    """An interview as the record holds it."""

    interview: Interview
    lines: list[Line]
    roles: dict[str, Role]
    shown: list[Shown]


def claims(
    feedback: Annotated[Path, typer.Argument(help="The feedback, a text or Markdown file.")],
    interview: Annotated[str, typer.Option(help="The interview it is about.")],
    llm: LlmOption = "",
    show_prompt: ShowPromptOption = False,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Link each claim in written feedback to the lines that support it, speak against it, or to none.

    With --llm a model's view stands beside the offline one. Exit code 1 when either view holds a claim to be
    contradicted or found nothing for it.
    """
    from pipeline.adapters.files import read_text
    from pipeline.adapters.store import notes
    from pipeline.claims import check_claims
    from pipeline.lint.text import sentences
    from pipeline.show import show_claims

    text = read_text(feedback)
    opened = open_workspace(workspace)
    with opened.store().session() as db:
        talked = _load(db, interview)
    cut = [sentence for sentence in sentences(text) if sentence.kind != "heading"]
    places = [(sentence.start, sentence.end) for sentence in cut]
    found = check_claims(text, places, talked.lines, talked.roles, talked.shown)
    pointed: Pointed | None = None
    if llm or show_prompt:
        pointed = _point(opened, talked, text, places, show_prompt=show_prompt, required=llm == "required")
    if pointed is not None:
        from pipeline.claims.model import beside

        found = beside(found, pointed.claims)
    with opened.store().session() as db:
        feedback_id = notes.keep_feedback(db, path=feedback.name, text=text, interview_id=interview)
        notes.replace_rows(db, "claims", feedback_id, [claim.model_dump() for claim in found])
        notes.drop_earlier(db, [feedback_id])
        if pointed is not None and pointed.calls:
            notes.keep_calls(db, interview, pointed.calls)
    if as_json:
        typer.echo(json.dumps(_shown_json(found, pointed), indent=2))
    else:
        used = pointed.summary if pointed is not None and pointed.summary["answered"] else {}
        show_claims(text, found, talked.lines, used.get("no_claim"))
    if any(claim.state != "supported" for claim in found):
        raise typer.Exit(1)


def _load(db: Session, interview_id: str) -> _Talked:
    from pipeline.adapters.store import record
    from pipeline.adapters.store.stored import load_stored
    from pipeline.claims import Shown
    from pipeline.lines import cut_lines, respeak

    known = record.load_interview(db, interview_id)
    lines = respeak(cut_lines(load_stored(db, interview_id).transcript), known.moved_lines)
    speakers = db.rows("SELECT speaker, role FROM speakers WHERE interview_id = ?", [interview_id])
    rows = db.rows(
        "SELECT signal, first_line, last_line, prompted_by FROM evidence WHERE interview_id = ? AND current",
        [interview_id],
    )
    roles = {speaker["speaker"]: speaker["role"] for speaker in speakers}
    return _Talked(known.interview, lines, roles, [Shown.model_validate(row) for row in rows])


def _point(
    workspace: Workspace,
    talked: _Talked,
    text: str,
    places: list[tuple[int, int]],
    *,
    show_prompt: bool,
    required: bool,
) -> Pointed | None:
    """The model's view; None, with a notice, when it could not be asked at all."""
    import anyio

    from pipeline.adapters.llm import open_llm
    from pipeline.errors import EndpointError, SettingsError, VerbatimError
    from pipeline.settings import load_settings
    from pipeline.verbs.second import unusable

    settings = load_settings(workspace.folder)
    if show_prompt:
        _print_prompts(_pointing(settings, talked, text, places, hides=settings.llm.redact != "off"))
        raise typer.Exit(0)
    fault: VerbatimError | None
    try:
        llm = open_llm(settings.llm, workspace)
    except (SettingsError, EndpointError) as error:
        fault, pointed = error, None
    else:
        hides = settings.llm.redact == "on" or (settings.llm.redact == "auto" and not llm.local)
        pointed = anyio.run(_ask, _pointing(settings, talked, text, places, hides=hides), llm)
        fault = pointed.fault
    if fault is not None and required:
        raise unusable(fault)
    _tell(pointed, fault)
    return pointed


async def _ask(pointing: Pointing, llm: AnyLLM) -> Pointed:
    try:
        return await pointing.ask(llm)
    finally:
        close = getattr(llm, "aclose", None)
        if close is not None:
            await close()


def _pointing(
    settings: Settings, talked: _Talked, text: str, places: list[tuple[int, int]], *, hides: bool
) -> Pointing:
    from pipeline.chunk import cut_chunks
    from pipeline.claims.model import Pointing
    from pipeline.lint.rules import load_rules
    from pipeline.names import people_in
    from pipeline.prompting import load_template
    from pipeline.redact import Redactor
    from pipeline.verbs.second import plain_words
    from pipeline.wiring import known_names

    speakers = sorted({line.speaker for line in talked.lines})
    names = [*settings.llm.redact_names, *known_names(talked.interview), *speakers]
    redactor = Redactor([*names, *people_in(text, plain_words(load_rules()))], active=hides)
    chunks = cut_chunks(
        talked.lines, chunk_lines=settings.extract.chunk_lines, margin_turns=settings.extract.margin_turns
    )
    return Pointing(load_template("claims"), text, places, talked.lines, talked.roles, chunks, redactor)


def _print_prompts(pointing: Pointing) -> None:
    for page in pointing.pages:
        for message in pointing.messages(page):
            typer.echo(f"--- {message['role']}\n{message['content']}\n")


def _tell(pointed: Pointed | None, fault: Exception | None) -> None:
    """What went wrong with the model's part, on stderr."""
    from pipeline.verbs.second import stopped

    summary = pointed.summary if pointed is not None else {}
    if summary.get("state") != "used":
        pages = f" for {summary['pages'] - summary['answered']} of {summary['pages']} parts" if summary else ""
        why = stopped(getattr(fault, "what", "no answer came"))
        typer.echo(f"verbatim: the model gave no usable answer{pages}: {why} The offline view stands.", err=True)
        if getattr(fault, "next_step", ""):
            typer.echo(f"Next: {getattr(fault, 'next_step', '')}", err=True)
    if summary.get("answered") and summary["unanswered"]:
        typer.echo(f"verbatim: the model said nothing about {summary['unanswered']} sentences.", err=True)
    if summary.get("dropped"):
        reasons = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in summary["dropped"].items())
        typer.echo(f"verbatim: dropped of what the model said: {reasons}.", err=True)


def _shown_json(found: list[Claim], pointed: Pointed | None) -> object:
    rows = [claim.model_dump() for claim in found]
    return rows if pointed is None else {"claims": rows, "model": pointed.summary}
