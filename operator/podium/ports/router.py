"""Where requests go."""

from collections.abc import Mapping
from typing import Protocol

from podium.api.v1alpha1.status import Slot
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.facts import SlotState, TrafficState
from podium.ports.cluster import ModelDeployment


class Router(Protocol):
    """Where requests go."""

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState: ...
    async def route(
        self, md: ModelDeployment, weights: Mapping[Slot, int], overrides: RouteOverrides = NO_OVERRIDES
    ) -> None: ...
    async def release(self, md: ModelDeployment) -> None: ...  # it goes: what stays behind leads to the champion
