"""The pods that answer gates."""

from collections.abc import Mapping
from typing import Protocol

from podium.core.actions import RunJob
from podium.core.facts import GateResponse
from podium.ports.cluster import ModelDeployment


class GateJobs(Protocol):
    """The pods that answer gates. One that was started is never started again, while its Job is there."""

    async def observe(self, md: ModelDeployment, questions: Mapping[str, str]) -> Mapping[str, GateResponse]: ...
    async def run(self, md: ModelDeployment, wanted: RunJob) -> None: ...  # raises Rejected for a stranger
