"""The machine's own time."""

import asyncio
import time
from datetime import UTC, datetime


class RealClock:
    """Implements the port Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
