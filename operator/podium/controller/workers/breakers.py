"""A circuit breaker for each registry and tenant: one that does not answer is asked now and then, not all the time.

The rules:

1. After so many failures in a row, with no answer between them, it opens: nothing is asked, and whoever wants to hears
   at once what the last one who asked has heard.
2. After a while one question is let through. An answer of any kind closes it; silence opens it for twice as long.
3. Only silence of the registry itself counts. What it refuses is an answer, and what waits for a seat is neither.
4. A tenant, the namespace for which it is asked, opens its own breakers only: what one cannot reach, another may.
"""

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

from podium.api.v1alpha1 import reasons
from podium.core.facts import RegistryState
from podium.errors import PodiumError, Unavailable
from podium.ports import Clock, Registry, RegistryLogin, RegistryQuery

T = TypeVar("T")
OPENS: Final = 5  # failures in a row
_FIRST: Final = 1.0  # seconds for which it is open
_LAST: Final = 30.0
_PROBE: Final = 60.0  # seconds after which a question that was let through, and never came back, counts for nothing
_MOST: Final = 10_000  # breakers that are kept


@dataclass
class _Breaker:
    """What is known of one registry, as one tenant reaches it."""

    failures: int = 0
    until: float = 0.0  # not to be asked before, on the monotonic clock
    said: Unavailable | None = None


class Breakers:
    """Implements the port Registry, by another one that it spares."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._breakers: dict[tuple[str, str], _Breaker] = {}
        self.login_variables = registry.login_variables

    async def query(self, query: RegistryQuery) -> RegistryState:
        return await self._ask(query.login, lambda: self._registry.query(query))

    async def revisions(self, login: RegistryLogin, models: AbstractSet[str]) -> Mapping[str, str]:
        return await self._ask(login, lambda: self._registry.revisions(login, models))

    async def claim_alias(self, login: RegistryLogin, model: str, alias: str, owner: str, replaces: str) -> None:
        await self._ask(login, lambda: self._registry.claim_alias(login, model, alias, owner, replaces))

    async def release_alias(self, login: RegistryLogin, model: str, alias: str, owner: str) -> None:
        await self._ask(login, lambda: self._registry.release_alias(login, model, alias, owner))

    async def move_alias(self, login: RegistryLogin, model: str, alias: str, version: str, owner: str = "") -> None:
        await self._ask(login, lambda: self._registry.move_alias(login, model, alias, version, owner))

    async def write_tags(self, login: RegistryLogin, model: str, version: str, tags: Mapping[str, str]) -> None:
        await self._ask(login, lambda: self._registry.write_tags(login, model, version, tags))

    async def write_record(self, login: RegistryLogin, model: str, version: str, path: str, text: str) -> None:
        await self._ask(login, lambda: self._registry.write_record(login, model, version, path, text))

    async def _ask(self, login: RegistryLogin, question: Callable[[], Awaitable[T]]) -> T:
        place = login.tenant, _host(login.uri)
        breaker, now = self._breakers.get(place), self._clock.monotonic()
        if breaker is not None and breaker.said is not None and breaker.failures >= OPENS:
            if now < breaker.until:
                raise Unavailable(str(breaker.said), reason=breaker.said.reason)
            breaker.until = now + _PROBE  # this one is the question that is let through
        try:
            answer = await question()
        except Unavailable as error:
            if error.reason == reasons.REGISTRY_UNREACHABLE:
                self._failed(place, error)
            raise
        except PodiumError as error:
            if error.reason != reasons.REGISTRY_QUEUED:
                self._breakers.pop(place, None)
            raise
        except BaseException:
            if breaker is not None:
                breaker.until = min(breaker.until, now + _FIRST)  # cancelled: it has found nothing
            raise
        self._breakers.pop(place, None)
        return answer

    def _failed(self, place: tuple[str, str], error: Unavailable) -> None:
        if len(self._breakers) >= _MOST and place not in self._breakers:
            self._breakers.pop(next(iter(self._breakers)))
        breaker = self._breakers.setdefault(place, _Breaker())
        breaker.failures += 1
        breaker.said = error
        open_for = _FIRST * 2.0 ** min(breaker.failures - OPENS, 30)
        breaker.until = self._clock.monotonic() + min(_LAST, open_for)


def _host(uri: str) -> str:
    """What stands before a path: one server."""
    try:
        return urlsplit(uri).netloc.rpartition("@")[2] or uri
    except ValueError:
        return uri
