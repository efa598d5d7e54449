"""What every handler needs: the workspace, the door, the templates and the static files, each read once."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from pipeline.adapters.store.desk import Desk
from pipeline.web.printing import HERE, make_templates
from pipeline.web.visits import Door, own_key

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

STATIC = {
    "verbatim.css": "text/css; charset=utf-8",
    "verbatim.js": "text/javascript; charset=utf-8",
    "htmx-2.0.11.min.js": "text/javascript; charset=utf-8",
}


class House:
    """What every handler needs: the workspace, the door, the templates."""

    def __init__(self, workspace: Workspace, *, port: int, secure: bool = False) -> None:
        self.workspace = workspace
        self.store = Desk(workspace.store())
        self.door = Door(self.store, own_key(workspace.folder), port=port, secure=secure)
        self.templates = make_templates()
        self.assets = {name: (HERE / "static" / name).read_bytes() for name in STATIC}
        self.templates.globals["asset"] = self.asset_url
        for name in self.templates.list_templates():
            self.templates.get_template(name)  # read now, so that the first visitor does not wait for it

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
        text = self.templates.get_template(template).render(status=status, **given)
        return HTMLResponse(text, status, headers=headers)


def house_of(request: Request) -> House:
    """The application's one House."""
    found: House = request.app.state.house
    return found
