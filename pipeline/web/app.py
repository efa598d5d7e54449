"""The review server put together: door, guard, pages. One workspace, one port, loopback unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from pipeline.errors import ReviewError, StoreBusyError, VerbatimError
from pipeline.web import corrections, debriefs, linting, pages, sound, writes
from pipeline.web.guard import Guard
from pipeline.web.house import House, house_of
from pipeline.web.visits import Refused

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


ROUTERS = (pages.router, writes.router, corrections.router, debriefs.router, linting.router, sound.router)


def create_app(workspace: Workspace, *, port: int, hosts: Sequence[str] = (), secure: bool = False) -> FastAPI:
    """The ASGI application for one workspace.

    `hosts` are further names (with port, as a browser sends them) under which a proxy serves it; `secure` says that
    this proxy speaks TLS.
    """
    app = FastAPI(title="Verbatim", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.house = House(workspace, port=port, secure=secure)
    for router in ROUTERS:
        app.include_router(router)
    for kind, handler in (
        (Refused, _refused),
        (ReviewError, _review_error),
        (VerbatimError, _own_error),
        (HTTPException, _http_error),
        (RequestValidationError, _bad_request),
    ):
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]
    own = [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"]
    origins = [f"http://{host}" for host in own] + [f"http{'s' if secure else ''}://{host}" for host in hosts]
    app.add_middleware(Guard, hosts=[*own, *(h.lower() for h in hosts)], origins=[o.lower() for o in origins])
    return app


def _fault(request: Request, status: int, title: str, message: str, step: str = "") -> Response:
    house = house_of(request)
    if request.headers.get("hx-request") == "true":
        # a fragment: shown in the place that the form names, which keeps what was typed
        return house.page("_problem.html", status=status, message=message, step=step, headers={"HX-Reswap": "none"})
    return house.page("fault.html", status=status, title=title, message=message, step=step)


async def _refused(request: Request, error: Refused) -> Response:
    titles = {401: "Not signed in", 403: "Not for you", 404: "Not here", 429: "Wait a minute"}
    return _fault(request, error.status, titles.get(error.status, "No"), error.message)


async def _review_error(request: Request, error: ReviewError) -> Response:
    return _fault(request, 422, "That cannot be taken yet", error.what, error.next_step)


async def _own_error(request: Request, error: VerbatimError) -> Response:
    if isinstance(error, StoreBusyError):
        return _fault(request, 503, "Busy for a moment", "Another program is writing. Try again in a few seconds.")
    return _fault(request, 500, "This did not work", error.what, error.next_step)


async def _http_error(request: Request, error: HTTPException) -> Response:
    if error.status_code in (404, 405):
        return _fault(request, error.status_code, "Not here", "There is no such page.")
    return _fault(request, error.status_code, "That cannot be taken", "What was sent is too long or broken.")


async def _bad_request(request: Request, _: RequestValidationError) -> Response:
    return _fault(request, 422, "That cannot be taken", "The form is not complete. Load the page again.")
