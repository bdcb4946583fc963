"""How visitors say who they are: by a token, which the API server knows, or by the headers of a trusted proxy.

A header that says a name is worth what its sender is worth: it is read from the addresses of trusted proxies alone, and
refused from everywhere else rather than overlooked. No name of Kubernetes' own is taken from a header.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from podium.adapters.kubernetes.api import Api
from podium.dashboard.page_settings import PageSettings
from podium.dashboard.visitors import Visitor, reserved
from podium.errors import PodiumError

REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
_FRESH: Final = 60.0  # seconds for which the API server's word on a token holds
_REFUSED: Final = 10.0  # the same, where it did not know the token
_MOST: Final = 1000  # tokens whose answers are remembered
_LONGEST: Final = 16_384  # characters of a token
_GROUPS: Final = 256


class Unknown(Exception):
    """Who asks is not known. `status` is what HTTP calls that; the message is for the visitor."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class _Answer:
    until: float
    visitor: Visitor | None  # None where the API server does not know the token


class Logins:
    """Asks the API server for tokens, with the page's own service account."""

    def __init__(self, api: Api, settings: PageSettings, now: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._settings = settings
        self._now = now
        self._known: dict[bytes, _Answer] = {}  # by the token's hash

    async def visitor(self, request: Request) -> Visitor:
        """Who asks. Raises Unknown, also for names from where none is to be trusted."""
        token, named = _bearer(request.headers), self._settings.user_header in request.headers
        if token is not None:
            return await self._of_token(token)
        if named or self._settings.groups_header in request.headers:
            return self._of_proxy(request)
        if self._settings.anonymous:
            return Visitor.nameless()
        raise Unknown(401, "Expected a bearer token, or a proxy that says who you are.")

    async def _of_token(self, token: str) -> Visitor:
        digest, now = hashlib.sha256(token.encode(errors="replace")).digest(), self._now()
        known = self._known.get(digest)
        if known is None or known.until <= now:
            visitor = await self._reviewed(token)
            known = _Answer(now + (_FRESH if visitor is not None else _REFUSED), visitor)
            self._remember(digest, known, now)
        if known.visitor is None:
            raise Unknown(401, "The API server does not know this token, or it has expired.")
        return known.visitor

    def _remember(self, digest: bytes, answer: _Answer, now: float) -> None:
        if len(self._known) >= _MOST:
            self._known = {each: kept for each, kept in self._known.items() if kept.until > now}
        if len(self._known) < _MOST:
            self._known[digest] = answer

    async def _reviewed(self, token: str) -> Visitor | None:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        try:
            status: Mapping[str, object] = (await self._api.create(REVIEWS, body)).get("status") or {}
        except PodiumError as error:
            raise Unknown(503, "The API server could not be asked who you are.") from error
        user = status.get("user")
        if status.get("authenticated") is not True or not isinstance(user, dict) or not user.get("username"):
            return None
        return Visitor.of_review(user)

    def _of_proxy(self, request: Request) -> Visitor:
        settings, headers = self._settings, request.headers
        if not self._trusted(request):
            raise Unknown(403, "This address is none of a trusted proxy, and may not say who asks.")
        users = [*map(_text, headers.getlist(settings.user_header))]
        if len(users) != 1 or not users[0].strip():
            raise Unknown(401, f"Expected one name in {settings.user_header}, found {len(users)}.")
        listed = ",".join(map(_text, headers.getlist(settings.groups_header))).split(",")
        user, groups = users[0].strip(), tuple(sorted({name.strip() for name in listed} - {""}))
        wrong = reserved(user, groups)
        if wrong or len(groups) > _GROUPS or not all(map(str.isprintable, (user, *groups))):
            raise Unknown(403, f"A proxy may not say this name: {wrong}" if wrong else "Too many groups, or no names.")
        return Visitor(user, groups)

    def _trusted(self, request: Request) -> bool:
        try:
            peer = ip_address(request.client.host if request.client is not None else "")
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self._settings.trusted_proxies)


def _text(value: str) -> str:
    """What a header says: proxies write UTF-8, which ASGI's servers hand on byte by byte."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _bearer(headers: Headers) -> str | None:
    """The token of the request. Raises Unknown for any other kind of login."""
    said = headers.getlist("authorization")
    if not said:
        return None
    scheme, _, token = said[0].partition(" ")
    if len(said) > 1 or scheme.lower() != "bearer" or not token.strip() or len(token) > _LONGEST:
        raise Unknown(401, "Expected one header Authorization: Bearer TOKEN.")
    return token.strip()
