"""The settings of the page in a cluster, from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Self
from urllib.parse import urlsplit

from podium.errors import Rejected

_HEADER: Final = r"[A-Za-z0-9-]{1,64}"
_SWITCH: Final = {"on": True, "off": False}


@dataclass(frozen=True)
class PageSettings:
    """Every setting, with its variable."""

    origin: str  # PODIUM_PAGE_ORIGIN: what browsers call it, such as https://podium.example.com
    port: int = 8910  # PODIUM_PAGE_PORT
    namespaces: tuple[str, ...] = ()  # PODIUM_PAGE_NAMESPACES, separated by commas; all where there is none
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()  # PODIUM_PAGE_TRUSTED_PROXIES: addresses and networks
    user_header: str = "X-Forwarded-User"  # PODIUM_PAGE_USER_HEADER
    groups_header: str = "X-Forwarded-Groups"  # PODIUM_PAGE_GROUPS_HEADER, separated by commas
    anonymous: bool = False  # PODIUM_PAGE_ANONYMOUS=on|off: who says no name may look, as system:anonymous
    read_only: bool = False  # PODIUM_PAGE_READ_ONLY=on|off: without buttons

    @property
    def host(self) -> str:
        """What a browser sends as Host."""
        return urlsplit(self.origin).netloc.lower()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Raises Rejected for a value that cannot be one."""

        def said(name: str, default: str = "") -> str:
            return environ.get(f"PODIUM_PAGE_{name}", "").strip() or default

        def names(name: str) -> tuple[str, ...]:
            return tuple(each.strip() for each in said(name).split(",") if each.strip())

        origin, many = r"https?://[A-Za-z0-9.\[\]:-]+", r"[a-z0-9-]{1,63}"
        user, groups = said("USER_HEADER", cls.user_header), said("GROUPS_HEADER", cls.groups_header)
        return cls(
            origin=_matching("ORIGIN", said("ORIGIN"), origin, "https://HOST, as browsers have it"),
            port=int(_matching("PORT", said("PORT", "8910"), r"[1-9][0-9]{0,4}", "a port")),
            namespaces=tuple(_matching("NAMESPACES", each, many, "names") for each in names("NAMESPACES")),
            trusted_proxies=tuple(map(_network, names("TRUSTED_PROXIES"))),
            user_header=_matching("USER_HEADER", user, _HEADER, "a header's name"),
            groups_header=_matching("GROUPS_HEADER", groups, _HEADER, "a header's name"),
            anonymous=_switch("ANONYMOUS", said("ANONYMOUS", "off")),
            read_only=_switch("READ_ONLY", said("READ_ONLY", "off")),
        )


def _matching(name: str, found: str, pattern: str, expected: str) -> str:
    if not re.fullmatch(pattern, found):
        raise Rejected(f"PODIUM_PAGE_{name}: expected {expected}, found {found[:200]!r}")
    return found


def _switch(name: str, found: str) -> bool:
    if found not in _SWITCH:
        raise Rejected(f"PODIUM_PAGE_{name}: expected on or off, found {found[:200]!r}")
    return _SWITCH[found]


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        found = ip_network(text)
    except ValueError as error:
        raise Rejected(f"PODIUM_PAGE_TRUSTED_PROXIES: expected addresses or networks, found {text[:200]!r}") from error
    if not found.prefixlen:
        raise Rejected(
            f"PODIUM_PAGE_TRUSTED_PROXIES: expected the proxies' own networks, found {text}, which is every address"
        )
    return found
