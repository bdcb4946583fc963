"""Requests to addresses that a ModelDeployment's namespace names: gates' webhooks, and receivers of events.

What answers there is not to be trusted. A redirect is no answer, so that no header is ever sent elsewhere; no cookie
and no proxy of the operator's is used; a body is read up to a limit; and no error repeats the request. Whoever hangs
takes no connection and no thread that another one needs: who asks bounds how much is asked of one place at a time.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from podium.adapters.name_lookups import NameLookups, looking_up_for
from podium.adapters.reach import reaching
from podium.api.v1alpha1 import reasons
from podium.errors import Rejected, Unavailable

_REFUSED: Final = (
    "leads to an address that is neither public nor in a network that a PodiumPolicy grants: ask for networks, with it"
)
LIMIT: Final = 64 * 1024  # bytes of an answer
_BROKEN: Final = (TimeoutError, aiohttp.ClientError, OSError, ValueError)


@dataclass(frozen=True)
class Answer:
    """What was answered. The body has one byte more than LIMIT where there is too much of it."""

    status: int
    body: bytes
    retry_after: str = ""  # the header


class Outgoing:
    """POSTs, on connections that are kept. For one event loop; close it at the end."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, ...] | None, aiohttp.ClientSession] = {}
        self._names: NameLookups | None = None

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        within: float,
        place: str,
        networks: tuple[str, ...] | None = None,
        status_is_all: bool = False,
        tenant: str = "",
    ) -> Answer:
        """What is answered.

        `place` is how errors name the address; `networks` are those beside the public one that it may be in, None: any.
        Where the `status_is_all` that counts, a body that breaks off or does not end is none.
        `tenant` is the namespace that names the address.
        Raises Unavailable for silence for `within` seconds, and Rejected where its address is in none of them.
        """
        bound = aiohttp.ClientTimeout(total=within)
        with reaching(networks) as reach, looking_up_for(tenant):
            try:
                async with self._open(networks).post(
                    url, data=body, headers=headers, timeout=bound, allow_redirects=False
                ) as answer:
                    content = b""
                    with suppress(*(_BROKEN if status_is_all else ())):
                        content = await _read(answer.content)
                    return Answer(answer.status, content, answer.headers.get("Retry-After", ""))
            except TimeoutError as error:
                raise Unavailable(f"{place} did not answer within {within:g} s") from error
            except (aiohttp.ClientError, OSError, ValueError) as error:
                if reach.refused:
                    raise Rejected(f"{place} {_REFUSED}", reason=reasons.NOT_PERMITTED) from error
                raise Unavailable(f"{place} does not answer: {_cause(error)}") from error

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()

    def _open(self, networks: tuple[str, ...] | None) -> aiohttp.ClientSession:
        """One for each set of networks: a connection that is kept must not serve those who could not have made it."""
        if networks not in self._sessions:  # a session wants a running loop
            # No cookies: services share this session, and no request may depend on the one before it.
            self._names = self._names or NameLookups()
            connector = aiohttp.TCPConnector(limit=0, resolver=self._names)
            self._sessions[networks] = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._sessions[networks]


def origin(url: str) -> str:
    """Scheme, host and port: what any reader may see of an address. Raises Rejected where it has none."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        port, host = None, None
    if not host or port == 0:
        raise Rejected("the address is no URL; expected a scheme, ://, a host, and a port of 1 to 65535 or none")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


async def _read(stream: aiohttp.StreamReader) -> bytes:
    content = b""
    while len(content) <= LIMIT and (chunk := await stream.read(LIMIT + 1 - len(content))):
        content += chunk
    return content


def _cause(error: Exception) -> str:
    """The operating system's word, or the kind of error: the rest may repeat the request."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return (cause.strerror if isinstance(cause, OSError) else None) or type(error).__name__
