"""The Leases that say who leads: one for each shard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class LeaseState:
    """A Lease that says who leads. `version` changes with every write."""

    holder: str  # "" where it was released
    seconds: float  # how long the holder's claim lasts unless it is renewed
    version: str
    transitions: int = 0
    wanted: str = ""  # who asks the holder for it; "" where none does


class LeaseStore(Protocol):
    """The Leases of this operator. Times are never compared across machines: only changes of `version` count."""

    async def read(self, shard: int = 0) -> LeaseState | None:
        """A shard's Lease as it is now; None where there is none."""

    async def write(
        self, held: LeaseState | None, holder: str, seconds: float, shard: int = 0, wanted: str = ""
    ) -> LeaseState:
        """Take or renew the Lease as it was read. Raises Conflict where another has written since."""

    async def all(self) -> Mapping[int, LeaseState]:
        """All Leases of this operator, by shard: also of shards that are no more."""
