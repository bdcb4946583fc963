"""Time, so that tests can make their own."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, so that tests can make their own."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...
