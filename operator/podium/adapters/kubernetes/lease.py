"""The port LeaseStore: Leases of coordination.k8s.io, `podium-operator`, and `podium-operator-1` of the next shard."""

import re
from collections.abc import Mapping
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api, Json
from podium.errors import NotFound
from podium.ports import Clock, LeaseState

_WANTED: Final = "podium.dev/wanted-by"
_NUMBER: Final = re.compile(r"-(?P<shard>[1-9][0-9]{0,3})")


class KubernetesLease:
    """Implements the port LeaseStore. Times in the Lease are for people; no clock is trusted."""

    def __init__(self, api: Api, clock: Clock, namespace: str, name: str) -> None:
        self._api = api
        self._clock = clock
        self._namespace = namespace
        self._name = name

    async def read(self, shard: int = 0) -> LeaseState | None:
        try:
            return _seen(await self._api.get(self._path(self._named(shard)), within=2.0))
        except NotFound:
            return None

    async def write(
        self, held: LeaseState | None, holder: str, seconds: float, shard: int = 0, wanted: str = ""
    ) -> LeaseState:
        """Write the Lease over the one that was seen. Raises Conflict where another one wrote in between."""
        name = self._named(shard)
        if held is None:
            return _seen(await self._api.create(self._path(), self._lease(name, holder, seconds, 0, wanted)))
        changed = holder not in (held.holder, "")
        body = self._lease(name, holder, seconds, held.transitions + changed, wanted)
        body["metadata"]["resourceVersion"] = held.version
        return _seen(await self._api.replace(self._path(name), body))

    async def all(self) -> Mapping[int, LeaseState]:
        found: dict[int, LeaseState] = {}
        for lease in await self._api.list(self._path(), within=2.0):
            shard = self._shard(lease["metadata"]["name"])
            if shard is not None:
                found[shard] = _seen(lease)
        return found

    def _lease(self, name: str, holder: str, seconds: float, transitions: int, wanted: str) -> Json:
        now = self._clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z")
        spec: dict[str, Any] = {
            "holderIdentity": holder,
            "leaseDurationSeconds": max(1, round(seconds)),
            "leaseTransitions": transitions,
            "renewTime": now,
        }
        metadata: Json = {"name": name, "namespace": self._namespace}
        if wanted:
            metadata["annotations"] = {_WANTED: wanted}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}

    def _named(self, shard: int) -> str:
        return f"{self._name}-{shard}" if shard else self._name

    def _shard(self, name: str) -> int | None:
        if name == self._name:
            return 0
        found = _NUMBER.fullmatch(name.removeprefix(self._name)) if name.startswith(self._name) else None
        return int(found["shard"]) if found is not None else None

    def _path(self, name: str = "") -> str:
        return names.path(names.LEASES, self._namespace, name)


def _seen(found: Json) -> LeaseState:
    spec = found.get("spec") or {}
    return LeaseState(
        holder=spec.get("holderIdentity") or "",
        seconds=float(spec.get("leaseDurationSeconds") or 1),
        version=found["metadata"]["resourceVersion"],
        transitions=int(spec.get("leaseTransitions") or 0),
        wanted=(found["metadata"].get("annotations") or {}).get(_WANTED, ""),
    )
