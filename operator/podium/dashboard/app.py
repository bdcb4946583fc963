"""The routes. All of them read, but those of the verbs, which are there only where viewers may steer."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from podium.dashboard.deployment_page import Offer, deployment_page
from podium.dashboard.fleet_page import fleet_page
from podium.dashboard.fragments import Page
from podium.dashboard.kept import Entry, Kept, Place
from podium.dashboard.look import html
from podium.dashboard.pods import Pods
from podium.dashboard.pressed import Pressed
from podium.dashboard.selection import Selection, named
from podium.dashboard.shield import Door, Forms, Shield
from podium.dashboard.steering import Steering
from podium.dashboard.stream import events
from podium.dashboard.trying import SHARED, Trying
from podium.dashboard.what_if import WhatIf

MOST_VIEWERS: Final = 500  # open streams; each costs memory
_STATIC: Final = {"podium.css": "text/css", "live.js": "text/javascript", "sliders.js": "text/javascript"}
_FOLDER: Final = Path(__file__).with_name("static")
_COMPRESSION: Final = 6  # of 9: the rest is a percent of the size for twice the time
Ask = Callable[[Request], Awaitable[Response]]


def app(
    kept: Kept,
    door: Door,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    steering: Steering | None = None,
    *,
    pods: Pods | None = None,
    trying: Trying = SHARED,
) -> ASGIApp:
    """The whole page over what is kept, behind its shield; without `steering` it changes nothing."""
    return Shield(routed(kept, door, now, steering, pods=pods, trying=trying), door)


def routed(
    kept: Kept,
    door: Forms,
    now: Callable[[], datetime],
    steering: Steering | None,
    *,
    pods: Pods | None = None,
    trying: Trying = SHARED,
) -> Starlette:
    """The routes, without a shield. All pages of a process try one "what if" at a time."""
    pages = _Pages(kept, door, now, steering, pods)
    routes = [
        Route("/", pages.fleet),
        Route("/live", pages.live_fleet),
        Route("/deployments/{namespace}/{name}", pages.deployment),
        Route("/deployments/{namespace}/{name}/live", pages.live_deployment),
        Route("/deployments/{namespace}/{name}/what-if", WhatIf(pages.entry, trying, now).answer),
        *(Route(f"/static/{name}", _static(name, kind)) for name, kind in _STATIC.items()),
    ]
    if steering is not None:
        pressed = Pressed(steering, door, now)
        routes.append(Route("/deployments/{namespace}/{name}/{verb}", pressed.answer, methods=["POST"]))
    before = [Middleware(GZipMiddleware, compresslevel=_COMPRESSION)]
    return Starlette(routes=routes, middleware=before, exception_handlers={HTTPException: _failed, Exception: _broken})


class _Pages:
    """What answers the routes."""

    def __init__(
        self, kept: Kept, door: Forms, now: Callable[[], datetime], steering: Steering | None, pods: Pods | None
    ) -> None:
        self._kept = kept
        self._door = door
        self._now = now
        self._steering = steering
        self._pods = pods

    async def fleet(self, request: Request) -> Response:
        return self._shown(fleet_page(self._kept, Selection.of(request.query_params), self._now()))

    async def live_fleet(self, request: Request) -> Response:
        asked = Selection.of(request.query_params)
        return self._streamed(lambda: fleet_page(self._kept, asked, self._now()))

    async def deployment(self, request: Request) -> Response:
        place = await self._learned(request)
        return self._shown(self._deployment(place))

    async def live_deployment(self, request: Request) -> Response:
        place = await self._learned(request)
        self._deployment(place)

        def page() -> Page | None:
            if self._pods is not None:
                self._pods.refresh(place)
            try:
                return self._deployment(place)
            except HTTPException:
                return None

        return self._streamed(page)

    async def _learned(self, request: Request) -> Place:
        """Which object is asked for; what the viewer may do with it is known from then on."""
        place = Place(request.path_params["namespace"], request.path_params["name"])
        if self._steering is not None:
            await self._steering.learn(place)
        if self._pods is not None and place in self._kept:
            await self._pods.learn(place)
        return place

    def entry(self, place: Place) -> Entry:
        """The object there. Raises HTTPException where none is kept."""
        try:
            return self._kept[place]
        except KeyError:
            missing = f"There is no ModelDeployment {named(place)}, or it is in no namespace that is shown."
            waiting = "" if self._kept.complete else " The cluster is still being read: reload the page."
            raise HTTPException(404, missing + waiting) from None

    def _deployment(self, place: Place) -> Page:
        found = self.entry(place)
        offer = Offer(self._steering.missing(place), self._door.csrf) if self._steering is not None else None
        pods = self._pods.of(place) if self._pods is not None else None
        return deployment_page(self._kept, found, self._now(), offer, pods)

    def _shown(self, page: Page) -> Response:
        regions = {region: Markup("\n").join(parts.values()) for region, parts in page.regions.items()}
        return HTMLResponse(html(page.template, page=page, regions=regions, now=self._now(), **page.values))

    def _streamed(self, page: Callable[[], Page | None]) -> Response:
        if self._kept.viewers >= MOST_VIEWERS:
            raise HTTPException(503, f"{MOST_VIEWERS} viewers are connected already.")
        return StreamingResponse(events(self._kept, page), media_type="text/event-stream")


def _static(name: str, kind: str) -> Ask:
    content = (_FOLDER / name).read_bytes()

    async def answer(request: Request) -> Response:  # noqa: ARG001 - as Starlette calls it
        return Response(content, media_type=kind)

    return answer


async def _failed(request: Request, error: Any) -> Response:  # noqa: ARG001 - as Starlette calls it
    shown = html("error.html", title=f"{error.status_code}", message=error.detail)
    return HTMLResponse(shown, status_code=error.status_code, headers=error.headers)


async def _broken(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette raises it again, for the log
    message = "Podium could not make this page; the terminal says why."
    return HTMLResponse(html("error.html", title="500", message=message), status_code=500)
