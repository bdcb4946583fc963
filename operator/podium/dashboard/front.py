"""The page in a cluster: before the pages of a visitor stands who they are.

A stream is asked for once and lasts. So whoever asked is asked about again while it does: what a token opened ends with
the token, and what a proxy's header opened is to be opened again by the browser, through the proxy.
"""

import asyncio
from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from podium.dashboard.logins import Logins, Unknown
from podium.dashboard.page_settings import PageSettings
from podium.dashboard.seats import Full, Seat, Seats
from podium.dashboard.shield import READS, foreign, refused, with_headers
from podium.dashboard.visitors import Visitor

HEALTH: Final = "/healthz"
AGAIN: Final = 60.0  # seconds after which it is asked again who has asked
NAMED: Final = 10  # so often a proxy's word is taken again: it came once, with the request


class Front:
    """Refuses whoever may not ask, and leads each visitor to their own page."""

    def __init__(self, settings: PageSettings, logins: Logins, seats: Seats, again: float = AGAIN) -> None:
        self._settings = settings
        self._again = again
        self._logins = logins
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] != "http":
            return  # neither websockets nor a lifespan
        request, send = Request(scope), with_headers(send)
        answer = self._health(request) or self._refusal(request)
        if answer is None:
            try:
                visitor = await self._logins.visitor(request)
                seat = await self._seats.of(visitor)
                with seat.asking():
                    await self._while_known(request, visitor, seat, receive, send)
            except Unknown as error:
                answer = refused(error.status, "Who asks?", str(error))
                if error.status == 401:  # noqa: PLR2004  RFC 9110, 15.5.2: it says how to log in
                    answer.headers["WWW-Authenticate"] = 'Bearer realm="podium"'
            except Full as error:
                answer = refused(503, "Too many visitors", str(error))
        if answer is not None:
            await answer(scope, receive, send)

    async def _while_known(self, request: Request, visitor: Visitor, seat: Seat, receive: Receive, send: Send) -> None:
        """The answer, until its end or for as long as its visitor is known."""
        answering = asyncio.ensure_future(seat.app(request.scope, receive, send))
        looks = 0
        try:
            while not (await asyncio.wait({answering}, timeout=self._again))[0]:
                looks += 1
                if not await self._is_still(request, visitor, looks):
                    break
            else:
                await answering
                return
        finally:
            answering.cancel()
            with suppress(asyncio.CancelledError):
                await answering
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _is_still(self, request: Request, visitor: Visitor, looks: int) -> bool:
        """Whether the request would be answered for the same visitor now."""
        try:
            same = await self._logins.visitor(request) == visitor
        except Unknown as error:
            return error.status == 503  # noqa: PLR2004  an API server that does not answer says nothing of anyone
        return same and (looks < NAMED or "authorization" in request.headers or not visitor.known)

    @staticmethod
    def _health(request: Request) -> Response | None:
        return PlainTextResponse("ok") if request.url.path == HEALTH and request.method in READS else None

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
