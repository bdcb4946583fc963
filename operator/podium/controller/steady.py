"""A wall clock that does not jump: the status keeps moments, and what is between two of them ends a step or a soak.

The moment at which the process began is read from the wall clock, and what has passed since from the monotonic one. A
wall clock that was set, by NTP or by hand, is followed slowly: durations are wrong by one part in twenty at the most.
"""

from datetime import datetime, timedelta
from typing import Final

from podium.ports import Clock

_SLOWLY: Final = 20  # it approaches the wall clock by one second in so many


class SteadyClock:
    """Implements the port Clock on another one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now, self._at = clock.now(), clock.monotonic()

    def now(self) -> datetime:
        """What the wall clock would say, had it not been set since; or a little nearer to what it says."""
        at = self._clock.monotonic()
        passed, self._at = timedelta(seconds=at - self._at), at
        self._now += passed
        most = passed / _SLOWLY
        self._now += min(max(self._clock.now() - self._now, -most), most)
        return self._now

    def monotonic(self) -> float:
        """As the other clock has it."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """As the other clock has it."""
        await self._clock.sleep(seconds)
