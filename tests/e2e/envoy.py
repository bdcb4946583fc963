"""Envoy Gateway as the tests handle it, and a ModelDeployment behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from podium.api.v1alpha1.status import Status
from testbed import gateway
from testbed.cluster import Cluster
from testbed.waiting import wait_until
from tests.e2e.rollout import Rollout

SLOW_STEPS: dict[str, Any] = {"steps": [{"weight": 50, "duration": "120s"}], "soak": "5s"}


@dataclass(frozen=True)
class Envoy:
    """Envoy Gateway: its controller can be stopped, and Envoy serves on as it was."""

    cluster: Cluster

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self._scale(0)
        try:
            yield
        finally:
            self._scale(1)

    def _scale(self, replicas: int) -> None:
        words = ("deployment/envoy-gateway", f"--namespace={gateway.CONTROLLER}")
        self.cluster.kubectl("scale", *words, f"--replicas={replicas}")
        self.cluster.kubectl("rollout", "status", *words, "--timeout=120s", timeout=140)
        if not replicas:
            wait_until("the controller has stopped", lambda: not self._pods(), 60)

    def _pods(self) -> list[Any]:
        selector = "--selector=control-plane=envoy-gateway"
        return list(self.cluster.get("pods", f"--namespace={gateway.CONTROLLER}", selector)["items"])


def weights(rollout: Rollout, name: str) -> dict[str, int]:
    """The weights by which everybody's requests are shared; in a route of Podium's own, by its last rule."""
    rules = rollout.kubectl.get(f"httproute/{name}")["spec"]["rules"]
    refs = rules[0 if name == "theirs" else -1]["backendRefs"]
    return {ref["name"].removeprefix(f"{rollout.name}-"): ref["weight"] for ref in refs}


def in_force(status: Status) -> bool:
    """Whether the step's weight is in force."""
    return status.trial is not None and status.trial.weight_reached_at is not None
