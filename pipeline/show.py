"""Tables on screen. Everything from a recording is hostile text: no markup, no control characters."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.adapters.store import look
from pipeline.adapters.store.connection import Row, Session
from pipeline.claims import Claim
from pipeline.errors import RubricError
from pipeline.plain import plain_line
from pipeline.prompting import load_rubric
from pipeline.records import Line
from pipeline.workspace import Workspace

COVERAGE = {
    "evidence": "evidence",
    "asked_none_seen": "asked, none seen",
    "not_asked": "not asked",
    "not_assessable": "not assessable",
}
COLOUR = {"strong": "green", "weak": "yellow"}


def clock(seconds: float) -> str:
    """mm:ss, or h:mm:ss."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def console() -> Console:
    """Standard output, as wide as the terminal, or as a page when there is none."""
    wide = shutil.get_terminal_size((100, 40)).columns
    return Console(highlight=False, width=max(wide, 60), soft_wrap=False)


def show_interviews(
    db: Session,
    *,
    interview: str | None = None,
    candidate: str | None = None,
    pillar: str | None = None,
    polarity: str | None = None,
) -> None:
    """Each interview: both sides of each pillar, the gaps, what was rejected and why, what to look at."""
    rows = look.evidence(db, interview=interview, candidate=candidate, pillar=pillar, polarity=polarity)
    if interview is not None:
        names = [look.summary(db, interview)["interview_id"]]
    else:
        where = "WHERE candidate_id = ?" if candidate else ""
        found = db.rows(
            f"SELECT interview_id FROM interviews {where} ORDER BY interview_id",  # noqa: S608 - our own words
            [candidate] if candidate else [],
        )
        names = [row["interview_id"] for row in found]
    by_interview = {name: list(group) for name, group in groupby(rows, key=lambda row: str(row["interview_id"]))}
    out = console()
    for name in names:
        out.print(_interview(look.summary(db, name), by_interview.get(name, []), pillar))
    if not names:
        out.print("No interview yet. Next: verbatim run RECORDINGS")


def _interview(head: Row, rows: Sequence[Row], pillar: str | None) -> Group:
    parts: list[Any] = [Text(), _heading(head), _who(head)]
    titles = _titles(head["role_profile"])
    order = {pillar: place for place, pillar in enumerate(titles)}
    for row in sorted(head["coverage"], key=lambda row: (order.get(row["pillar"], len(order)), row["pillar"])):
        if pillar is not None and row["pillar"] != pillar:
            continue
        parts.append(_pillar_heading(titles.get(row["pillar"], row["pillar"]), row))
        own = [quote for quote in rows if quote["pillar"] == row["pillar"]]
        if own:
            parts.append(Padding(_quotes(own), (0, 0, 0, 2)))
    if head["state"] == "failed":
        parts.append(Text(f"  failed ({head['stage']}): {plain_line(head['reason'] or '')}", style="red"))
        parts.append(Text(f"  again: {plain_line(head['retry'] or '')}"))
    if head["state"] != "failed" or head["drafts"]:
        parts.append(_rejected(head))
    parts += _flags(head["flags"])
    return Group(*parts)


def _heading(head: Row) -> Text:
    facts = [head["candidate_id"], head["role_profile"], head["format"], head["held_on"]]
    text = Text(plain_line(head["interview_id"]), style="bold")
    return text.append("  " + "  ".join(plain_line(str(fact)) for fact in facts if fact), style="not bold")


def _who(head: Row) -> Text:
    who = [
        f"{s['speaker']} = {s['role']}" + (" (proposed)" if s["source"] == "proposed" else "") for s in head["speakers"]
    ]
    return Text("  " + plain_line(", ".join(who) or "nobody heard"), style="dim")


def _titles(profile: str | None) -> dict[str, str]:
    try:
        return {pillar.id: pillar.title for pillar in load_rubric(profile or "").pillars}
    except RubricError:
        return {}


def _pillar_heading(title: str, row: Row) -> Text:
    text = Text(f"\n  {title}", style="bold")
    counts = f"{row['strong']} strong, {row['weak']} weak" if row["state"] == "evidence" else COVERAGE[row["state"]]
    text.append(f"   {counts}", style="not bold")
    return text.append(f"   asked {row['probes']}×" if row["probes"] else "   no question found", style="not bold dim")


def _quotes(rows: Sequence[Row]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(width=6)
    table.add_column(width=7, justify="right")
    table.add_column(max_width=14, overflow="ellipsis", no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(max_width=22)
    for row in sorted(rows, key=lambda r: (r["polarity"] != "strong", r["start_s"])):
        signal = row["signal"] + ("\nprompted" if row["prompted"] else "")
        table.add_row(
            Text(row["polarity"], style=COLOUR[row["polarity"]]),
            clock(row["start_s"]),
            Text(plain_line(row["speaker"].rsplit("/", 1)[-1]), style="dim"),
            Text(f"“{plain_line(row['quote'])}”"),
            Text(signal, style="dim"),
        )
    return table


def _rejected(head: Row) -> Text:
    label = " by the offline extractor (no language model)" if head["extractor"] == "offline" else ""
    total = sum(row["n"] for row in head["rejections"])
    reasons = "; ".join(
        f"{r['n']} {r['reason'].replace('_', ' ')}, e.g. {plain_line(r['example'])}" for r in head["rejections"]
    )
    return Text(
        f"\n  Pointed at {head['drafts']} times{label}; rejected {total}" + (f": {reasons}" if reasons else ""),
        style="dim",
    )


def _flags(flags: Sequence[Row]) -> list[Text]:
    shown = []
    for flag in flags:
        where = f"line {flag['first_line']}: " if flag["first_line"] else ""
        shown.append(Text(f"  Look at: {where}{plain_line(flag['detail'])} [{flag['kind']}]", style="yellow"))
    return shown


def show_status(found: dict[str, Any]) -> None:
    """One row an interview, failures with the command that tries again."""
    table = Table(box=None, pad_edge=False)
    for name in ("interview", "state", "stage", "reason", "again"):
        table.add_column(name, overflow="fold")
    for row in found["interviews"]:
        style = {"failed": "red", "done": "green"}.get(row["state"], "")
        cells = [row["interview_id"], row["state"], row["stage"], row["reason"], row["retry"]]
        table.add_row(
            *(Text(plain_line(str(cell or "")), style=style if i == 1 else "") for i, cell in enumerate(cells))
        )
    out = console()
    out.print(table)
    out.print(", ".join(f"{n} {state}" for state, n in found["counts"].items()) or "No interview yet.")


def show_roles(head: Row) -> None:
    """Who is who, and why."""
    table = Table(box=None, pad_edge=False)
    for name in ("speaker", "role", "given by", "reason"):
        table.add_column(name, overflow="fold")
    for speaker in head["speakers"]:
        table.add_row(*(Text(plain_line(str(speaker[key]))) for key in ("speaker", "role", "source", "reason")))
    console().print(table)


def show_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """The answer to a query."""
    table = Table(pad_edge=False, box=None)
    for name in names:
        table.add_column(Text(plain_line(name)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain_line("" if value is None else str(value))) for value in row))
    console().print(table)


def say_next(workspace: Workspace, feedback: Path) -> None:
    """Where the database lies, and the three commands worth typing now."""
    folder = workspace.folder
    console().print(
        Text(
            f"\nDatabase: {workspace.database}\nNext:\n"
            f"  verbatim evidence -w {folder} --pillar ownership_debugging\n"
            f"  verbatim lint {feedback}\n"
            f"  verbatim review -w {folder}"
        )
    )


def show_claims(text: str, claims: Sequence[Claim], lines: Sequence[Line], no_claim: int | None = None) -> None:
    """Each claim with the lines it was linked to; a model's view stands below the offline one, marked as such.

    `no_claim`: how many sentences the model took for no claim, when one was used.
    """
    style = {"supported": "green", "contradicted": "red", "none_found": "yellow"}
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(width=12)
    table.add_column(ratio=1)
    views = Counter(claim.claim for claim in claims)
    told: set[int] = set()
    for claim in claims:
        words = "" if claim.claim in told else plain_line(text[claim.start : claim.end])
        told.add(claim.claim)
        state = Text(claim.state.replace("_", " "), style=style[claim.state])
        who = "" if claim.source == "offline" and views[claim.claim] == 1 else f" [{claim.source}]"
        if words:
            table.add_row("", Text(words))
        table.add_row(state, Text(plain_line(claim.detail) + who, style="dim"))
        for line in lines[(claim.first_line or 1) - 1 : claim.last_line or 0] if claim.counted is None else ():
            table.add_row("", Text(f"{clock(line.start_s)}  “{plain_line(line.text)}”"))
    out = console()
    out.print(table)
    sources = {claim.source for claim in claims} | ({"model"} if no_claim is not None else set())
    for source in sorted(sources, reverse=True):
        own = [claim for claim in claims if claim.source == source]
        counts = ", ".join(f"{sum(c.state == s for c in own)} {s.replace('_', ' ')}" for s in style)
        passed = f", {no_claim} taken for no claim" if source == "model" and no_claim is not None else ""
        out.print(Text(f"{source}: {counts}{passed}"))
    states: dict[int, set[str]] = {}
    for claim in claims:
        states.setdefault(claim.claim, set()).add(claim.state)
    if differ := sum(len(own) > 1 for own in states.values()):
        out.print(Text(f"The two views differ on {differ}: read the lines."))
    if not claims:
        out.print("No claim found.")
