"""What the retrospective asks of a database session, and arrays out of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Db(Protocol):
    """An open session: values are bound, never formatted into SQL."""

    connection: Any

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows as dicts by column name."""
        ...

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """First column of the first row, or None."""
        ...

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Run one statement for its effect."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing."""
        ...

    def journal(self, actor: str, action: str, subject: str, detail: str = "") -> None:
        """One audit line: ids, counts and reasons."""
        ...


def arrays(db: Db, sql: str, params: Sequence[Any] = ()) -> dict[str, NDArray[Any]]:
    """Columns of a query as numpy arrays; a column must hold no NULL."""
    found = db.connection.execute(sql, list(params)).fetchnumpy()
    return {name: np.ma.getdata(column) for name, column in found.items()}
