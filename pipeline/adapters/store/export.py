"""The public views as Parquet files."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.store.connection import Session
from pipeline.errors import StoreError


def public_views(session: Session) -> list[str]:
    """Names of the views that are a contract for SQL users; temporary ones of a report are none."""
    rows = session.rows(
        "SELECT view_name FROM duckdb_views() WHERE NOT internal AND NOT temporary AND schema_name = 'main' ORDER BY 1"
    )
    return [str(row["view_name"]) for row in rows]


def export_views(session: Session, folder: Path) -> dict[str, int]:
    """One file a view in `folder` (made if missing, 0600); returns rows by view name."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}.", next_step="choose another folder.") from None
    written = {}
    for name in public_views(session):
        target = folder / f"{name}.parquet"
        place = str(target.resolve()).replace("'", "''")
        # Names come from the catalogue; the path is quoted.
        session.execute(f"COPY (SELECT * FROM \"{name}\" ORDER BY ALL) TO '{place}' (FORMAT parquet)")  # noqa: S608
        target.chmod(0o600)
        written[name] = int(session.value(f'SELECT count(*) FROM "{name}"'))  # noqa: S608
    return written
