"""The API server: the ModelDeployments, and the slots that Podium owns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.policy import PodiumPolicySpec
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, PodTemplate, Status
from podium.core.actions import Event
from podium.core.facts import AutoscalerState, Key, SlotState
from podium.core.refusal import Refusal, asks_for


@dataclass(frozen=True)
class AliasClaim:
    """What a ModelDeployment writes in a registry: an alias of a model. Of two, the older one may."""

    key: Key
    uid: str
    created: datetime
    deleting: bool
    registry: str  # empty for the operator's own
    model: str
    alias: str


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
    template: PodTemplate | None = None  # what this operator makes pods from, for this spec; None in a list
    written: Mapping[str, Any] | None = None  # the spec as it is written, where it cannot be read
    policies: tuple[PodiumPolicySpec, ...] | None = None  # of its namespace; None where the cluster has no such kind
    refusals: tuple[Refusal, ...] = ()  # what its spec asks for, and none of them grants
    unreadable: bool = False  # the status itself cannot be read: it holds the memory and must not be overwritten

    @property
    def may_route(self) -> bool:
        """Whether traffic may be written by its spec: by what a trial began with, or what policies grant."""
        return self.status.trial is not None or not asks_for(self.refusals, "spec.traffic")

    @property
    def claim(self) -> AliasClaim | None:
        """The alias that it writes; None where its spec cannot be read."""
        if self.spec is None:
            return None
        registry, model = self.spec.registry, self.spec.model.name
        about = (self.key, self.uid, self.created, self.deleting)
        return AliasClaim(*about, registry.uri or "", model, registry.aliases.champion)


class Cluster(Protocol):
    """The API server: the ModelDeployments, and the slots that Podium owns. Reads are fresh, never cached."""

    async def get(self, key: Key) -> ModelDeployment | None:
        """The object as etcd has it now; None where there is none."""

    async def cluster_id(self) -> str:
        """What tells this cluster from all others, for as long as it lives: the UID of its namespace kube-system.

        Raises Rejected where the operator may not list namespaces.
        """

    async def served(self) -> None:
        """Raises NotFound where there is no CRD, and other errors where ModelDeployments cannot be listed."""

    def template(self, md: ModelDeployment) -> PodTemplate | None:
        """What this operator would make its pods from, by the spec that it has here; None where it has none."""

    async def list_all(self) -> Sequence[ModelDeployment]:
        """All ModelDeployments of the namespaces that the operator watches."""

    async def write_status(self, md: ModelDeployment, status: Status) -> None:
        """Replace the status. Raises Conflict where the object was written since `md` was read.

        The same status as before is no write, and raises Conflict all the same.
        """

    async def add_finalizer(self, md: ModelDeployment) -> None:
        """Make the object's deletion wait until `remove_finalizer`."""

    async def remove_finalizer(self, md: ModelDeployment) -> None:
        """Let the object be deleted, as far as Podium is concerned."""

    async def emit_event(self, md: ModelDeployment, event: Event) -> None:
        """Write an Event about the object. The same Event again is no second one."""

    async def secret(self, namespace: str, name: str) -> Mapping[str, str]:
        """The Secret's entries, decoded. Raises NotFound."""

    async def slots(self, md: ModelDeployment) -> Mapping[Slot, SlotState]:
        """Both slots with their pods; pods come without identity and counters, which only the pods know."""

    async def run_slot(self, md: ModelDeployment, pinned: Pinned, replicas: int, revision: str | None = None) -> None:
        """Run this version in its slot, with that many pods. What is there already stays.

        The pods are made from the pinned template, whatever the spec says now; where that is not known any more, from
        the spec.

        Raises Conflict where the slot has another revision than this: what is asked was decided on old facts.
        """

    async def tell_pods(self, md: ModelDeployment, pinned: Pinned, pods: Sequence[str]) -> None:
        """Let these pods of the version's slot hear now that they are to load it in place. Pods that are gone are none.

        They hear of it without that, too, and later. Raises Rejected where Podium may not write pods.
        """

    async def renew_pods(self, md: ModelDeployment, pinned: Pinned, mark: str) -> None:
        """Replace the pods of the version's slot, a new one first. The same mark again replaces none."""

    async def stop_slot(self, md: ModelDeployment, slot: Slot, revision: str | None = None) -> None:
        """Stop the slot's pods, if they are Podium's. Raises Conflict as `run_slot` does."""

    async def autoscaler(self, md: ModelDeployment) -> AutoscalerState:
        """The HorizontalPodAutoscaler of the ModelDeployment."""

    async def run_autoscaler(self, md: ModelDeployment) -> None:
        """Make the autoscaler as the spec has it. Raises Rejected where another owner has its name."""

    async def stop_autoscaler(self, md: ModelDeployment) -> None:
        """Delete the autoscaler, if it is Podium's."""
