"""Who may ask, and what every answer says to the browser.

The socket is on loopback, and still not everyone who reaches it may read what the kubeconfig can: a web page can have
its own name resolve to 127.0.0.1 (DNS rebinding), and other users of this machine reach its ports as well. So the Host
has to be this server's, a page of another origin may not ask, and each request brings two secrets that only the
terminal showed: the key, with which every path begins, and the token, a cookie after the first time. A browser sends
the cookies of a host to all of its ports (RFC 6265, 8.5), and so to any user of the machine, but only with a path below
the cookie's own: who does not know the key cannot have the browser ask for such a path. No other page is told it
(Referrer-Policy), and a person who reads the address has no cookie.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from podium.dashboard.look import html

# https://owasp.org/www-project-secure-headers/ Everything comes from here, and nothing of it is kept or framed.
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
READS: Final = frozenset({"GET", "HEAD"})
_OPEN: Final = "/static/"  # what is the same for all


class Forms(Protocol):
    """What proves that a form which changes something is one of this page's."""

    @property
    def csrf(self) -> str:
        """What each form carries."""

    def gave(self, csrf: str) -> bool:
        """Whether a form carried it."""


@dataclass(frozen=True)
class Door:
    """The port on which it listens, and the token that opens it."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)  # in each form
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)  # with which every path begins

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser on this machine may call it."""
        return frozenset(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost"))

    @property
    def cookie(self) -> str:
        """The cookie's name: cookies know no ports, and there may be several of these pages."""
        return f"podium-{self.port}"

    @property
    def address(self) -> str:
        """What opens the page in a browser."""
        return f"http://127.0.0.1:{self.port}/{self.key}/?{urlencode({'token': self.token})}"

    def leads(self, path: str) -> bool:
        """Whether a path begins with the key."""
        first, slash, _ = path.removeprefix("/").partition("/")
        return bool(slash) and hmac.compare_digest(first.encode(), self.key.encode())

    def gave(self, csrf: str) -> bool:
        """Whether a form that changes something is one of this page's."""
        return hmac.compare_digest(csrf.encode(), self.csrf.encode())

    def knows(self, token: str | None) -> bool:
        """Whether this is the token. It takes as long for each wrong one."""
        return token is not None and hmac.compare_digest(token.encode(), self.token.encode())


class Shield:
    """Before the pages: refuses whoever may not ask, and gives every answer the headers."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no websockets
        answer = refusal(Request(scope), self._door) or self._app
        if self._door.leads(scope["path"]):
            scope = {**scope, "root_path": f"/{self._door.key}"}

        await answer(scope, receive, with_headers(send))


def with_headers(send: Send) -> Send:
    """Sends each answer with what every answer says to the browser."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sent


def refusal(request: Request, door: Door) -> Response | None:
    """Why this request is answered with something else than what it asks for; None where it may ask."""
    headers = request.headers
    if headers.getlist("host") not in [[host] for host in door.hosts]:
        return refused(421, "Wrong address", f"Open it as http://127.0.0.1:{door.port}/, not by another name.")
    if foreign(headers, request.method):
        return refused(403, "Refused", "Another web page may not ask this one.")
    if request.method not in READS and headers.getlist("origin") != [f"http://{headers['host']}"]:
        return refused(403, "Refused", "A form of another page may change nothing.")
    return None if request.url.path.startswith(_OPEN) else _unless_opened(request, door)


def _unless_opened(request: Request, door: Door) -> Response | None:
    if door.leads(request.url.path):
        if any(map(door.knows, _cookies(request.headers, door.cookie))):
            return _without_token(request) if "token" in request.query_params else None
        if door.knows(request.query_params.get("token")):
            return _admitted(request, door)
    return refused(403, "Who asks?", "Open the address that podium dashboard has printed: it carries a token.")


def foreign(headers: Headers, method: str) -> bool:
    """Whether a page of another origin asks, https://www.w3.org/TR/fetch-metadata/: it may only lead people here."""
    leads = method in READS and headers.get("sec-fetch-mode") == "navigate"
    return headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} and not (
        leads and headers.get("sec-fetch-dest") == "document"
    )


def _cookies(headers: Headers, name: str) -> list[str]:
    """All cookies of the name: another port can set one as well, and whose comes first is the browser's choice."""
    pairs = (pair.strip().partition("=") for header in headers.getlist("cookie") for pair in header.split(";"))
    return [value for found, _, value in pairs if found == name]


def _without_token(request: Request) -> Response:
    """The same address without the token, which would stay in the browser's history."""
    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
    # A path such as //example.com would lead to another host
    path = "/" + request.url.path.lstrip("/")
    return RedirectResponse(f"{path}?{urlencode(rest)}" if rest else path, status_code=303)


def _admitted(request: Request, door: Door) -> Response:
    answer = _without_token(request)
    answer.set_cookie(door.cookie, door.token, httponly=True, samesite="strict", path=f"/{door.key}/")
    return answer


def refused(status: int, title: str, message: str) -> Response:
    """An answer that says why there is no other."""
    return HTMLResponse(html("error.html", title=title, message=message), status_code=status)
