"""Which addresses may be connected to: public ones, and those of the networks that a policy names.

A name is checked by what it resolves to, at the moment of the connection: see `podium.adapters.reach`.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# What the operator's own registry may lead to, such as its artifact store. Not link-local: there are no registries,
# but clouds answer there with credentials of the machine.
OF_THE_OPERATOR: Final = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
    *("::1/128", "fc00::/7"),
)


def may_connect(address: str, networks: Sequence[str]) -> bool:
    """Whether a numeric address is public, or in one of these networks. What is no address is refused."""
    try:
        found = _plain(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if found.is_global and not found.is_multicast:
        return True
    return any(found in network for network in map(_network, networks) if network is not None)


def _plain(address: _Address) -> _Address:
    """An IPv4 address that is written as one of IPv6, as that of IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or _translated(address)
        return carried or address
    return address


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """What a NAT64 gateway makes of it (RFC 6052)."""
    known = address in ipaddress.IPv6Network("64:ff9b::/96")
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if known else None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None  # grants nothing
