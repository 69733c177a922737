"""The application that all screens share: its data folder, its rules, its pages and what becomes of an error."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior.app.dashboard.access import Access, Guarded
from behavior.model.errors import BadInput, BehaviorError

if TYPE_CHECKING:
    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

HERE = Path(__file__).parent
UNITS = {"_per_min": "1/min", "_s": "s", "_hz": "Hz", "_ma": "mA", "_db": "dB", "_g": "g"}
"""How a column's name ends, and what that is called on a page."""
Background = Callable[[], AbstractAsyncContextManager[object]]


@dataclass(frozen=True)
class Site:
    """What a set of screens is about.

    Parameters
    ----------
    data : folder that is shown; nothing outside it is served
    access : who may ask for what
    links : the site's own pages, (address, name), as they stand at the head of each
    """

    data: Path
    access: Access = field(default_factory=Access)
    links: tuple[tuple[str, str], ...] = (("/", "Live board"), ("/study", "Study"))

    def inside(self, relative: str) -> Path:
        """A file or folder of the data folder, as an address names it.

        Raises
        ------
        NotHere
            There is none, or it lies elsewhere, by `..`, by an absolute path or by a link.
        """
        root = self.data.resolve()
        try:
            path = (root / relative).resolve(strict=True)
            mode = path.stat().st_mode
        except (OSError, ValueError, RuntimeError):
            raise NotHere("there is no such thing in the data folder; go back to the board") from None
        if not path.is_relative_to(root) or "\\" in relative or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise NotHere("there is no such thing in the data folder; go back to the board")
        return path


class NotHere(BadInput):
    """An address that names nothing that is served."""


def application(
    site: Site, routes: Sequence[BaseRoute], background: Sequence[Background] = (), **state: object
) -> ASGIApp:
    """The application: routes behind the rules of `access`.

    Parameters
    ----------
    site : the data folder and who may ask
    routes : of the pages; `/static/…` and the icon are added
    background : context managers that are entered while the application runs
    state : found again as `request.app.state.NAME`
    """
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    @asynccontextmanager
    async def alive(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for begin in background:
                await stack.enter_async_context(begin())
            yield

    app = Starlette(
        routes=[
            *routes,
            Route("/favicon.ico", _icon),
            Mount("/static", StaticFiles(directory=HERE / "static"), name="static"),
        ],
        exception_handlers={BehaviorError: _said, HTTPException: _http},
        lifespan=alive,
    )
    app.state.site = site
    for name, value in state.items():
        setattr(app.state, name, value)
    return Guarded(app, site.access)


def site_of(request: Request) -> Site:
    """The site that a request was made to."""
    site: Site = request.app.state.site
    return site


def page(request: Request, template: str, status_code: int = 200, **values: Any) -> Response:
    """A page from a template of `templates/`; `values` are escaped where they are shown."""
    from starlette.responses import HTMLResponse

    site = site_of(request)
    shared = {
        "site": site,
        "data_name": site.data.resolve().name,
        "controls": site.access.controls,
        "here": request.url.path,
    }
    return HTMLResponse(
        _templates().get_template(template).render({**shared, **values}),
        status_code,
        headers={"cache-control": "no-store"},
    )


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("behavior.app.dashboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    templates.filters.update(shown=shown, words=words)
    return templates


def shown(value: object) -> str:
    """A value of a table, short."""
    if value is None or value != value:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.5g}" if isinstance(value, float) and abs(value) < 1e5 else str(value)


def words(name: str) -> str:
    """A column's name in words, its unit in brackets.

    >>> words("n_shocks_commanded"), words("gap_s"), words("strongest_shock_ma"), words("rate_per_min")
    ('shocks commanded', 'gap (s)', 'strongest shock (mA)', 'rate (1/min)')
    """
    for suffix, unit in UNITS.items():
        if name.endswith(suffix):
            return f"{words(name.removesuffix(suffix))} ({unit})"
    return name.removeprefix("n_").replace("_", " ")


async def _icon(request: Request) -> Response:
    from starlette.responses import FileResponse

    return FileResponse(HERE / "static" / "icon.svg", media_type="image/svg+xml")


async def _said(request: Request, error: Exception) -> Response:
    """An error of ours: its sentence, for whoever asked."""
    status = 404 if isinstance(error, NotHere) else 400 if isinstance(error, BadInput) else 500
    return _sentence(request, status, str(error))


async def _http(request: Request, error: Exception) -> Response:
    status = int(getattr(error, "status_code", 500))
    text = {404: "there is no such page; go back to the board", 405: "this page only shows"}.get(status, str(error))
    return _sentence(request, status, text)


def _sentence(request: Request, status: int, text: str) -> Response:
    from starlette.responses import JSONResponse

    if "text/html" in request.headers.get("accept", ""):
        return page(request, "sentence.html", status, sentence=text[:1].upper() + text[1:])
    return JSONResponse({"error": text}, status, headers={"cache-control": "no-store"})
