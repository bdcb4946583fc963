"""A whole operator on fakes, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from podium.api.v1alpha1.status import Phase, Status
from podium.controller.operator import Operator
from podium.controller.settings import Settings
from podium.core.facts import Key
from podium.ports import ModelDeployment, Ports
from podium.testing import (
    FakeClock,
    FakeCluster,
    FakeGateJobs,
    FakeLease,
    FakeMetricsStore,
    FakePodMetrics,
    FakeRegistry,
    FakeRouter,
    FakeWebhooks,
)

KEY = Key("ml", "churn")
URI = "http://mlflow.test:5000"
SETTINGS = Settings(identity="operator-0", registry_uri=URI, leader_election=False)


def spec(version: str = "1", **more: Any) -> dict[str, Any]:
    """A ModelDeployment's spec: two pods, one step, a short watch."""
    return {
        "model": {"name": "churn", "version": version},
        "serving": {"replicas": 2, "drain": "1s"},
        "rollout": {"steps": [{"weight": 30, "duration": "5s"}], "soak": "20s"},
        **more,
    }


class World:
    """The fakes, and what a person does with them."""

    def __init__(self, versions: int = 3) -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(self.clock)
        self.router = FakeRouter(self.cluster)
        self.pod_metrics = FakePodMetrics(self.cluster, self.router)
        self.metrics_store = FakeMetricsStore()
        self.registry = FakeRegistry()
        self.lease = FakeLease()
        self.jobs = FakeGateJobs(self.clock)
        self.webhooks = FakeWebhooks()
        for _ in range(versions):
            self.registry.publish("churn")

    @property
    def ports(self) -> Ports:
        return Ports(
            self.cluster,
            self.router,
            self.pod_metrics,
            self.metrics_store,
            self.registry,
            self.lease,
            self.clock,
            self.jobs,
            self.webhooks,
        )

    @asynccontextmanager
    async def operator(self, settings: Settings = SETTINGS) -> AsyncIterator[Operator]:
        """An operator at work. Watches are played by `apply` and by its own looks."""
        operator = Operator(self.ports, settings)
        task = asyncio.create_task(operator.run())
        try:
            yield operator
        finally:
            task.cancel()
            await asyncio.wait({task})

    def apply(self, operator: Operator, wanted: Mapping[str, Any], key: Key = KEY) -> None:
        self.cluster.put(key, wanted)
        operator.changed(key)

    async def md(self, key: Key = KEY) -> ModelDeployment:
        found = await self.cluster.get(key)
        assert found is not None
        return found

    async def status(self, key: Key = KEY) -> Status:
        return (await self.md(key)).status

    async def until(self, phase: Phase, *, within: float = 120.0, requests: int = 0) -> Status:
        """Let time pass until the phase is reached, with so many requests a second."""
        for _ in range(int(within)):
            await self.clock.advance(1.0)
            self.pod_metrics.serve(await self.md(), requests)
            if (await self.status()).phase is phase:
                return await self.status()
        raise AssertionError(f"{phase} was not reached in {within} s: {await self.status()}")
