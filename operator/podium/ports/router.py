"""Where requests go."""

from collections.abc import Mapping
from typing import Protocol

from podium.api.v1alpha1.evidence import Slot
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.facts import SlotState, TrafficState
from podium.ports.cluster import ModelDeployment


class Router(Protocol):
    """Where requests go."""

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        """What was asked of the router, and whether it is in force."""

    async def route(
        self,
        md: ModelDeployment,
        weights: Mapping[Slot, int],
        overrides: RouteOverrides = NO_OVERRIDES,
        trial: str = "",
        revision: str | None = None,
    ) -> None:
        """Ask for these weights, in percent by slot, for a trial. `observe` says when they are in force.

        Raises Conflict where the traffic has another revision than this: what is asked was decided on old facts.
        """

    async def add_retries(self, md: ModelDeployment) -> None:
        """Let the gateway send a request again whose connection broke before there was an answer.

        Raises Rejected where that is not taken, and where an object of another owner stands where its own should be.
        """

    async def remove_retries(self, md: ModelDeployment) -> None:
        """Let the gateway do with such requests as before. Objects of others are left alone."""

    async def release(self, md: ModelDeployment) -> None:
        """The ModelDeployment goes: what stays behind leads to the champion."""
