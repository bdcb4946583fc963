"""The simulated world without requests of its own accord, in which operators come and go."""

from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from podium.api.v1alpha1.status import Phase, Status
from podium.controller.operator import Operator
from podium.controller.settings import Settings
from podium.core.facts import Key
from podium.ports import WebhookVerdict
from podium.simulation.world.view import KEY, MODEL
from podium.simulation.world.world import URI, World

SETTINGS = Settings(identity="operator-0", registry_uri=URI, leader_election=False)
Result = TypeVar("Result")
__all__ = ["KEY", "SETTINGS", "URI", "Stage", "spec"]


def spec(version: str = "1", **more: Any) -> dict[str, Any]:
    """A ModelDeployment's spec: two pods, one step, a short soak."""
    return {
        "model": {"name": MODEL, "version": version},
        "serving": {"replicas": 2, "drain": "1s"},
        "rollout": {"steps": [{"weight": 30, "duration": "5s"}], "soak": "20s"},
        **more,
    }


class Stage(World):
    """The world, and so many registered versions of its model."""

    workers = Settings.workers

    def __init__(self, versions: int = 3) -> None:
        super().__init__(operators=0, rate=0)
        self.webhooks.otherwise = WebhookVerdict(True, "")
        for _ in range(versions):
            self.registry.publish(MODEL)

    @contextmanager
    def operator(self) -> Iterator[Operator]:
        """An operator at work, which dies in the end. Watches are played by `apply` and by its own sweeps."""
        process = self.start(returns=False)
        try:
            assert isinstance(process.operator, Operator)
            yield process.operator
        finally:
            process.die()
            self.loop.run_for(0)

    def apply(self, given: Mapping[str, Any], key: Key = KEY) -> None:
        """Git says this, and watches tell of it."""
        self.cluster.put(key, given)
        self.tell(key)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.run(timedelta(seconds=seconds))

    def result(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What this gives, at once."""
        task = self.loop.create_task(work)
        self.loop.run_for(0)
        return task.result()

    def wait_for(self, phase: Phase, *, within: float = 120.0, requests: int = 0) -> Status:
        """Let time pass until the phase is reached, with so many requests a second. Raises Broken with the log."""
        self.clients.rate = requests
        self.tick()
        self.until(lambda world: world.status.phase is phase, within=timedelta(seconds=within))
        self.clients.rate = 0
        return self.status
