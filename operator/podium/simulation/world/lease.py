"""Leases in memory, for many candidates in one test."""

from collections.abc import Mapping

from podium.errors import Conflict, PodiumError
from podium.ports import LeaseState


class FakeLease:
    """Implements the port LeaseStore."""

    def __init__(self) -> None:
        self.failure: PodiumError | None = None  # raised by everything while it is set
        self.leases: dict[int, LeaseState] = {}
        self._writes = 0

    @property
    def found(self) -> LeaseState | None:
        """That of the first shard."""
        return self.leases.get(0)

    async def read(self, shard: int = 0) -> LeaseState | None:
        if self.failure is not None:
            raise self.failure
        return self.leases.get(shard)

    async def write(
        self, held: LeaseState | None, holder: str, seconds: float, shard: int = 0, wanted: str = ""
    ) -> LeaseState:
        if self.failure is not None:
            raise self.failure
        found = self.leases.get(shard)
        if (held and held.version) != (found and found.version):
            raise Conflict("another process wrote the Lease")
        self._writes += 1
        transitions = (held.transitions if held else 0) + (held is not None and holder not in ("", held.holder))
        written = self.leases[shard] = LeaseState(holder, seconds, str(self._writes), transitions, wanted)
        return written

    async def all(self) -> Mapping[int, LeaseState]:
        if self.failure is not None:
            raise self.failure
        return dict(self.leases)
