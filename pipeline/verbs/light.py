"""Commands that start fast: plain texts, switches and paths are taken as they are.

Recent versions of typer build a pydantic validator for every parameter of the command that runs, which costs more than
linting a note. A version that works differently is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

_PLAIN: dict[Any, Callable[[Any], Any]] = {str: str, Path: Path, list[Path]: Path}


class _AsItIs:
    """What typer asks of a parameter's validator, for values that need none."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        many = param.multiple or param.nargs == -1
        if value is None:
            return () if many else None
        return [self._make(item) for item in value] if many else self._make(value)


def _switch(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() in {"1", "true", "t", "yes", "y", "on"}


def lightened(params: list[Any]) -> list[Any]:
    """The parameters, the plain ones with plain makers."""
    for param in params:
        kind = getattr(getattr(param, "type_descriptor", None), "annotation", None)
        make = _switch if kind is bool else _PLAIN.get(kind)
        if make is not None and getattr(param, "_runtime_param", "missing") is None:
            param._runtime_param = _AsItIs(make)
    return params


class LightCommand(TyperCommand):
    """A typer command whose plain parameters skip validation."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, lightened, the help option among them."""
        return lightened(super().get_params(ctx))


class LightGroup(TyperGroup):
    """The same for the options in front of the verb."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, lightened, the help option among them."""
        return lightened(super().get_params(ctx))
