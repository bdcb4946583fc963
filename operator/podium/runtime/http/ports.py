"""A port as a socket: one for IPv4 and IPv6, where the machine has both."""

import contextlib
import errno
import logging
import socket
from collections.abc import Iterator

from podium.runtime.exits import Exit, StartError
from podium.runtime.settings import Settings

log = logging.getLogger(__name__)

BACKLOG = 4096  # connections that wait to be accepted; the system's own limit may be lower
EVERY, EVERY_V4 = "::", "0.0.0.0"  # noqa: S104  what a pod listens on
_NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """Bind the serving port; port 0 takes a free one, which the log names. Raises StartError: it cannot be had."""
    with bound(settings.host, settings.port, "PODIUM_PORT") as sock:
        host, port = sock.getsockname()[:2]
        log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
        yield sock


def bound(host: str, port: int, setting: str, purpose: str = "") -> socket.socket:
    """Return a socket that is bound. A machine without IPv6 listens on IPv4 where every address is asked for.

    Raises StartError: it cannot be had; the message names the setting and what the port is for.
    """
    try:
        return _open(host, port)
    except (OSError, TypeError) as error:  # a TypeError where the host is no name at all
        if host == EVERY and getattr(error, "errno", None) in _NO_IPV6:
            return bound(EVERY_V4, port, setting, purpose)
        why = getattr(error, "strerror", None) or type(error).__name__
        reason = f"{host}:{port} cannot be listened on{purpose}: {why}; set PODIUM_HOST or {setting}"
        raise StartError(Exit.PORT_UNAVAILABLE, reason) from error


def _open(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != EVERY))
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
