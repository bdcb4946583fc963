"""Which addresses a piece of work may connect to: looked at when the connection is made, whatever named the address.

A name can resolve to something else from one moment to the next, and a server can redirect; so it is the numeric
address of each connection that is checked, in Python's own audit event of it (PEP 578), in whichever HTTP client. What
the work is allowed is known by its context: tasks take it over, threads of a client's own do not.
"""

import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from podium.core.permissions.addresses import may_connect

_EVENT: Final = "socket.connect"


class AddressRefused(PermissionError):
    """No policy grants a connection to this address. Clients take it for a connection that failed."""

    def __init__(self) -> None:
        super().__init__(13, "leads to an address that no PodiumPolicy grants")


@dataclass
class Reach:
    """What some work may connect to, and whether it tried another address: clients fold errors into their own."""

    networks: Sequence[str]
    refused: bool = False

    def check(self, address: object) -> None:
        """Raises AddressRefused for what is not public and in none of the networks, such as a Unix socket."""
        host = address[0] if isinstance(address, tuple) else ""
        if not (isinstance(host, str) and may_connect(host, self.networks)):
            self.refused = True
            raise AddressRefused


_reach: ContextVar[Reach | None] = ContextVar("reach", default=None)


@contextmanager
def reaching(networks: Sequence[str] | None) -> Iterator[Reach]:
    """Within this block, connections go to public addresses and to these networks only; None: anywhere."""
    _install()
    reach = Reach(networks if networks is not None else ())
    token = _reach.set(reach if networks is not None else None)
    try:
        yield reach
    finally:
        _reach.reset(token)


def check_host(host: str) -> None:
    """Raises AddressRefused where the host has an address that may not be connected to, by a kept connection either.

    Raises socket.gaierror where the name does not resolve, and UnicodeError where it cannot be one.
    """
    reach = _reach.get()
    if reach is None:
        return
    for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        reach.check(found[4])


@cache
def _install() -> None:
    """Once a process; an audit hook cannot be taken away."""
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == _EVENT and (reach := _reach.get()) is not None:
        reach.check(arguments[1])
