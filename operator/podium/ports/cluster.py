"""The API server: the ModelDeployments, and the slots that Podium owns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, Slot, Status
from podium.core.actions import Event
from podium.core.facts import AutoscalerState, Key, SlotState


@dataclass(frozen=True)
class ModelDeployment:
    """A ModelDeployment as the API server has it. `spec` is None where it cannot be read; `flaw` says why."""

    key: Key
    uid: str
    generation: int
    resource_version: str
    created: datetime
    deleting: bool
    spec: Spec | None
    status: Status
    flaw: str = ""
    has_finalizer: bool = False  # its deletion waits until Podium lets it go
    unreadable: bool = False  # the status itself cannot be read: it holds the memory and must not be overwritten


class Cluster(Protocol):
    """The API server: the ModelDeployments, and the slots that Podium owns. Reads are fresh, never cached."""

    async def get(self, key: Key) -> ModelDeployment | None: ...
    async def list_all(self) -> Sequence[ModelDeployment]: ...
    async def write_status(self, md: ModelDeployment, status: Status) -> None: ...  # raises Conflict
    async def add_finalizer(self, md: ModelDeployment) -> None: ...  # its deletion waits until the finalizer is removed
    async def remove_finalizer(self, md: ModelDeployment) -> None: ...
    async def emit_event(self, md: ModelDeployment, event: Event) -> None: ...  # a repeat is no second Event
    async def secret(self, namespace: str, name: str) -> Mapping[str, str]: ...  # raises NotFound
    async def slots(self, md: ModelDeployment) -> Mapping[Slot, SlotState]: ...  # pods without identity
    async def run_slot(self, md: ModelDeployment, pinned: Pinned, replicas: int) -> None: ...
    async def stop_slot(self, md: ModelDeployment, slot: Slot) -> None: ...
    async def autoscaler(self, md: ModelDeployment) -> AutoscalerState: ...
    async def run_autoscaler(self, md: ModelDeployment) -> None: ...  # raises Rejected
    async def stop_autoscaler(self, md: ModelDeployment) -> None: ...
