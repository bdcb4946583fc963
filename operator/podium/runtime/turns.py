"""Which requests had their side of a trial drawn for each of them, and when a connection has had its turn.

Where users stay on their side, Podium's own HTTPRoute says of each request whether it was drawn. Everywhere else the
connection is the unit: the Service led it to this pod, and all that comes on it stays here. So only its first request
was drawn, and while a trial goes on a connection is closed after a number of them, so that there are new ones. The
operator says so whenever it reads the counters, and what it said holds for a few seconds.
"""

import time
from typing import Final

from podium.runtime.identity import Headers

DRAWN: Final = b"x-podium-drawn"  # set by Podium's HTTPRoute: yes, or no
PER_CONNECTION: Final = b"x-podium-requests-per-connection"  # the operator's, on GET /metrics
HOLDS_SECONDS: Final = 10.0  # ten times as long as the operator takes to ask again
_DIGITS: Final = 6  # of a number that is believed


class Turns:
    """How many requests a connection may have now."""

    def __init__(self) -> None:
        self._limit, self._until = 0, 0.0

    def hear(self, headers: Headers) -> None:
        """Take the operator's word, if it is among these headers."""
        for name, value in headers:
            if name == PER_CONNECTION and value.isdigit() and len(value) <= _DIGITS and int(value):
                self._limit, self._until = int(value), time.monotonic() + HOLDS_SECONDS

    @property
    def told(self) -> bool:
        """Whether the operator has said of late that the connection is the unit: no route draws a side here."""
        return time.monotonic() < self._until

    def over(self, requests: int) -> bool:
        """Whether a connection that has had so many is to be closed."""
        return requests >= self._limit > 0 and self.told


class Turn:
    """What is known of one connection."""

    __slots__ = ("_turns", "requests")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.requests = 0  # for a prediction

    def hear(self, headers: Headers) -> None:
        """Take the operator's word, if it is among these headers."""
        self._turns.hear(headers)

    @property
    def is_unit(self) -> bool:
        """Whether a side is drawn for the connection, and for no request on it, whatever a client says."""
        return self._turns.told

    @property
    def over(self) -> bool:
        """Whether the connection is to be closed."""
        return self.requests > 0 and self._turns.over(self.requests)


def is_drawn(headers: Headers, turn: Turn | None) -> bool:
    """Whether the side of this request was drawn for it alone: by the route's word, or as the first one here."""
    for name, value in headers:
        if name == DRAWN and (turn is None or not turn.is_unit):
            return value == b"yes"
    return turn is not None and turn.requests == 1
