"""The outside world as the controller needs it: small Protocols. Fakes of each ship in `podium.testing`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from podium.api.spec import Spec
from podium.api.status import Pinned, Slot, Status
from podium.core.actions import NO_DETOURS, Detours, Event, RunJob
from podium.core.facts import (
    AutoscalerSeen,
    Counters,
    GateAnswer,
    Identity,
    Key,
    PodSeen,
    RegistrySeen,
    SlotSeen,
    TrafficSeen,
)


@dataclass(frozen=True)
class ModelDeploymentSeen:
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
    held: bool = False  # its deletion waits until Podium lets it go
    unreadable: bool = False  # the status itself cannot be read: it holds the memory and must not be overwritten


@dataclass(frozen=True)
class RegistryLogin:
    """Where the registry is and how to log in. Never printed: the values are secrets."""

    uri: str
    variables: Mapping[str, str]  # MLFLOW_TRACKING_USERNAME, …_PASSWORD, …_TOKEN

    def __repr__(self) -> str:
        return f"RegistryLogin({self.uri!r}, {len(self.variables)} variables)"


@dataclass(frozen=True)
class Question:
    """What one ModelDeployment wants to know of the registry."""

    login: RegistryLogin
    model: str
    version: str | None  # exactly one of version and wanted_alias
    wanted_alias: str | None
    champion: str | None  # version of the status's champion, for comparison
    champion_alias: str
    record: tuple[str, ...] = ()  # versions whose own tags are wanted, to see whether a decision is recorded
    signatures: bool = False  # whether the signatures of both versions are wanted: they cost a file each


class Registry(Protocol):
    """The model registry. Each method raises Unreachable, Refused or Missing, with a message that says what to do."""

    async def look(self, question: Question) -> RegistrySeen: ...
    async def move_alias(self, login: RegistryLogin, model: str, alias: str, version: str) -> None: ...
    async def write_tags(self, login: RegistryLogin, model: str, version: str, tags: Mapping[str, str]) -> None: ...
    async def write_record(self, login: RegistryLogin, model: str, version: str, path: str, text: str) -> None: ...


class Cluster(Protocol):
    """The API server: the ModelDeployments, and the slots that Podium owns. Reads are fresh, never cached."""

    async def get(self, key: Key) -> ModelDeploymentSeen | None: ...
    async def list_all(self) -> Sequence[ModelDeploymentSeen]: ...
    async def write_status(self, seen: ModelDeploymentSeen, status: Status) -> None: ...  # raises Conflict
    async def hold(self, seen: ModelDeploymentSeen) -> None: ...  # its deletion waits until it is let go
    async def let_go(self, seen: ModelDeploymentSeen) -> None: ...
    async def tell(self, seen: ModelDeploymentSeen, event: Event) -> None: ...  # a repeat is no second Event
    async def secret(self, namespace: str, name: str) -> Mapping[str, str]: ...  # raises Missing
    async def slots(self, seen: ModelDeploymentSeen) -> Mapping[Slot, SlotSeen]: ...  # pods without identity
    async def run_slot(self, seen: ModelDeploymentSeen, pinned: Pinned, replicas: int) -> None: ...
    async def stop_slot(self, seen: ModelDeploymentSeen, slot: Slot) -> None: ...
    async def autoscaler(self, seen: ModelDeploymentSeen) -> AutoscalerSeen: ...
    async def run_autoscaler(self, seen: ModelDeploymentSeen) -> None: ...  # raises Refused
    async def stop_autoscaler(self, seen: ModelDeploymentSeen) -> None: ...


class Router(Protocol):
    """Where requests go."""

    async def seen(self, seen: ModelDeploymentSeen, slots: Mapping[Slot, SlotSeen]) -> TrafficSeen: ...
    async def route(
        self, seen: ModelDeploymentSeen, weights: Mapping[Slot, int], detours: Detours = NO_DETOURS
    ) -> None: ...
    async def release(self, seen: ModelDeploymentSeen) -> None: ...  # it goes: what stays behind leads to the champion


@dataclass(frozen=True)
class Statement:
    """What one pod says of itself."""

    identity: Identity | None
    counters: Counters


class EvidenceSource(Protocol):
    """What the pods say of themselves, by pod uid. Who does not answer in time is left out: missing data holds."""

    async def ask(self, namespace: str, pods: Sequence[PodSeen]) -> Mapping[str, Statement]: ...


class GateJobs(Protocol):
    """The pods that answer gates. One that was started is never started again, while its Job is there."""

    async def seen(self, seen: ModelDeploymentSeen, questions: Mapping[str, str]) -> Mapping[str, GateAnswer]: ...
    async def run(self, seen: ModelDeploymentSeen, wanted: RunJob) -> None: ...  # raises Refused for a stranger


@dataclass(frozen=True)
class WebhookCall:
    """A gate's question to a service. The same question always has the same id, so that a repeat can be told."""

    url: str
    timeout: float  # seconds
    authorization: str | None = field(repr=False)  # a secret
    id: str
    key: Key
    gate: str
    model: str
    challenger: Pinned
    champion: Pinned | None
    registry_uri: str
    at: datetime


@dataclass(frozen=True)
class WebhookVerdict:
    """What a service has answered. The message is its own: bounded, on one line, and not to be trusted."""

    allowed: bool
    message: str


class Webhooks(Protocol):
    """Services that answer gates. Raises Unreachable for silence, and Refused for what is no verdict."""

    async def ask(self, call: WebhookCall) -> WebhookVerdict: ...


@dataclass(frozen=True)
class Totals:
    """What a metrics store says now, by query. A query has a value or a flaw, which says why it has none."""

    values: Mapping[str, float]
    flaws: Mapping[str, str]


class MetricsStore(Protocol):
    """Totals that others count, such as Prometheus. It raises nothing: what has no total is missing, and holds."""

    async def totals(self, queries: Sequence[str]) -> Totals: ...


@dataclass(frozen=True)
class LeaseSeen:
    """The Lease that says who leads. `version` changes with every write."""

    holder: str  # "" where it was released
    seconds: float  # how long the holder's claim lasts unless it is renewed
    version: str
    transitions: int = 0


class LeaseStore(Protocol):
    """The one Lease of this operator. Times are never compared across machines: only changes of `version` count."""

    async def read(self) -> LeaseSeen | None: ...
    async def write(self, held: LeaseSeen | None, holder: str, seconds: float) -> LeaseSeen: ...  # raises Conflict


class Clock(Protocol):
    """Time, so that tests can make their own."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


__all__ = [
    "Clock", "Cluster", "EvidenceSource", "GateJobs", "LeaseSeen", "LeaseStore", "MetricsStore", "ModelDeploymentSeen",
    "Question", "Registry", "RegistryLogin", "Router", "Statement", "Totals", "WebhookCall", "WebhookVerdict",
    "Webhooks",
]  # fmt: skip
