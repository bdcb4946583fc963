"""The Services beside a route: one for each slot, which gateways weigh, and the main one for clients in the cluster."""

import asyncio
from collections.abc import Mapping, Sequence

from podium.adapters.kubernetes import names, read, render
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects, revision_of
from podium.adapters.kubernetes.subset import holds
from podium.api.v1alpha1.evidence import ARM_SLOTS, Slot
from podium.core.facts import SLOTS
from podium.ports import ModelDeployment

ALL = 100  # percent


class SlotServices:
    """Both slots' Services are always there, whatever runs, so that a route never refers to a missing one.

    The main Service leads to one slot only: connections could not be shared as exactly as requests are.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._owned = OwnedObjects(api)

    async def find(self, md: ModelDeployment) -> Mapping[str, Json]:
        """Those that belong to the ModelDeployment, by name."""
        path, selector = names.path(names.SERVICES, md.key.namespace), f"{names.DEPLOYMENT}={md.key.name}"
        found = await self._api.list(path, selector=selector)
        return {one["metadata"]["name"]: one for one in found if read.owned(one, md.uid)}

    async def read(self, md: ModelDeployment, weights: Mapping[Slot, int]) -> Sequence[Json | None]:
        """The Services for these weights, whoever owns them, in the order in which they are made."""
        named = [names.slot_name(md.key.name, slot) for slot in _slots(weights)] + [md.key.name]
        return await asyncio.gather(*(self._owned.find(names.SERVICES, md.key.namespace, name) for name in named))

    async def apply(self, md: ModelDeployment, weights: Mapping[Slot, int], found: Sequence[Json | None]) -> None:
        """Make the Services as these weights want them. Raises Conflict where one was written since it was found."""
        writes = zip(found, desired_services(md, weights), strict=True)
        await asyncio.gather(
            *(self._owned.replace(names.SERVICES, one, desired, revision_of(one)) for one, desired in writes)
        )


def as_desired(md: ModelDeployment, found: Mapping[str, Json], weights: Mapping[Slot, int]) -> bool:
    """Whether the Services that were found are those that go with these weights."""
    for each in desired_services(md, weights):
        live = found.get(each["metadata"]["name"])
        if not holds(live, each) or live is None or live["spec"].get("selector") != each["spec"]["selector"]:
            return False
    return True


def desired_services(md: ModelDeployment, weights: Mapping[Slot, int]) -> Sequence[Json]:
    """The Services of a ModelDeployment: one a slot, and the one that clients use."""
    assert md.spec is not None
    owner = read.owner_of(md)
    slots = [render.slot_service(owner, md.spec, slot) for slot in _slots(weights)]
    return [*slots, render.main_service(owner, md.spec, undivided(md, weights))]


def _slots(weights: Mapping[Slot, int]) -> Sequence[Slot]:
    """Both slots of a trial, and those of the arms that have a share."""
    return [*SLOTS, *(slot for slot in ARM_SLOTS if slot in weights)]


def undivided(md: ModelDeployment, weights: Mapping[Slot, int]) -> Mapping[Slot, int]:
    """All to the slot that has it all, and while it is divided, to the champion's."""
    champion = md.status.champion
    leader = next((slot for slot, weight in weights.items() if weight == ALL), champion.slot if champion else SLOTS[0])
    return {slot: ALL if slot == leader else 0 for slot in SLOTS}
