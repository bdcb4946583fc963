"""Requests to addresses that a ModelDeployment's namespace names: gates' webhooks, and receivers of events.

What answers there is not to be trusted. A redirect is no answer, so that no header is ever sent elsewhere; no cookie
and no proxy of the operator's is used; a body is read up to a limit; and no error repeats the request.
"""

from collections.abc import Mapping
from typing import Final

import aiohttp

from podium.errors import Unavailable

LIMIT: Final = 64 * 1024  # bytes of an answer


class Outgoing:
    """POSTs, on connections that are kept. For one event loop; close it at the end."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, within: float, place: str
    ) -> tuple[int, bytes]:
        """The status and the body, which has one byte more than LIMIT where there is too much of it.

        `place` is how errors name the address. Raises Unavailable for silence for `within` seconds.
        """
        bound = aiohttp.ClientTimeout(total=within)
        try:
            async with self._open().post(
                url, data=body, headers=headers, timeout=bound, allow_redirects=False
            ) as answer:
                return answer.status, await _read(answer.content)
        except TimeoutError as error:
            raise Unavailable(f"{place} did not answer within {within:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unavailable(f"{place} does not answer: {_cause(error)}") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # a session wants a running loop
            # No cookies: services share this session, and no request may depend on the one before it.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        return self._session


async def _read(stream: aiohttp.StreamReader) -> bytes:
    content = b""
    while len(content) <= LIMIT and (chunk := await stream.read(LIMIT + 1 - len(content))):
        content += chunk
    return content


def _cause(error: Exception) -> str:
    """The operating system's word, or the kind of error: the rest may repeat the request."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return (cause.strerror if isinstance(cause, OSError) else None) or type(error).__name__
