"""How long a client waits for its answer."""

import re

from podium.runtime.exchange import Request
from podium.runtime.faults import RequestFault

_DEADLINE = re.compile(r"(?P<number>[0-9]{1,9}(\.[0-9]{1,9})?)(?P<unit>ms|s)?")


def seconds_of(request: Request, limit: float) -> float:
    """Return how long the client waits: its x-request-timeout (`1.5`, `2s`, `500ms`), or our own limit if less.

    Raises RequestFault: the header says something else.
    """
    for name, raw in request.headers:  # as `header` does, without a call more: each prediction asks this
        if name == b"x-request-timeout":
            return min(_seconds(raw), limit)
    return limit


def _seconds(raw: bytes) -> float:
    found = _DEADLINE.fullmatch(raw.decode("latin-1"))
    if not found:
        raise RequestFault("x-request-timeout: expected seconds, as 1.5, 2s or 500ms")
    return float(found["number"]) / (1000 if found["unit"] == "ms" else 1)
