"""The Lease that says who leads."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class LeaseState:
    """The Lease that says who leads. `version` changes with every write."""

    holder: str  # "" where it was released
    seconds: float  # how long the holder's claim lasts unless it is renewed
    version: str
    transitions: int = 0


class LeaseStore(Protocol):
    """The one Lease of this operator. Times are never compared across machines: only changes of `version` count."""

    async def read(self) -> LeaseState | None:
        """The Lease as it is now; None where there is none."""

    async def write(self, held: LeaseState | None, holder: str, seconds: float) -> LeaseState:
        """Take or renew the Lease as it was read. Raises Conflict where another has written since."""
