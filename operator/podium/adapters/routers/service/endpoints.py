"""Which pods get traffic by their Services: what EndpointSlices say, and what they should say."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.api.v1alpha1.evidence import Slot
from podium.core.facts import SlotState
from podium.errors import PodiumError
from podium.ports import ModelDeployment

_log = logging.getLogger(__name__)


async def endpoints_of(api: Api, md: ModelDeployment, *services: str) -> frozenset[str] | None:
    """Uids of the pods that these Services lead to now; None where that cannot be read: a way back must not wait."""
    path = names.path(names.ENDPOINT_SLICES, md.key.namespace)
    try:
        slices = await api.list(path, selector=f"{names.SERVICE_NAME} in ({','.join(services)})", within=2.0)
    except PodiumError as error:
        _log.warning("could not read the endpoints of %s, its current weights are unknown: %s", md.key, error)
        return None
    return frozenset(_ready_uids(slices))


def ready_pods(weights: Mapping[Slot, int], slots: Mapping[Slot, SlotState]) -> frozenset[str]:
    """Uids of the pods that should get traffic: the ready ones of the slots with a share."""
    chosen = (slots[slot] for slot, weight in weights.items() if weight > 0 and slot in slots)
    return frozenset(pod.uid for slot in chosen for pod in slot.pods if pod.ready)


def _ready_uids(slices: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for endpoint in (one for each in slices for one in each.get("endpoints") or []):
        # "ready" left out means ready, says the API's own documentation.
        if (endpoint.get("conditions") or {}).get("ready", True) is not False:
            yield (endpoint.get("targetRef") or {}).get("uid", "")
