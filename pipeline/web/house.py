"""What every handler needs: the workspace, the door, the templates and the static files, each read once."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.review.calls import BASES, LEVELS, STEPS
from pipeline.web.shape import COVERAGE, FLAGS, clock, plain, short_label
from pipeline.web.visits import Door, own_key

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

HERE = Path(__file__).parent
STATIC = {
    "verbatim.css": "text/css; charset=utf-8",
    "verbatim.js": "text/javascript; charset=utf-8",
    "htmx-2.0.11.min.js": "text/javascript; charset=utf-8",
}


class House:
    """What every handler needs: the workspace, the door, the templates."""

    def __init__(self, workspace: Workspace, *, port: int, secure: bool = False) -> None:
        self.workspace = workspace
        self.store = workspace.store()
        self.door = Door(self.store, own_key(workspace.folder), port=port, secure=secure)
        self.templates = _templates()
        self.assets = {name: (HERE / "static" / name).read_bytes() for name in STATIC}
        self.templates.globals["asset"] = self.asset_url

    @cached_property
    def _tags(self) -> dict[str, str]:
        return {name: hashlib.sha256(content).hexdigest()[:12] for name, content in self.assets.items()}

    def asset_url(self, name: str) -> str:
        """The address of a static file; it changes with its content, so browsers may keep it."""
        return f"/static/{self._tags[name]}/{name}"

    def page(
        self, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **given: Any
    ) -> Response:
        """Print a template; every value is escaped."""
        text = self.templates.get_template(template).render(**given)
        return HTMLResponse(text, status, headers=headers)


def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=lambda value: plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value,
    )
    environment.filters |= {"clock": clock, "label": short_label}
    environment.globals |= {"LEVELS": LEVELS, "STEPS": STEPS, "BASES": BASES, "COVERAGE": COVERAGE, "FLAGS": FLAGS}
    return environment


def house_of(request: Request) -> House:
    """The application's one House."""
    found: House = request.app.state.house
    return found
