"""How long work will still take: told from the last time that it was done, or from how far it is.

A forecast is what `run_logged` asks while a command runs. The time that work took is remembered in the cache, under the
work's name; before the first time, a table says what it took on two cores.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from testbed import places
from testbed.progress import length

# Seconds on two cores, Debian 12, with packages and modules from a mirror nearby.
FIRST_TIMES = {
    "apt": 10.0,
    "kubernetes": 480.0,
    "coredns": 90.0,
    "kind": 10.0,
    "base": 60.0,
    "packages": 20.0,
    "control-plane": 15.0,
    "node": 15.0,
    "envoy-gateway": 600.0,
}
_PRECISE = 10.0  # seconds up to which a person wants to know them
EARLY = 0.02  # of the whole; before that, what is left cannot be told from how far it is


class Forecast(Protocol):
    """What is known of work in progress."""

    def at(self, elapsed: float) -> str:
        """How far the work is after so many seconds, and about how long it will still take."""
        ...

    def done(self, elapsed: float) -> None:
        """The work has ended well, after so many seconds."""
        ...


@dataclass(frozen=True)
class Usual:
    """About as long as the last time."""

    name: str

    def at(self, elapsed: float) -> str:
        """The time that has passed, of the time that it took before."""
        usual = usual_time(self.name)
        if usual is None or elapsed > usual:
            return length(elapsed)
        return f"{length(elapsed)} of about {length(usual)}"

    def done(self, elapsed: float) -> None:
        """Remember how long it took."""
        remember(self.name, elapsed)


@dataclass(frozen=True)
class Measured:
    """As far as a measure says; `share` is 0 to 1, `words` say it in the work's own units."""

    name: str
    measure: Callable[[], tuple[float, str]]

    def at(self, elapsed: float) -> str:
        """The time that has passed, the share that is done, and about how long is left."""
        share, words = self.measure()
        left = remaining(share, elapsed, usual_time(self.name))
        about = "" if left is None else f", about {length(left)} left"
        return f"{length(elapsed)}, {math.floor(share * 100)} % ({words}){about}"

    def done(self, elapsed: float) -> None:
        """Remember how long it took."""
        remember(self.name, elapsed)


def remaining(share: float, elapsed: float, usual: float | None) -> float | None:
    """Seconds that are left: by what is done of the whole, and at the very beginning by the usual time."""
    if share < EARLY:
        return None if usual is None else max(usual - elapsed, 0.0)
    left = elapsed * (1 - share) / share
    return round(left, -1) if left > _PRECISE else left


def usual_time(name: str) -> float | None:
    """Seconds that this work took the last time."""
    with suppress(FileNotFoundError, ValueError):
        return float(_file(name).read_text())
    return FIRST_TIMES.get(name)


def remember(name: str, seconds: float) -> None:
    """What this work took."""
    places.write(_file(name), f"{seconds:.1f}\n")


def _file(name: str) -> Path:
    return places.folder("durations") / places.flat(name)
