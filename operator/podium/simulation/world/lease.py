"""A Lease in memory, for many candidates in one test."""

from podium.errors import Conflict, PodiumError
from podium.ports import LeaseState


class FakeLease:
    """Implements the port LeaseStore."""

    def __init__(self) -> None:
        self.failure: PodiumError | None = None  # raised by everything while it is set
        self.found: LeaseState | None = None
        self._writes = 0

    async def read(self) -> LeaseState | None:
        if self.failure is not None:
            raise self.failure
        return self.found

    async def write(self, held: LeaseState | None, holder: str, seconds: float) -> LeaseState:
        if self.failure is not None:
            raise self.failure
        if (held and held.version) != (self.found and self.found.version):
            raise Conflict("another process wrote the Lease")
        self._writes += 1
        transitions = (held.transitions if held else 0) + (held is not None and holder not in ("", held.holder))
        self.found = LeaseState(holder, seconds, str(self._writes), transitions)
        return self.found
