"""The page in a cluster: before the pages of a visitor stands who they are."""

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from podium.dashboard.logins import Logins, Unknown
from podium.dashboard.page_settings import PageSettings
from podium.dashboard.seats import Full, Seats
from podium.dashboard.shield import READS, foreign, refused, with_headers

HEALTH: Final = "/healthz"


class Front:
    """Refuses whoever may not ask, and leads each visitor to their own page."""

    def __init__(self, settings: PageSettings, logins: Logins, seats: Seats) -> None:
        self._settings = settings
        self._logins = logins
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] != "http":
            return  # neither websockets nor a lifespan
        answer = await self._answer(Request(scope))
        await answer(scope, receive, with_headers(send))

    async def _answer(self, request: Request) -> ASGIApp | Response:
        if request.url.path == HEALTH and request.method in READS:
            return PlainTextResponse("ok")
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        try:
            visitor = await self._logins.visitor(request)
            return (await self._seats.of(visitor)).app
        except Unknown as error:
            found = refused(error.status, "Who asks?", str(error))
            if error.status == 401:  # noqa: PLR2004  RFC 9110, 15.5.2: it says how to log in
                found.headers["WWW-Authenticate"] = 'Bearer realm="podium"'
            return found
        except Full as error:
            return refused(503, "Too many visitors", str(error))

    def _refusal(self, request: Request) -> Response | None:
        """As behind the laptop's port: by the name under which browsers know it, and by no page of another one."""
        settings, headers = self._settings, request.headers
        if [host.lower() for host in headers.getlist("host")] != [settings.host]:
            return refused(421, "Wrong address", f"Open it as {settings.origin}/, not by another name.")
        if foreign(headers, request.method):
            return refused(403, "Refused", "Another web page may not ask this one.")
        if request.method not in READS and headers.getlist("origin") != [settings.origin]:
            return refused(403, "Refused", "A form of another page may change nothing.")
        return None
