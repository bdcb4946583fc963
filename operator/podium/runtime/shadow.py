"""A shadow step, as the pods know it: which share of users' requests is copied to whom, and which requests are copies.

The operator tells the champion's pods whenever it reads the counters, as it tells them when a connection has had its
turn. What it said holds for some seconds: a trial that ends, a step that moves on and an operator that dies end the
copies with no one's doing.
"""

import math
import re
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from podium.runtime.identity import Headers

ORDER: Final = b"x-podium-shadow"  # the operator's, on GET /metrics
FROM: Final = (
    b"x-podium-shadow-from"  # of a copy: the version that answered its user; of an answer: that it is a copy's
)
DIGEST: Final = b"x-podium-digest"  # of the version that answers a copy, beside what every answer says
OUTCOME: Final = b"x-podium-outcome"  # how a copy ended; where that is not said, it was not tried
HOLDS_SECONDS: Final = 15.0  # fifteen times as long as the operator takes to tell it again
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?(?:e[+-][0-9]{1,3})?"
_NAME = r"[A-Za-z0-9._~%-]{1,512}"
_ORDER: Final = re.compile(
    f"version=(?P<version>{_NAME});digest=(?P<digest>{_NAME});share=(?P<share>{_NUMBER});tolerance=(?P<tolerance>{_NUMBER})"
)


@dataclass(frozen=True, slots=True)
class Order:
    """What is copied to whom, and up to which difference numbers agree."""

    version: str
    digest: str
    share: float  # of the users' requests, above 0 and up to 1
    tolerance: float  # relative to the champion's number

    @property
    def challenger(self) -> tuple[str, str]:
        """Its version and digest."""
        return self.version, self.digest


def order_of(text: bytes) -> Order | None:
    """Read the header; None where it is not what the operator writes."""
    found = _ORDER.fullmatch(text.decode("latin-1"))
    if found is None:
        return None
    share, tolerance = float(found["share"]), float(found["tolerance"])
    if not 0 < share <= 1 or tolerance == math.inf:
        return None
    return Order(unquote(found["version"]), unquote(found["digest"]), share, tolerance)


class Orders:
    """The order that holds now."""

    def __init__(self) -> None:
        self._order: Order | None = None
        self._until = 0.0

    def hear(self, headers: Headers) -> None:
        """Take the operator's word, if it is among these headers, and once."""
        told = [value for name, value in headers if name == ORDER]
        order = order_of(told[0]) if len(told) == 1 else None
        if order is not None:
            self._order, self._until = order, time.monotonic() + HOLDS_SECONDS

    @property
    def now(self) -> Order | None:
        """The order; None where there is none, or it was told too long ago."""
        return self._order if self._order is not None and time.monotonic() < self._until else None


def shadow_from(headers: Headers) -> bytes | None:
    """Return the version that answered this request's user, where it is a copy."""
    return next((value for name, value in headers if name == FROM), None)
