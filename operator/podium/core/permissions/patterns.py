"""Patterns of policies: * stands for any characters. Hosts and registries are compared by their parts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {
    "http": 80,
    "https": 443,
    "nats": 4222,
    "tls": 4222,  # NATS
    "kafka": 9092,
    "kafka+ssl": 9093,
    "smtp": 587,
    "smtps": 465,
}
# What resolvers and HTTP clients read the same way: no backslash, no percent sign, no login.
_HOST: Final = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(:(?P<port>[0-9]{1,5}|\*))?")


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def matches(text: str, patterns: Iterable[str]) -> bool:
    """Whether the whole text fits one of the patterns."""
    return any(_compiled(pattern).fullmatch(text) is not None for pattern in patterns)


@dataclass(frozen=True)
class Address:
    """The address of a server. `host` is in lower case, an IPv6 address in brackets."""

    scheme: str
    host: str
    port: int
    path: str  # without a slash at its end
    extra: bool  # whether it has a query or a fragment

    @property
    def place(self) -> str:
        """Host and port, as patterns of hosts with a port name them."""
        return f"{self.host}:{self.port}"


def address_of(url: str) -> Address | None:
    """The parts of a URL; None where clients could read its host in more than one way."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    found = _AUTHORITY.fullmatch(parts.netloc.lower())
    if (
        parts.scheme not in _DEFAULT_PORTS
        or found is None
        or found["port"] == "*"
        or _HOST.fullmatch(found["host"]) is None
    ):
        return None
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[parts.scheme]
    extra = bool(parts.query or parts.fragment) or url.endswith(("?", "#"))
    return Address(parts.scheme, found["host"], port, parts.path.rstrip("/"), extra)


def matches_host(address: Address, patterns: Iterable[str]) -> bool:
    """Whether a pattern of hosts fits: with a port, of this port only."""
    return any(matches(_subject(address, pattern), [pattern]) for pattern in patterns)


def _subject(address: Address, pattern: str) -> str:
    with_port = re.search(r":[0-9*]+$", pattern) is not None and not pattern.endswith("]")
    return address.place if with_port else address.host


def matches_registry(address: Address, patterns: Iterable[str]) -> bool:
    """Whether a pattern of registries fits: the same scheme, port and path, and a host that fits its host."""
    return any(_same_server(address, pattern) for pattern in patterns)


def _same_server(address: Address, pattern: str) -> bool:
    scheme, _, rest = pattern.partition("://")
    authority, slash, path = rest.partition("/")
    found = _AUTHORITY.fullmatch(authority)
    if found is None or address.extra:
        return False
    port = found["port"] or str(_DEFAULT_PORTS.get(scheme))
    fits = (
        (address.host, found["host"]),
        (str(address.port), port),
        (address.path, f"{slash}{path}".rstrip("/")),
    )
    return scheme == address.scheme and all(matches(text, [pattern]) for text, pattern in fits)
