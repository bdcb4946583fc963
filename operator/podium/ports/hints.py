"""What the watches know: it costs no request, and can be old."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from podium.api.v1alpha1.evidence import Slot
from podium.core.facts import AutoscalerState, Key, SlotState, TrafficState
from podium.ports.cluster import AliasClaim, ModelDeployment


class NotKnown(LookupError):
    """The watches cannot say: they have not listed everything yet, or do not keep what was asked for."""


@dataclass(frozen=True)
class Listed:
    """A ModelDeployment, in short."""

    key: Key
    claim: AliasClaim | None
    phase: str  # as its status has it; "" where it has none
    deleting: bool


class Listener(Protocol):
    """Who hears what the watches tell."""

    def told(self, key: Key, claim: AliasClaim | None) -> None:
        """A ModelDeployment is as the watch tells, and claims this alias; None where it is gone, or claims nothing."""

    def changed(self, key: Key) -> None:
        """Something that belongs to this ModelDeployment has changed."""

    def routed(self, route: Key) -> None:
        """An HTTPRoute or the like has changed, whose ever it is."""


class Hints(Protocol):
    """What the watches know of all ModelDeployments and of what they own.

    That nothing has to be done may be decided on it, and nothing that is done. Its reads raise NotKnown.
    """

    def listen(self, listener: Listener) -> None:
        """Tell what is news from now on, once all has been listed."""

    async def get(self, key: Key) -> ModelDeployment | None:
        """As `Cluster.get`."""

    async def slots(self, md: ModelDeployment) -> Mapping[Slot, SlotState]:
        """As `Cluster.slots`."""

    async def autoscaler(self, md: ModelDeployment) -> AutoscalerState:
        """As `Cluster.autoscaler`."""

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        """As `Router.observe`."""

    async def relist(self) -> None:
        """List the ModelDeployments, and tell those that differ from what is known. Raises what the list raises."""

    async def compare(self) -> None:
        """The same of all that they own; what cannot be listed is left to the next time."""

    def listed(self) -> Iterable[Listed]:
        """All ModelDeployments that are known."""

    def forget(self, key: Key) -> None:
        """Keep nothing more of a ModelDeployment that is gone."""
