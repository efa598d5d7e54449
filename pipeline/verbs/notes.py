"""The verb that holds written feedback against the recording: claims."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.verbs.common import JsonOption, WorkspaceOption, open_workspace


def claims(
    feedback: Annotated[Path, typer.Argument(help="The feedback, a text or Markdown file.")],
    interview: Annotated[str, typer.Option(help="The interview it is about.")],
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Link each claim in written feedback to the lines that support it, speak against it, or to none.

    Exit code 1 when a claim is contradicted or nothing was found for it.
    """
    from pipeline.adapters.files import read_text
    from pipeline.adapters.store import notes, record
    from pipeline.adapters.store.stored import load_stored
    from pipeline.claims import Shown, check_claims
    from pipeline.lines import cut_lines, respeak
    from pipeline.lint.text import sentences
    from pipeline.prompting import load_rubric
    from pipeline.show import show_claims

    text = read_text(feedback)
    with open_workspace(workspace).store().session() as db:
        known = record.load_interview(db, interview)
        lines = respeak(cut_lines(load_stored(db, interview).transcript), known.moved_lines)
        own = [interview]
        speakers = db.rows("SELECT speaker, role FROM speakers WHERE interview_id = ?", own)
        meaning = {s.id: s.text for pillar in load_rubric(known.interview.role_profile).pillars for s in pillar.signals}
        rows = db.rows(
            "SELECT signal, first_line, last_line, prompted_by FROM evidence WHERE interview_id = ? AND current", own
        )
        shown = [Shown(meaning=meaning.get(row["signal"], ""), **row) for row in rows]
        places = [(sentence.start, sentence.end) for sentence in sentences(text)]
        found = check_claims(text, places, lines, {s["speaker"]: s["role"] for s in speakers}, shown)
        feedback_id = notes.keep_feedback(db, path=feedback.name, text=text, interview_id=interview)
        notes.replace_rows(db, "claims", feedback_id, [claim.model_dump() for claim in found])
    if as_json:
        typer.echo(json.dumps([claim.model_dump() for claim in found], indent=2))
    else:
        show_claims(text, found, lines)
    if any(claim.state != "supported" for claim in found):
        raise typer.Exit(1)
