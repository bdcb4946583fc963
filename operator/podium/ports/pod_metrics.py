"""What the pods report of themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from podium.core.facts import Counters, PodState, ReloadState
from podium.core.identity import Identity
from podium.core.shadow import ShadowOrder, ShadowPairs


@dataclass(frozen=True)
class PodReport:
    """What one pod says of itself."""

    identity: Identity | None
    counters: Counters
    startup_step: str = ""  # what its server does before it is ready: fetching, loading
    reload: ReloadState | None = None  # None where it loads nothing in place
    shadow: ShadowPairs | None = None  # None where it has copied no request yet, or cannot be believed


class PodMetrics(Protocol):
    """What the pods say of themselves, by pod uid. Who does not answer in time is left out: missing data holds."""

    async def ask(
        self,
        namespace: str,
        pods: Sequence[PodState],
        per_connection: int | None = None,
        shadow: ShadowOrder | None = None,
    ) -> Mapping[str, PodReport]:
        """Ask all these pods at once, and wait for the answers up to a deadline.

        They are told after how many requests to close a connection, for some seconds; None: they may stay open. And
        which share of their users' requests is copied to which challenger, for as long; None: they copy none.
        """
