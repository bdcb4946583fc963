"""The operator in one process: alone, or with a part for each shard, each with an election and a queue of its own.

Nothing of a shard's work is known to another: what one reads and remembers ends with the shard, as a leader's does.
What is common is what the watches know, the metrics, and the balance with other processes.
"""

import asyncio

from podium.controller.metrics import Metrics
from podium.controller.operator import Operator
from podium.controller.settings import Settings
from podium.controller.shards import Balance, holder
from podium.controller.share import Share
from podium.core.facts import Key
from podium.ports import AliasClaim, Ports


class Shards:
    """One Operator for each shard."""

    def __init__(self, ports: Ports, settings: Settings) -> None:
        self.metrics = Metrics()
        self._election = settings.leader_election
        identity = holder(settings.identity, settings.shards)
        self._balance = Balance(ports.lease, ports.clock, identity, settings.shards)
        self.operators = [
            Operator(ports, settings, Share(shard, self._balance, self.metrics, self._changed))
            for shard in range(settings.shards)
        ]
        if ports.hints is not None:
            ports.hints.listen(self)

    async def run(self) -> None:
        """Work on the shards that are held, and stand by for the others, until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._election:
                group.create_task(self._balance.run(), name="balance of the shards")
            for shard, operator in enumerate(self.operators):
                group.create_task(operator.run(), name=f"shard {shard}")

    @property
    def state(self) -> str:
        """Which shards are held, in words for `/readyz`."""
        held = ", ".join(map(str, sorted(self._balance.held))) or "none"
        return f"shards held: {held} of {len(self.operators)}"

    def told(self, key: Key, claim: AliasClaim | None) -> None:
        """A watch tells how a ModelDeployment is now. Which alias it claims concerns all shards."""
        for operator in self.operators:
            operator.told(key, claim)

    def changed(self, key: Key) -> None:
        """A watch tells of something that this ModelDeployment cares for."""
        for operator in self.operators:
            operator.changed(key)

    def routed(self, route: Key) -> None:
        """A watch tells of an HTTPRoute or the like."""
        for operator in self.operators:
            operator.routed(route)

    def _changed(self) -> None:
        self.metrics.leading.set(bool(self._balance.held))


def operator_of(ports: Ports, settings: Settings) -> Operator | Shards:
    """What the settings ask for."""
    return Shards(ports, settings) if settings.shards > 1 else Operator(ports, settings)
