"""One ModelDeployment on the real cluster, as a user handles it: apply, look, wait; and clients that use it."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from demo.clients import Clients
from demo.ledger import Ledger
from podium.api.v1alpha1.status import Phase, Status
from testbed.waiting import wait_until
from tests.kubectl import Kubectl

QUICK: dict[str, Any] = {"steps": [{"weight": 20, "duration": "2s"}, {"weight": 50, "duration": "2s"}], "soak": "5s"}
SLOW = 180.0  # seconds that a phase may take on a busy machine


@dataclass
class Rollout:
    """A ModelDeployment in the test's own namespace, with an alias of its own."""

    kubectl: Kubectl
    model: str
    port: int  # NodePort of its Service, on 127.0.0.1
    name: str = "churn"
    spec: dict[str, Any] = field(default_factory=dict)

    def apply(self, version: str, **parts: Any) -> None:
        """Apply it with this version wanted. Parts replace whole sections of the spec, and stay for the next time."""
        self.spec = {
            "registry": {"aliases": {"champion": self.alias}},
            "serving": {"replicas": 2, "drain": "3s", "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}}},
            "traffic": {"service": {"type": "NodePort", "nodePort": self.port}},
            "rollout": QUICK,
            **self.spec,
            **parts,
            "model": {"name": self.model, "version": version},
        }
        self.kubectl.apply(json.dumps(self.manifest))

    @property
    def manifest(self) -> dict[str, Any]:
        return {
            "apiVersion": "podium.dev/v1alpha1",
            "kind": "ModelDeployment",
            "metadata": {"name": self.name},
            "spec": self.spec,
        }

    @property
    def alias(self) -> str:
        return f"champion-{self.kubectl.namespace}"

    def object(self) -> dict[str, Any]:
        return self.kubectl.get("md", self.name)

    def status(self) -> Status:
        return Status.model_validate(self.object().get("status") or {})

    def condition(self, kind: str) -> tuple[str, str, str]:
        """Status, reason and message."""
        found = {each.type: each for each in self.status().conditions}
        return (found[kind].status, found[kind].reason, found[kind].message) if kind in found else ("", "", "")

    def until(self, what: str, holds: Callable[[Status], bool], seconds: float = SLOW) -> Status:
        """Wait until this holds of a status that is about what was applied last. Raises TimedOut with the status."""
        last: list[Status] = []

        def look() -> Status | None:
            found = self.object()
            status = Status.model_validate(found.get("status") or {})
            last[:] = [status]
            current = status.observed_generation == found["metadata"]["generation"]
            return status if current and holds(status) else None

        try:
            return wait_until(what, look, seconds)
        except Exception as error:
            error.add_note(f"last seen: {last[0].phase if last else None}: {last[0].message if last else ''}")
            raise

    def reach(self, phase: Phase, seconds: float = SLOW) -> Status:
        return self.until(f"phase {phase}", lambda status: status.phase is phase, seconds)

    def settle(self, version: str, seconds: float = SLOW) -> Status:
        """Until this version is champion and nothing is on trial."""

        def settled(status: Status) -> bool:
            champion = status.champion
            return status.phase is Phase.STABLE and champion is not None and champion.version == version

        return self.until(f"version {version} settled", settled, seconds)

    def recorded(self) -> Status:
        """Until the registry has been told of every decision. Nothing else waits for that."""

        def told(status: Status) -> bool:
            champion = status.champion.version if status.champion else None
            return status.registry.alias == champion and all(entry.recorded for entry in status.history)

        return self.until("the registry has been told", told)

    def events(self) -> list[str]:
        """Reason and note of every Event about it."""
        found = self.kubectl.get("events.events.k8s.io")["items"]
        return [f"{each['reason']}: {each.get('note', '')}" for each in found if each["regarding"]["name"] == self.name]

    def pods(self, version: str) -> list[dict[str, Any]]:
        """Pods of this version that are not being deleted."""
        selector = f"--selector=podium.dev/deployment={self.name},podium.dev/version={version}"
        found = self.kubectl.get("pods", selector)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


@contextmanager
def clients(port: int, bodies: Sequence[bytes], rate: float = 20, host: str = "") -> Iterator[Ledger]:
    """Steady requests while the block runs, for that host. The ledger is complete once it has ended."""
    ledger, stop, ready = Ledger(), asyncio.Event(), threading.Event()
    loop = asyncio.new_event_loop()
    asking = Clients("127.0.0.1", port, bodies, rate, time.monotonic, ledger, name=host)

    async def ask() -> None:
        # A NodePort answers once kube-proxy knows the Service, about a second after its pods are ready.
        assert await asking.reached(within=30)
        ready.set()
        await asking.run(stop)

    thread = threading.Thread(target=loop.run_until_complete, args=[ask()], name="clients")
    thread.start()
    assert ready.wait(timeout=40), "the Service never answered"
    try:
        yield ledger
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
