"""The port Hints: the Cluster's and the Router's own code, reading what the informers keep."""

from collections.abc import Iterable, Mapping

from podium.adapters.kubernetes.cluster import KubernetesCluster
from podium.adapters.kubernetes.informers.informers import Informers
from podium.adapters.kubernetes.informers.stored_api import StoredApi
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.adapters.routers.choice import Routers
from podium.api.v1alpha1.evidence import Slot
from podium.core.facts import AutoscalerState, Key, SlotState, TrafficState
from podium.ports import Clock, Listed, ModelDeployment


class KubernetesHints:
    """Implements the port Hints."""

    def __init__(self, informers: Informers, clock: Clock, defaults: Defaults) -> None:
        api = StoredApi(informers.store)
        self._informers = informers
        self._cluster = KubernetesCluster(api, clock, defaults, instance="")
        self._routers = Routers(
            api, clock
        )  # what it remembers of refusals and conflicts is not what the other one does
        self.listen = informers.listen
        self.relist = informers.relist
        self.compare = informers.compare

    async def get(self, key: Key) -> ModelDeployment | None:
        return await self._cluster.get(key)

    async def slots(self, md: ModelDeployment) -> Mapping[Slot, SlotState]:
        return await self._cluster.slots(md)

    async def autoscaler(self, md: ModelDeployment) -> AutoscalerState:
        return await self._cluster.autoscaler(md)

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        return await self._routers.observe(md, slots)

    def listed(self) -> Iterable[Listed]:
        return self._informers.listed()

    def forget(self, key: Key) -> None:
        self._routers.forget(key)
