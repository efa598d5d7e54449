"""Verbs for the people who judge: review, reviewers, debrief, corrections."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.verbs.common import JsonOption, WorkspaceOption, open_workspace

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

PORT = 8321
reviewers = typer.Typer(help="Who reviews: add somebody and get a link, ask them about a candidate, sign them out.")


def review(
    workspace: WorkspaceOption = Path(),
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine.")] = PORT,
    host: Annotated[
        str, typer.Option(help="The address to listen on; loopback unless a TLS proxy stands in front.")
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name (with port, if any) under which the proxy serves the page; may be repeated."),
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="The proxy speaks TLS: cookies travel by it only.")] = False,
) -> None:
    """Serve the page on which reviewers read the evidence, hear it, and make the call."""
    from pipeline.errors import MissingExtraError, SettingsError

    opened = open_workspace(workspace)
    if host not in ("127.0.0.1", "::1", "localhost") and not (allow_host and tls):
        raise SettingsError(
            f"{host} can be reached from other machines.",
            kept="the page stays closed.",
            next_step="put a TLS proxy in front and say so: --host ... --allow-host NAME --tls.",
        )
    try:
        import uvicorn

        from pipeline.web.app import create_app
    except ImportError:
        raise MissingExtraError("review", "the review page") from None
    app = create_app(opened, port=port, hosts=allow_host or [], secure=tls)
    listening = _listen(host, port)
    with opened.store().session() as db:
        people = db.value("SELECT count(*) FROM reviewers")
    typer.echo(f"The review page is at http://127.0.0.1:{port}/ until you press Ctrl-C.", err=True)
    if not people:
        typer.echo(f"Nobody can sign in yet. Next: verbatim reviewers add NAME{_where(opened)}", err=True)
    sys.stderr.flush()
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=tls,  # without a proxy, whoever connects must not choose the address that is locked out
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """The port, taken before anything is said of it."""
    from pipeline.errors import SettingsError

    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SettingsError(
            f"port {port} on {host} cannot be opened: {os.strerror(error.errno or 0)}.",
            kept="the page stays closed.",
            next_step="choose another with --port, or end what uses it.",
        ) from None


@reviewers.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The person's name, as others will read it.")],
    workspace: WorkspaceOption = Path(),
    reviewer_id: Annotated[
        str | None, typer.Option("--id", help="As in the manifest's interviewers; made from the name when absent.")
    ] = None,
    lead: Annotated[
        bool | None,
        typer.Option(
            "--lead/--interviewer",
            help="A lead sees every candidate and may open a debrief. Absent: as before.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="The port of the review page.")] = PORT,
    url: Annotated[str | None, typer.Option(help="The page's address, when a proxy serves it under another.")] = None,
) -> None:
    """Make a reviewer known and print a link that opens once; again for the same id: a fresh link."""
    from pipeline.adapters.store import people
    from pipeline.errors import SettingsError

    chosen = reviewer_id or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", chosen) or not name.isprintable():
        raise SettingsError("a reviewer needs a printable name and a plain id.", next_step="give one with --id.")
    opened = open_workspace(workspace)
    with opened.store().session() as db:
        before = {row["reviewer_id"]: row["role"] for row in people.list_reviewers(db)}
        role = before.get(chosen, "interviewer") if lead is None else "hiring_lead" if lead else "interviewer"
        secret = people.add_reviewer(db, chosen, name.strip(), role)
        asked = next(row["interviews"] for row in people.list_reviewers(db) if row["reviewer_id"] == chosen)
    about = (
        f"asked about {', '.join(asked)}"
        if asked
        else "sees every candidate"
        if role == "hiring_lead"
        else "asked about nobody yet"
    )
    typer.echo(f"{chosen}: {about}. The link opens once; make a fresh one with the same command.", err=True)
    if not asked and role != "hiring_lead":
        typer.echo(f"Next: verbatim reviewers assign {chosen} --candidate ID{_where(opened)}", err=True)
    typer.echo(f"{(url or f'http://127.0.0.1:{port}').rstrip('/')}/enter/{secret}")


@reviewers.command("list")
def list_all(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Everybody, with their role and what they are asked about."""
    from pipeline.adapters.store import people
    from pipeline.plain import plain_line

    with open_workspace(workspace).store().session() as db:
        rows = people.list_reviewers(db)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        asked = ", ".join(row["interviews"]) or "nobody yet"
        typer.echo(
            f"{row['reviewer_id']}\t{plain_line(row['name'])}\t{row['role'].replace('_', ' ')}\tasked about {asked}"
        )
    if not rows:
        typer.echo("Nobody yet. Next: verbatim reviewers add NAME", err=True)


@reviewers.command("revoke")
def revoke(
    reviewer: Annotated[str, typer.Argument(help="The reviewer's id.")],
    workspace: WorkspaceOption = Path(),
) -> None:
    """Sign a reviewer out everywhere and end an unused link. Their calls stay in the record."""
    from pipeline.adapters.store import people

    with open_workspace(workspace).store().session() as db:
        people.shut_out(db, reviewer)
    typer.echo(f"{reviewer} is signed out; 'verbatim reviewers add' lets them in again.", err=True)


@reviewers.command("assign")
def assign(
    reviewer: Annotated[str, typer.Argument(help="The reviewer's id.")],
    candidate: Annotated[str, typer.Option(help="The candidate's id.")],
    workspace: WorkspaceOption = Path(),
    interview: Annotated[str | None, typer.Option(help="Only this interview.")] = None,
    pillar: Annotated[list[str] | None, typer.Option(help="Only this pillar; may be repeated.")] = None,
) -> None:
    """Ask a reviewer for calls on a candidate. Without a pillar: on all of them."""
    from pipeline.adapters.store import people, reviews
    from pipeline.errors import ReviewError
    from pipeline.web.standings import rubric_of

    with open_workspace(workspace).store().session() as db:
        rows = [row for row in reviews.candidates(db) if row["candidate_id"] == candidate]
        known = {p.id for row in rows for p in rubric_of(row["role_profile"]).pillars}
        for name in pillar or []:
            if rows and name not in known:
                raise ReviewError(
                    f"the rubric has no pillar '{name}'.", next_step=f"one of: {', '.join(sorted(known))}."
                )
        for name in pillar or [None]:  # type: ignore[list-item]
            people.assign(db, reviewer, candidate, interview, name)
    typer.echo(f"{reviewer} is asked about {candidate}.", err=True)


def debrief(
    candidate: Annotated[str, typer.Argument(help="The candidate's id.")],
    workspace: WorkspaceOption = Path(),
    out: Annotated[Path | None, typer.Option(help="Where to write it; the packet goes to stdout without.")] = None,
    kind: Annotated[
        Literal["html", "md", "csv", "txt"] | None, typer.Option("--format", help="By the file's ending when absent.")
    ] = None,
    audio: Annotated[
        bool, typer.Option("--audio/--no-audio", help="The cited quotes as sound inside the HTML.")
    ] = True,
    override: Annotated[
        str | None, typer.Option(help="Write it although something is missing, for this reason; noted in the journal.")
    ] = None,
) -> None:
    """Write the packet for the meeting: disagreements first, then each pillar with both sides and its gaps.

    Refused while a call is missing, or a pillar that somebody was to look at was never asked about.
    """
    from pipeline.errors import DebriefWaitsError
    from pipeline.review.correcting import reason_of
    from pipeline.web import packets
    from pipeline.workspace import write_private

    opened = open_workspace(workspace)
    form = kind or _form_of(out)
    with opened.store().session() as db:
        packet, places = packets.gather(db, candidate, lambda _: True)
        if packet.missing and not packet.opened:
            if override is None:
                raise DebriefWaitsError(
                    f"the debrief of {candidate} should wait:\n  " + "\n  ".join(packet.missing),
                    next_step="wait for them, or give a reason: --override 'REASON'.",
                )
            from pipeline.adapters.store import reviews

            said = packets.counted(packet.missing)
            reviews.open_debrief(db, candidate, "command line", said, reason_of(override))
            packet, places = packets.gather(db, candidate, lambda _: True)
        db.journal("command line", "export", candidate, f"packet.{form}")
    clips = packets.clips_of(packet, places, opened.folder / "tmp") if form == "html" and audio else {}
    content = packets.printed(packet, form, clips)
    if out is None:
        sys.stdout.buffer.write(content)
        return
    write_private(out, content)
    silent = len(packet.cited) - len(clips) if form == "html" and audio else 0
    typer.echo(f"{out}: {len(packet.cited)} cited quotes" + (f", {silent} without sound" if silent else ""), err=True)


def corrections(
    folder: Annotated[Path, typer.Argument(help="The folder to write one JSON Lines file an interview to.")],
    workspace: WorkspaceOption = Path(),
) -> None:
    """Export reviewed interviews, as people left them, as gold that `verbatim eval` can measure against."""
    from pipeline.adapters.store import corrections, reviews
    from pipeline.review.gold import Reviewed, gold_document
    from pipeline.workspace import write_private

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_workspace(workspace).store().session() as db:
        names = corrections.corrected(db)
        heads = [head for name in names if (head := reviews.interview(db, name)) and head["transcript_hash"]]
        found = [
            Reviewed(
                head=head,
                lines=reviews.lines(db, head["transcript_hash"]),
                roles={row["speaker"]: row["role"] for row in reviews.speakers(db, head["interview_id"])},
                evidence=[
                    e for e in reviews.evidence(db, [head["interview_id"]]) if e["standing"] in (None, "restore")
                ],
                probes=reviews.probes(db, head["interview_id"]),
                cited={
                    name
                    for call in reviews.calls(db, head["candidate_id"])
                    if call["closed"]
                    for name in call["evidence_ids"]
                },
            )
            for head in heads
        ]
        db.journal("command line", "export", "corrections", f"{len(found)} interviews")
    for reviewed in found:
        written = gold_document(reviewed)
        path = folder / f"{reviewed.head['interview_id']}.jsonl"
        write_private(path, written.text.encode())
        rest = f", {written.left_out} left out: their words stand twice in one turn" if written.left_out else ""
        typer.echo(f"{path}{rest}", err=True)
    if not found:
        typer.echo("Nobody corrected or called anything yet. Next: verbatim review", err=True)


def _form_of(out: Path | None) -> str:
    ending = out.suffix.lower().removeprefix(".") if out else "txt"
    return {"htm": "html", "markdown": "md", "": "html"}.get(
        ending, ending if ending in ("md", "csv", "txt") else "html"
    )


def _where(workspace: Workspace) -> str:
    return "" if workspace.folder == Path() else f" -w {workspace.folder}"
