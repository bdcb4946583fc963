"""One ModelDeployment and its trials: a challenger gets its share, and turns bad at a random moment, or stays well.

The champion's pods stay up all the time. A new text in `spec.rollout.retry` gives the rejected version another trial.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bench.cluster import orders
from bench.cluster.subject import Subject, traffic
from bench.rollback import summary
from bench.rollback.summary import Run
from demo.clients import Clients
from demo.ledger import Ledger
from demo.rollout import Seen
from demo.stage import MODEL_PORT
from podium.api.v1alpha1 import reasons
from testbed.cluster import Cluster

MODEL = "bench-rollback"
CHAMPION, CHALLENGER = "1", "2"
REPLICAS, SHARE = 4, 20  # pods of the champion; percent of the challenger's one pod beside them
Steps = list[dict[str, Any]]
STAYS: Steps = [{"weight": SHARE, "duration": "1h"}]  # the share is the same however long it takes
RISES: Steps = [{"weight": SHARE, "duration": "5s"}, {"weight": 50, "duration": "5s"}]
MOMENT = (0.5, 2.5)  # seconds of plain traffic in force until it turns bad
LAST_ANSWERS = 1.0  # seconds after its rejection in which an answer of it would still be seen
WELL = 4.5  # seconds of a healthy trial: about 90 answers of the challenger's


@dataclass(frozen=True)
class Kind:
    """One way to turn bad, and what is expected then."""

    name: str
    order: int
    share: float  # of the requests that carry the order
    seconds: float  # wanted of the median, at most
    failed: float | None = None  # likewise
    may_rise: bool = False  # whether the weight would rise after some seconds, were the version well

    @property
    def steps(self) -> Steps:
        """The steps of the trial."""
        return RISES if self.may_rise else STAYS


KINDS = (
    Kind("fail100", orders.FAIL, 1.0, seconds=1.2, failed=24),
    Kind("fail20", orders.FAIL, 0.2, seconds=2.5),
    Kind("fail5", orders.FAIL, 0.05, seconds=18),
    Kind("crashloop", orders.CRASH, 1.0, seconds=2, may_rise=True),
)
HEALTHY = Kind("healthy", orders.FAIL, 0.002, seconds=0)


@dataclass
class Trials:
    """All that the trials of one ModelDeployment have at hand."""

    cluster: Cluster
    rate: float  # requests a second
    random: Random
    clock: Callable[[], float]
    weights: list[tuple[float, int]] = field(default_factory=list)  # what the status asked for, and when it said so
    applied: int = 0

    def __post_init__(self) -> None:
        self.plain = [orders.body(orders.WORK)]
        self.clients = Clients("127.0.0.1", MODEL_PORT, self.plain, self.rate, self.clock, per_connection=1)
        self.subject = Subject(self.cluster, self._take)

    def traffic(self) -> AbstractAsyncContextManager[None]:
        """Make version 1 champion, and send requests as long as the block runs."""
        return traffic(self.subject, self.clients, self.settle)

    async def bad(self, kind: Kind) -> Run:
        """One trial that turns bad. Raises RuntimeError where it was not rejected in time."""
        await self.begin(kind.steps)
        await asyncio.sleep(self.random.uniform(*MOMENT))
        self.clients.ledger = ledger = Ledger()
        self.clients.bodies = orders.mix(kind.order, kind.share, self.random)
        await self.subject.until(f"{kind.name}: the challenger is rejected", lambda seen: seen.phase == "Rejected")
        await asyncio.sleep(LAST_ANSWERS)
        self.clients.bodies = self.plain
        await self.clients.answered()
        if kind.order == orders.CRASH:
            return summary.crashing(ledger, CHALLENGER, self.weights)
        return summary.failing(ledger, CHALLENGER)

    async def well(self) -> bool:
        """One trial of a challenger with few errors, taken back by Git in the end: whether the judge was faster.

        A suspicion that Git ended counts, too: it is undecided for a few seconds.
        """
        await self.begin(STAYS)
        self.clients.bodies = orders.mix(HEALTHY.order, HEALTHY.share, self.random)
        await self.subject.watch.until(lambda seen: seen.phase != "Canary", WELL)
        self.clients.bodies = self.plain
        await self.settle()
        return bool(self.subject.seen.status["history"][-1]["reason"] != reasons.SUPERSEDED)

    async def begin(self, steps: Steps) -> None:
        """Until the challenger has its share."""
        await self.apply(CHALLENGER, steps)
        self.weights.clear()
        in_force = (SHARE, SHARE)
        await self.subject.until(
            "the challenger has its share", lambda seen: seen.phase == "Canary" and seen.shares == in_force
        )

    async def settle(self) -> None:
        """Until version 1 is what Git names, and champion, and alone."""
        await self.apply(CHAMPION, STAYS)
        await self.subject.settled(CHAMPION)

    async def apply(self, version: str, steps: Steps) -> None:
        """Commit a spec that has not been seen before, so that the trial begins."""
        self.applied += 1
        await self.subject.apply(spec(version, steps, retry=str(self.applied)))

    def _take(self, seen: Seen) -> None:
        self.weights.append((self.clock(), seen.shares[0]))


def spec(version: str, steps: Steps, retry: str) -> dict[str, Any]:
    """The spec of one trial."""
    return {
        "model": {"name": MODEL, "version": version},
        "serving": {
            "replicas": REPLICAS,
            "drain": "1s",
            "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}},
        },
        "traffic": {"service": {"type": "NodePort", "nodePort": MODEL_PORT}},
        "rollout": {
            "steps": steps,
            "guards": [{"name": "errors", "errorRate": {"atMost": "1%"}}],
            "retry": retry,
        },
    }
