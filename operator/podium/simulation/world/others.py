"""What others do to what is Podium's, and operators that work beside the leader."""

from typing import Final, Protocol

from podium.api.v1alpha1.evidence import Slot
from podium.ports import ModelDeployment
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.loop import VirtualLoop
from podium.simulation.world.process import Process
from podium.simulation.world.router import FakeRouter

_OVERLAP: Final = 5.0  # seconds for which two leaders are at work


class Harmed(Protocol):
    """The world, as far as others reach it."""

    loop: VirtualLoop
    cluster: FakeCluster
    router: FakeRouter
    harmed_at: float  # when others changed something

    def md(self) -> ModelDeployment: ...
    def note(self, what: str) -> None: ...
    def start(self, *, election: bool | None = None, returns: bool = True) -> Process: ...
    def tell(self) -> None: ...  # watches tell of a change


class Others:
    """Whoever has rights in the cluster, and mistakes Podium's objects for theirs."""

    def __init__(self, world: Harmed) -> None:
        self._world = world

    def empty_status(self) -> None:
        """As a restore from a backup without statuses does."""
        self._done("the status is emptied")
        self._world.cluster.empty_status(self._world.md().key)

    def delete_slot(self, slot: Slot) -> None:
        """Delete a slot's Deployment."""
        self._done(f"the Deployment of slot {slot} is deleted")
        self._world.cluster.delete_slot(self._world.md().key, slot)

    def scale_slot(self, slot: Slot) -> None:
        """Scale a slot's Deployment to no pods."""
        self._done(f"the Deployment of slot {slot} is scaled to no pods")
        self._world.cluster.scale_slot(self._world.md().key, slot, 0)

    def edit_slot(self, slot: Slot) -> None:
        """Edit the pods of a slot's Deployment."""
        self._done(f"the Deployment of slot {slot} is edited")
        self._world.cluster.drift(self._world.md().key, slot)

    def edit_route(self) -> None:
        """Edit the route's weights."""
        self._done("the route is edited")
        self._world.router.drift(self._world.md())

    def replace_leader(self) -> None:
        """A standby that takes over where the leader does not renew its Lease."""
        self._world.note("the leader is frozen")
        self._world.start(returns=False)

    def overlap(self) -> None:
        """A second operator that leads, whatever the Lease says."""
        self._world.note("a second leader is at work")
        second = self._world.start(election=False, returns=False)
        self._world.loop.call_later(_OVERLAP, second.die)

    def _done(self, what: str) -> None:
        self._world.note(what)
        self._world.harmed_at = self._world.loop.time()
        self._world.loop.call_soon(self._world.tell)
