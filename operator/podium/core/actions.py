"""Everything that Podium may do to the world, as values. `controller.apply` carries them out, one match for all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.gates import JobGate, WebhookGate
from podium.api.v1alpha1.status import Pinned


@dataclass(frozen=True)
class RunSlot:
    """Make the slot's Deployment and Service run this version, with so many pods of its pinned template."""

    pinned: Pinned
    replicas: int
    why: str


@dataclass(frozen=True)
class TellPods:
    """Let these pods of the slot hear at once what they are to load in place; by itself that takes a minute or more."""

    pinned: Pinned
    pods: tuple[str, ...]  # names
    why: str


@dataclass(frozen=True)
class RenewPods:
    """Replace the slot's pods one by one, because some cannot load in place what they are to serve."""

    pinned: Pinned
    mark: str  # which replacement this is: the same one again changes nothing
    why: str


@dataclass(frozen=True)
class StopSlot:
    """Scale the slot to nothing. Its pods finish what they hold."""

    slot: Slot
    why: str


@dataclass(frozen=True)
class TrialAffinity:
    """Users stay on their side of this trial, and move to the challenger only, as its weight rises."""

    trial: str  # what an earlier trial said of a user means nothing in this one
    challenger: Slot
    weights: tuple[int, ...]  # of the challenger so far, rising; the last one is asked for now


@dataclass(frozen=True)
class RouteOverrides:
    """Requests that go another way than the weights say."""

    preview: Slot | None = None  # where testers go
    session_affinity: TrialAffinity | None = None


NO_OVERRIDES: Final = RouteOverrides()


@dataclass(frozen=True)
class SetTraffic:
    """Send these shares (percent, summing to 100) to the slots, and some requests past them."""

    weights: Mapping[Slot, int]
    why: str
    overrides: RouteOverrides = NO_OVERRIDES
    trial: str = ""  # the ID of the trial that it is part of; "" where none goes on


@dataclass(frozen=True)
class ClaimAlias:
    """Say in the registry who writes the alias, where its claim is still the one that was seen."""

    alias: str
    owner: str
    replaces: str  # the claim that was seen; "" where there was none
    why: str


@dataclass(frozen=True)
class MoveAlias:
    """Let the champion alias point to this version."""

    alias: str
    version: str
    why: str
    owner: str = ""  # who must have claimed it by then; "" where the registry keeps no claims


@dataclass(frozen=True)
class WriteTags:
    """Write the record of a decision to a model version."""

    version: str
    tags: Mapping[str, str] = field(hash=False)
    why: str


@dataclass(frozen=True)
class WriteRecord:
    """Keep the whole record of a decision as an artifact of the version's run, where the registry allows it."""

    version: str
    path: str
    text: str
    why: str


@dataclass(frozen=True)
class RunJob:
    """Start the pod that answers a gate's request_id, unless it was started before."""

    gate: str
    job: JobGate = field(hash=False)
    request_id: str  # see podium.core.fingerprints.request_id
    pinned: Pinned
    why: str


@dataclass(frozen=True)
class CallWebhook:
    """Ask a service a gate's request_id, until it answers."""

    gate: str
    webhook: WebhookGate = field(hash=False)
    request_id: str
    pinned: Pinned
    why: str


@dataclass(frozen=True)
class RunAutoscaler:
    """Let a HorizontalPodAutoscaler set the size, as spec.serving.autoscaling says."""

    why: str


@dataclass(frozen=True)
class StopAutoscaler:
    """Take the HorizontalPodAutoscaler away. The size stays as it is."""

    why: str


@dataclass(frozen=True)
class AddRetries:
    """Let the gateway send a request again whose connection broke before there was an answer."""

    why: str


@dataclass(frozen=True)
class RemoveRetries:
    """Let the gateway do with such requests as it did before the trial."""

    why: str


@dataclass(frozen=True)
class AddFinalizer:
    """Let the ModelDeployment's deletion wait until the adopted route has been left to the champion."""

    why: str


@dataclass(frozen=True)
class RemoveFinalizer:
    """Let its deletion wait no more."""

    why: str


RegistryWrite = ClaimAlias | MoveAlias | WriteTags | WriteRecord  # carried out in the background
OnCluster = RunSlot | TellPods | RenewPods | StopSlot | RunAutoscaler | StopAutoscaler | AddFinalizer | RemoveFinalizer
OnRouter = SetTraffic | AddRetries | RemoveRetries
Action = OnCluster | OnRouter | RegistryWrite | RunJob | CallWebhook


@dataclass(frozen=True)
class Event:
    """A Kubernetes Event. The same transition always gives the same `identity`, so a repeat is no second Event."""

    warning: bool
    reason: str
    message: str
    identity: str
