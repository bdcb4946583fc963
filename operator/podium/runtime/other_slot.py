"""The pods of the other slot, which may answer in this one's place; and whose requests are not those of users.

A pod learns at its start how the other slot's Service is called, and the number of the trial that started it. It does
not learn which of the two is the champion: that changes while it runs. The numbers say it. A challenger is always
started by a later trial than the champion beside it, so whoever has the higher number is asked for no answers by the
other one, and refuses them (`stands_in`).
"""

from dataclasses import dataclass
from enum import Enum, auto

from podium.runtime.identity import Headers

FROM = b"x-podium-fallback-from"  # of a request: the version that failed; of an answer: that another one stood in
NUMBER = b"x-podium-trial-number"


class Caller(Enum):
    """Whose request it is, which says what it counts for."""

    USER = auto()
    TESTER = auto()  # who asks for the challenger by a header
    FALLBACK = auto()  # the other slot, where its own version failed a user's request
    COPY = auto()  # the other slot, of a request that its own version has answered: a shadow step


@dataclass(frozen=True, slots=True)
class OtherSlot:
    """Where the other slot is, and how this one stands to it. `after` is in seconds; None: only failures are sent."""

    number: int  # of the trial that started this pod
    host: str | None = None  # None: nothing is sent there
    port: int = 80
    after: float | None = None
    fallback: bool = True  # requests that fail here are sent there, and not copies alone

    def stands_in(self, headers: Headers) -> bool:
        """Return whether a request that another version failed may be answered here: by an earlier trial's version."""
        number = _number(headers)
        return number is not None and number > self.number

    def is_copied(self, headers: Headers) -> bool:
        """Return whether a copy of a request that another version answered may be answered here: by a later trial's."""
        number = _number(headers)
        return number is not None and number < self.number


_DIGITS = 12


def _number(headers: Headers) -> int | None:
    asked = next((value for name, value in headers if name == NUMBER), b"")
    return int(asked[:_DIGITS]) if asked.isdigit() else None


def fallback_from(headers: Headers) -> bytes | None:
    """Return the version that failed this request, where the other slot sends it."""
    return next((value for name, value in headers if name == FROM), None)
