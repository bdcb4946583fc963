"""Dialogues with servers that are not spoken to by HTTP: one connection an event, which no other event takes over.

What answers there is not to be trusted. The whole dialogue has one deadline; names are looked up on seats of the
tenant's own; each address is checked when it is connected to; and no error repeats what the server has said.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from podium.adapters.name_lookups import NameLookups, looking_up_for
from podium.adapters.outgoing import origin
from podium.adapters.reach import reaching
from podium.api.v1alpha1 import reasons
from podium.errors import Rejected, Unavailable
from podium.ports import Notification

_LINE: Final = 64 * 1024  # bytes that are read of a line


@dataclass
class Dialogue:
    """A connection, and how errors name who is at its other end."""

    place: str
    host: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _plain: asyncio.StreamWriter | None = None  # what went before TLS

    async def begin_tls(self) -> None:
        """Go on under TLS. What was received before it is not taken for a part of what comes under it."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        self._plain = plain = self.writer  # which closes its transport, and so this one, when it is collected
        transport = await loop.start_tls(plain.transport, protocol, _trusting(), server_hostname=self.host)
        if transport is None:
            raise EOFError
        protocol.connection_made(transport)
        self.reader, self.writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def line(self) -> bytes:
        """The next line, with its end. Raises EOFError where there is none, and ValueError where it is too long."""
        found = await self.reader.readline()
        if not found.endswith(b"\n"):
            raise EOFError
        return found


@cache
def _trusting() -> ssl.SSLContext:
    return ssl.create_default_context()


class Dialogues:
    """Opens them. For one event loop."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        """`ports` are the usual ones, by the scheme of the address."""
        self._names = NameLookups()
        self._ports = ports

    @asynccontextmanager
    async def within_its_time(self, of: Notification) -> AsyncIterator[None]:
        """Within this block, dialogues have the notification's deadline and reach.

        Raises Unavailable for silence and what is no answer, and Rejected for an address that is not granted.
        """
        place = origin(of.address)
        try:
            async with asyncio.timeout(of.timeout):
                with reaching(of.networks) as reach, looking_up_for(of.key.namespace):
                    try:
                        yield
                    except (OSError, EOFError, ValueError, RecursionError) as error:
                        if reach.refused:
                            refused = f"{place} leads to an address that no PodiumPolicy grants: ask for networks"
                            raise Rejected(f"{refused}, with it", reason=reasons.NOT_PERMITTED) from error
                        raise Unavailable(f"{place} {_cause(error)}") from error
        except TimeoutError as error:
            raise Unavailable(f"{place} did not answer within {of.timeout:g} s") from error

    @asynccontextmanager
    async def opened(self, address: str, *, tls: bool) -> AsyncIterator[Dialogue]:
        """A dialogue with what is at this address. Raises OSError where there is nothing."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        (found, *_) = await self._names.resolve(host, parts.port or self._ports[parts.scheme])
        reader, writer = await asyncio.open_connection(found["host"], found["port"], limit=_LINE)
        dialogue = Dialogue(origin(address), host, reader, writer)
        try:
            if tls:
                await dialogue.begin_tls()
            yield dialogue
        finally:
            dialogue.writer.transport.abort()


def _cause(error: Exception) -> str:
    """The operating system's word, or the kind of error: the rest may repeat what was said."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "has a certificate that is not trusted for this name"
    said = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    return f"does not answer: {said or type(error).__name__}"
