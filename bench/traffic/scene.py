"""What the parts have at hand: the ModelDeployment behind the gateway, the crowd of clients, and versions to try."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from bench.cluster import orders
from bench.cluster.subject import Subject
from bench.traffic.crowd import Crowd
from demo.ledger import Ledger
from demo.rollout import Seen
from testbed import gateway

MODEL = "bench-traffic"
HOST = "bench.test"
REPLICAS = 2
PLAIN = [orders.body(orders.WORK)]
Steps = list[dict[str, Any]]
QUICK: Steps = [{"weight": 5, "duration": "1s"}, {"weight": 25, "duration": "1s"}, {"weight": 50, "duration": "1s"}]
AFTER = 6.0  # seconds after a rollout until the pods that it left are stopped: 3 s of drain, and a look


@dataclass
class Scene:
    """One ModelDeployment under load."""

    subject: Subject
    crowd: Crowd
    fresh: Iterator[str]  # good versions that were never champion
    bad: str  # a version that does as it is told
    random: Random
    say: Callable[[str], None]
    applied: int = field(default=0)

    async def want(self, version: str, steps: Steps = QUICK) -> None:
        """Apply it, with a new `retry`, so that a version that was rejected before is tried again."""
        self.applied += 1
        await self.subject.apply(spec(version, steps, retry=str(self.applied)))

    async def settled(self, version: str) -> None:
        """Until this version is champion and no trial is under way."""
        await self.subject.settled(version)

    async def in_force(self, weight: int) -> Seen:
        """Once the challenger has this share, as far as the gateway's word goes."""

        def reached(seen: Seen) -> bool:
            trial = seen.status.get("trial") or {}
            return seen.phase == "Canary" and seen.shares == (weight, weight) and "weightReachedAt" in trial

        return await self.subject.until(f"{weight} % is in force", reached)

    async def rejected(self) -> Seen:
        """Until the bad version is rejected."""
        return await self.subject.until(f"version {self.bad} is rejected", lambda seen: seen.phase == "Rejected")

    async def ledger(self) -> Ledger:
        """All answers since the last time."""
        return await asyncio.to_thread(self.crowd.take)


def spec(version: str, steps: Steps, retry: str) -> dict[str, Any]:
    """The spec with this version."""
    return {
        "model": {"name": MODEL, "version": version},
        "serving": {
            "replicas": REPLICAS,
            "drain": "3s",
            "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}},
        },
        "traffic": {"gateway": {"name": gateway.NAME, "namespace": gateway.NAMESPACE, "hostnames": [HOST]}},
        "rollout": {
            "steps": steps,
            "guards": [{"name": "errors", "errorRate": {"atMost": "1%"}}],
            "soak": "3s",
            "retry": retry,
        },
    }


def on_our_clock(moment: str) -> float:
    """A moment of the status, which is of this machine's wall clock, as the clients count."""
    return datetime.fromisoformat(moment).timestamp() - time.time() + time.monotonic()
