"""The pods that answer gates."""

from collections.abc import Mapping
from typing import Protocol

from podium.core.actions import RunJob
from podium.core.facts import GateResponse
from podium.ports.cluster import ModelDeployment


class GateJobs(Protocol):
    """The pods that answer gates. One that was started is never started again, while its Job is there."""

    async def observe(self, md: ModelDeployment, requests: Mapping[str, str]) -> Mapping[str, GateResponse]:
        """The answers that are there, by gate, for these requests (request id by gate)."""

    async def run(self, md: ModelDeployment, action: RunJob) -> None:
        """Start the Job of a gate. Raises Rejected where another owner has its name."""
