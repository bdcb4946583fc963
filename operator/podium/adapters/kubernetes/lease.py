"""The port LeaseStore: one Lease of coordination.k8s.io."""

from typing import Any

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api, Json
from podium.errors import NotFound
from podium.ports import Clock, LeaseState


class KubernetesLease:
    """Implements the port LeaseStore. Times in the Lease are for people; no clock is trusted."""

    def __init__(self, api: Api, clock: Clock, namespace: str, name: str) -> None:
        self._api = api
        self._clock = clock
        self._namespace = namespace
        self._name = name

    async def read(self) -> LeaseState | None:
        try:
            return _seen(await self._api.get(self._path(self._name), within=2.0))
        except NotFound:
            return None

    async def write(self, held: LeaseState | None, holder: str, seconds: float) -> LeaseState:
        """Write the Lease over the one that was seen. Raises Conflict where another one wrote in between."""
        if held is None:
            return _seen(await self._api.create(self._path(), self._lease(holder, seconds, 0)))
        changed = holder not in (held.holder, "")
        body = self._lease(holder, seconds, held.transitions + changed)
        body["metadata"]["resourceVersion"] = held.version
        return _seen(await self._api.replace(self._path(self._name), body))

    def _lease(self, holder: str, seconds: float, transitions: int) -> Json:
        now = self._clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z")
        spec: dict[str, Any] = {
            "holderIdentity": holder,
            "leaseDurationSeconds": max(1, round(seconds)),
            "leaseTransitions": transitions,
            "renewTime": now,
        }
        metadata = {"name": self._name, "namespace": self._namespace}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}

    def _path(self, name: str = "") -> str:
        return names.path(names.LEASES, self._namespace, name)


def _seen(found: Json) -> LeaseState:
    spec = found.get("spec") or {}
    return LeaseState(
        holder=spec.get("holderIdentity") or "",
        seconds=float(spec.get("leaseDurationSeconds") or 1),
        version=found["metadata"]["resourceVersion"],
        transitions=int(spec.get("leaseTransitions") or 0),
    )
