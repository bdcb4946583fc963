"""The API server's errors in Podium's words: one table by HTTP status, one by exception."""

from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from kubernetes.aio.client.exceptions import OpenApiException
from kubernetes.aio.config import ConfigException

from podium.errors import Conflict, NotFound, PodiumError, Rejected, Temporary, Unavailable


class Expired(Unavailable):
    """A resourceVersion or continue token has grown too old: list again."""


# What the caller does next decides the class; every status that is not here falls to its hundred.
BY_STATUS: Final[Mapping[int, type[PodiumError]]] = {
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    410: Expired,
    429: Unavailable,
}
BY_HUNDRED: Final[Mapping[int, type[PodiumError]]] = {4: Rejected, 5: Unavailable}

BY_EXCEPTION: Final[Mapping[type[Exception], type[PodiumError]]] = {
    aiohttp.ClientError: Unavailable,  # connection, TLS, proxy, payload
    TimeoutError: Unavailable,
    OSError: Unavailable,
    ConfigException: Rejected,  # kubeconfig or service account cannot be used
    OpenApiException: Rejected,  # the client itself finds the request wrong
    ValueError: Unavailable,  # an answer that is not JSON comes from something in between, not from the API server
}
MOST_PATIENCE: Final = 60.0  # seconds that a server can ask for
FOREIGN: Final = tuple(BY_EXCEPTION)


def from_status(status: int, payload: Any, doing: str, retry_after: str = "") -> PodiumError:
    """The error for an answer that is not 2xx. `doing` says what was tried, e.g. `PATCH /api/v1/…`.

    `retry_after` is that header, in seconds; an HTTP date, which no API server sends, counts as none.
    """
    message, reason = str(payload)[:256], ""
    if isinstance(payload, Mapping):
        message, reason = str(payload.get("message", "")), str(payload.get("reason", ""))
    kind = BY_STATUS.get(status) or BY_HUNDRED.get(status // 100, Unavailable)
    if kind is Conflict and doing.startswith("GET "):
        kind = Unavailable  # nothing was written: a failing proxy or server says so
    error = kind(f"{doing}: the API server answered {status} {reason}: {message}")
    if isinstance(error, Temporary) and retry_after.isascii() and retry_after.isdigit():
        error.retry_after = min(float(retry_after), MOST_PATIENCE)
    return error


def from_exception(error: Exception, doing: str) -> PodiumError:
    """The error for an exception of the client."""
    return kind_of(type(error))(f"{doing}: {type(error).__name__}: {error}")


def kind_of(exception: type[Exception]) -> type[PodiumError]:
    """The class for an exception's class: the most special row of the table speaks. Raises LookupError without one."""
    for base in exception.__mro__:
        if base in BY_EXCEPTION:
            return BY_EXCEPTION[base]
    raise LookupError(f"{exception.__name__} is in no row of the table")
