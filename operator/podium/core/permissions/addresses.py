"""Which addresses may be connected to: public ones, and those of the networks that a policy names.

A name is checked by what it resolves to, at the moment of the connection: see `podium.adapters.reach`.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PUBLIC: Final = ipaddress.IPv6Network("2000::/3")  # all that has been given out as global unicast
# Where an IPv4 address is written as one of IPv6, in its last 32 bits: NAT64 (RFC 6052, RFC 8215), SIIT (RFC 2765), and
# the form that RFC 4291 has given up.
_CARRIERS: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")))
# Where clouds answer with credentials, beside link-local addresses: of public form, or within private networks, which
# policies grant for other reasons. So none of them is granted but by its own name.
_OF_CLOUDS: Final = frozenset(
    map(
        ipaddress.ip_address,
        (
            "168.63.129.16",  # Azure
            "192.0.0.192",  # Oracle
            "100.100.100.200",  # Alibaba
            *("fd00:ec2::254", "fd00:ec2::23"),  # AWS: of machines and of pods
            "fd20:ce::254",  # Google
        ),
    )
)
# What the operator's own registry may lead to, such as its artifact store. Not link-local: there are no registries,
# but clouds answer there with credentials of the machine.
OF_THE_OPERATOR: Final = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
    *("::1/128", "fc00::/7"),
)


def may_connect(address: str, networks: Sequence[str]) -> bool:
    """Whether a numeric address is public, or in one of these networks. What is no address is refused.

    One where a cloud answers with credentials needs a network of its own, or one of all addresses.
    """
    try:
        found = _plain(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    granted = [network for network in map(_network, networks) if network is not None and found in network]
    if found in _OF_CLOUDS:
        return any(network.prefixlen in {0, network.max_prefixlen} for network in granted)
    return bool(granted) or _is_public(found)


def _is_public(address: _Address) -> bool:
    given_out = isinstance(address, ipaddress.IPv4Address) or address in _PUBLIC
    return given_out and address.is_global and not address.is_multicast


def _plain(address: _Address) -> _Address:
    """An IPv4 address that is written as one of IPv6, as that of IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or _translated(address)
        return carried or address
    return address


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """What a gateway between the two makes of it."""
    carries = int(address) > 1 and any(address in network for network in _CARRIERS)  # :: and ::1 are of IPv6
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if carries else None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None  # grants nothing
