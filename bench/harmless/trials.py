"""One ModelDeployment and its trials: a challenger gets half of the traffic, and then does as it is told."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bench.cluster import orders
from bench.cluster.subject import Subject, traffic
from bench.traffic import figures
from demo.clients import Clients
from demo.ledger import Answer, Ledger
from demo.stage import MODEL_PORT
from testbed import gateway
from testbed.cluster import Cluster

MODEL, HOST = "bench-harmless", "harmless.test"
CHAMPION, CHALLENGER = "1", "2"
REPLICAS, SHARE = 2, 50  # pods of each side; percent of the challenger
AFTER = 0.5  # seconds without an answer after which the champion answers, too
MOMENT = (0.5, 2.5)  # seconds of plain traffic in force until it turns bad
LAST_ANSWERS = 1.0  # seconds after its rejection in which an answer of it would still be seen
BUSY_SECONDS = 8.0  # of a challenger that has no room, for which no version is rejected
QUEUE = 32  # requests that may wait in a pod: that of a busy one is full after two seconds


@dataclass(frozen=True)
class Kind:
    """One way to turn bad."""

    name: str
    order: int
    share: float = 1.0  # of the requests that carry the order
    rejected: bool = True  # whether the version is rejected for it


KINDS = (
    Kind("errors100", orders.FAIL),
    Kind("errors20", orders.FAIL, share=0.2),
    Kind("nan", orders.INVALID),
    Kind("hang", orders.HANG),
    Kind("overload", orders.BUSY, rejected=False),
    Kind("crash", orders.CRASH),
    Kind("crash2", orders.CRASH, share=0.02),
)


@dataclass(frozen=True)
class Run:
    """What users got of one bad version."""

    failed: Sequence[Answer]
    saved: int  # answers that the champion gave in its place
    p99: float  # seconds, from when a request was due


def seen(ledger: Ledger) -> Run:
    """What a ledger says. Raises ValueError where nothing was answered."""
    return Run(ledger.failures, len(ledger.saved(CHALLENGER)), figures.p99(ledger))


@dataclass(frozen=True)
class Door:
    """How users reach the model: by the port of its Service on the node, or by a gateway and a host name."""

    port: int
    traffic: Mapping[str, Any]  # of the spec
    host: str = ""


def door(*, behind_gateway: bool, retries: bool = True) -> Door:
    """The Service, or Envoy Gateway, which sends requests again whose connection broke, unless it is told not to."""
    if not behind_gateway:
        return Door(MODEL_PORT, {"service": {"type": "NodePort", "nodePort": MODEL_PORT}})
    route = {"name": gateway.NAME, "namespace": gateway.NAMESPACE, "hostnames": [HOST]}
    return Door(gateway.PORT, {"gateway": route, "retries": {"enabled": retries}}, HOST)


@dataclass
class Trials:
    """All that the trials have at hand. `rate` is in requests a second."""

    cluster: Cluster
    rate: float
    random: Random
    clock: Callable[[], float]
    door: Door = field(default_factory=lambda: door(behind_gateway=False))
    applied: int = 0

    def __post_init__(self) -> None:
        self.plain = [orders.body(orders.WORK)]
        at = ("127.0.0.1", self.door.port, self.plain, self.rate, self.clock)
        self.clients = Clients(*at, per_connection=1, name=self.door.host)
        self.subject = Subject(self.cluster)

    def traffic(self) -> AbstractAsyncContextManager[None]:
        """Make version 1 champion, and send requests as long as the block runs."""
        return traffic(self.subject, self.clients, self.settle)

    async def quiet(self, seconds: float) -> Run:
        """What users get while the challenger is well."""
        await self._begin()
        self.clients.ledger = ledger = Ledger()
        await asyncio.sleep(seconds)
        await self._end()
        return seen(ledger)

    async def bad(self, kind: Kind) -> Run:
        """One trial that turns bad. Raises RuntimeError where it should have been rejected, and was not in time."""
        await self._begin()
        await asyncio.sleep(self.random.uniform(*MOMENT))
        self.clients.ledger = ledger = Ledger()
        self.clients.bodies = orders.mix(kind.order, kind.share, self.random)
        if kind.rejected:
            await self.subject.until(f"{kind.name}: the challenger is rejected", lambda now: now.phase == "Rejected")
            await asyncio.sleep(LAST_ANSWERS)
        else:
            await asyncio.sleep(BUSY_SECONDS)
        await self._end()
        return seen(ledger)

    async def _begin(self) -> None:
        """Until the challenger has its share."""
        await self._apply(CHALLENGER)
        in_force = (SHARE, SHARE)
        await self.subject.until(
            "the challenger has its share", lambda now: now.phase == "Canary" and now.shares == in_force
        )

    async def _end(self) -> None:
        """Plain work again, all that was asked answered, and version 1 alone."""
        self.clients.bodies = self.plain
        await self.clients.answered()
        await self.settle()

    async def settle(self) -> None:
        """Until version 1 is what Git names, and champion, and alone."""
        await self._apply(CHAMPION)
        await self.subject.settled(CHAMPION)

    async def _apply(self, version: str) -> None:
        self.applied += 1
        await self.subject.apply(spec(version, str(self.applied), self.door))


def spec(version: str, retry: str, through: Door) -> dict[str, Any]:
    """The spec of one trial."""
    return {
        "model": {"name": MODEL, "version": version},
        "serving": {
            "replicas": REPLICAS,
            "drain": "1s",
            "env": [{"name": "PODIUM_QUEUE_LIMIT", "value": str(QUEUE)}],
            "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}},
        },
        "traffic": {**through.traffic, "fallback": {"after": f"{AFTER * 1000:g}ms"}},
        "rollout": {
            "steps": [{"weight": SHARE, "duration": "1h"}],
            "guards": [{"name": "errors", "errorRate": {"atMost": "1%"}}, {"name": "slow", "latency": LATE}],
            "retry": retry,
        },
    }


LATE = {"atMost": "1s"}
