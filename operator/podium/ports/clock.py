"""Time, so that tests can make their own."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, so that tests can make their own."""

    def now(self) -> datetime:
        """The wall clock, in UTC: for what people read."""

    def monotonic(self) -> float:
        """Seconds since some moment: for durations. It never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of the monotonic clock."""
