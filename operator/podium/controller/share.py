"""What makes an Operator one shard of a process: which namespaces it has, and its part in the election."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from podium.controller.leader import Times
from podium.controller.metrics import Metrics
from podium.controller.shards import Balance, OneShard, ShardLease, shard_of
from podium.controller.turns_elsewhere import TurnsElsewhere
from podium.ports import Clock, Cluster

_POLL = 0.4  # seconds between two looks at one Lease, for each shard: all are read as often as one was
_SLOWEST = 1.0


@dataclass
class Share:
    """One shard of a process."""

    shard: int
    balance: Balance  # of the process
    metrics: Metrics  # of the process
    changed: Callable[[], None]  # told when it is taken or lost
    store: ShardLease = field(init=False)
    peers: OneShard = field(init=False)

    def __post_init__(self) -> None:
        self.store = ShardLease(self.balance.store, self.shard)
        self.peers = OneShard(self.balance, self.shard)
        self.metrics.shard_held.labels(str(self.shard)).set(0)  # so that one that no process holds is seen

    @property
    def holder(self) -> str:
        """What its Lease says."""
        return self.balance.identity

    @property
    def times(self) -> Times:
        """Those of its election."""
        return replace(Times(), poll=min(_SLOWEST, _POLL * self.balance.shards))

    def has(self, namespace: str) -> bool:
        """Whether the namespace is in it."""
        return shard_of(namespace, self.balance.shards) == self.shard

    def turns(self, cluster: Cluster, clock: Clock) -> TurnsElsewhere:
        """What it knows of the turns of other shards."""
        return TurnsElsewhere(cluster, clock, self.shard, self.balance.shards, self.has)

    def leads(self, leading: bool) -> None:
        """It is taken, or lost."""
        (self.balance.held.add if leading else self.balance.held.discard)(self.shard)
        self.metrics.shard_held.labels(str(self.shard)).set(leading)
        self.changed()
