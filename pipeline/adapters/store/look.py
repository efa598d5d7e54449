"""Read what is in the record, for tables on screen and for JSON. One query each, no loops."""

from __future__ import annotations

from typing import Any

from pipeline.adapters.store.connection import Row, Session, first_line
from pipeline.errors import StoreError


def status(db: Session) -> dict[str, Any]:
    """{"interviews": [{interview_id, state, stage, reason, retry}], "counts": {state: n}}."""
    rows = db.rows("SELECT interview_id, state, stage, reason, retry FROM interviews ORDER BY interview_id")
    counts = db.rows("SELECT state, count(*) AS n FROM interviews GROUP BY state ORDER BY state")
    return {"interviews": rows, "counts": {row["state"]: row["n"] for row in counts}}


def evidence(
    db: Session,
    *,
    interview: str | None = None,
    candidate: str | None = None,
    pillar: str | None = None,
    polarity: str | None = None,
) -> list[Row]:
    """Rows of `evidence_quotes`, in the order they were said."""
    wanted = {"interview_id": interview, "candidate_id": candidate, "pillar": pillar, "polarity": polarity}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in given) or "true"
    return db.rows(
        f"SELECT * FROM evidence_quotes WHERE {where} ORDER BY interview_id, start_s, first_line, signal",  # noqa: S608
        list(given.values()),
    )


def summary(db: Session, interview_id: str) -> Row:
    """An interview's head: entry, speakers with roles, coverage, rejections by reason, flags, drafts."""
    heads = db.rows("SELECT * FROM interviews WHERE interview_id = ?", [interview_id])
    if not heads:
        raise StoreError(f"there is no interview '{interview_id}' here.", next_step="verbatim status")
    own = [interview_id]
    return {
        **heads[0],
        "speakers": db.rows("SELECT * FROM speakers WHERE interview_id = ? ORDER BY speaker", own),
        "coverage": db.rows("SELECT * FROM coverage_by_pillar WHERE interview_id = ?", own),
        "rejections": db.rows(
            "SELECT kind, reason, count(*) AS n, min(detail) AS example FROM rejections WHERE interview_id = ? "
            "GROUP BY kind, reason ORDER BY n DESC, reason",
            own,
        ),
        "flags": db.rows("SELECT * FROM flags WHERE interview_id = ? ORDER BY first_line, kind", own),
        "drafts": db.value("SELECT count(*) FROM drafts WHERE interview_id = ?", own),
        "extractor": db.value(
            "SELECT made_by->>'extractor' FROM stage_runs WHERE interview_id = ? AND stage = 'extract'", own
        ),
    }


def select(db: Session, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run one SELECT of a person's own. Raises StoreError when it is anything else or does not run."""
    import duckdb

    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise StoreError(
            f"the query does not parse: {first_line(error)}", next_step="see docs/data-model.md."
        ) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise StoreError("give exactly one SELECT.", kept="nothing was changed.", next_step="see docs/queries.md.")
    try:
        cursor = db.connection.execute(statements[0])
        names = [column[0] for column in cursor.description or ()]
        return names, cursor.fetchall()
    except duckdb.Error as error:
        raise StoreError(f"the query does not run: {first_line(error)}", next_step="see docs/data-model.md.") from None
