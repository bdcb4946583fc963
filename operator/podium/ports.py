"""The outside world as the controller needs it: small Protocols. Fakes of each ship in `podium.testing`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from podium.api.spec import Spec
from podium.api.status import Pinned, Slot, Status
from podium.core.actions import NO_OVERRIDES, Event, RouteOverrides, RunJob
from podium.core.facts import (
    AutoscalerState,
    Counters,
    GateResponse,
    Identity,
    Key,
    PodState,
    RegistryState,
    SlotState,
    TrafficState,
)


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


@dataclass(frozen=True)
class RegistryLogin:
    """Where the registry is and how to log in. Never printed: the values are secrets."""

    uri: str
    variables: Mapping[str, str]  # MLFLOW_TRACKING_USERNAME, …_PASSWORD, …_TOKEN

    def __repr__(self) -> str:
        return f"RegistryLogin({self.uri!r}, {len(self.variables)} variables)"


@dataclass(frozen=True)
class RegistryQuery:
    """What one ModelDeployment wants to know of the registry."""

    login: RegistryLogin
    model: str
    version: str | None  # exactly one of version and wanted_alias
    wanted_alias: str | None
    champion: str | None  # version of the status's champion, for comparison
    champion_alias: str
    record: tuple[str, ...] = ()  # versions whose own tags are read, to see whether a decision is recorded
    signatures: bool = False  # whether to read the signatures of both versions: they cost a file each
    champion_model: str = ""  # of the champion, where it is another one than the wanted version's


class Registry(Protocol):
    """The model registry. Each method raises Unavailable, Rejected or NotFound, with a message that says what to do."""

    async def query(self, query: RegistryQuery) -> RegistryState: ...
    async def move_alias(self, login: RegistryLogin, model: str, alias: str, version: str) -> None: ...
    async def write_tags(self, login: RegistryLogin, model: str, version: str, tags: Mapping[str, str]) -> None: ...
    async def write_record(self, login: RegistryLogin, model: str, version: str, path: str, text: str) -> None: ...


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


class Router(Protocol):
    """Where requests go."""

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState: ...
    async def route(
        self, md: ModelDeployment, weights: Mapping[Slot, int], overrides: RouteOverrides = NO_OVERRIDES
    ) -> None: ...
    async def release(self, md: ModelDeployment) -> None: ...  # it goes: what stays behind leads to the champion


@dataclass(frozen=True)
class PodReport:
    """What one pod says of itself."""

    identity: Identity | None
    counters: Counters


class PodMetrics(Protocol):
    """What the pods say of themselves, by pod uid. Who does not answer in time is left out: missing data holds."""

    async def ask(self, namespace: str, pods: Sequence[PodState]) -> Mapping[str, PodReport]: ...


class GateJobs(Protocol):
    """The pods that answer gates. One that was started is never started again, while its Job is there."""

    async def observe(self, md: ModelDeployment, questions: Mapping[str, str]) -> Mapping[str, GateResponse]: ...
    async def run(self, md: ModelDeployment, wanted: RunJob) -> None: ...  # raises Rejected for a stranger


@dataclass(frozen=True)
class WebhookCall:
    """A gate's query to a service. The same query always has the same id, so that a repeat can be told."""

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
    """Services that answer gates. Raises Unavailable for silence, and Rejected for what is no verdict."""

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
class LeaseState:
    """The Lease that says who leads. `version` changes with every write."""

    holder: str  # "" where it was released
    seconds: float  # how long the holder's claim lasts unless it is renewed
    version: str
    transitions: int = 0


class LeaseStore(Protocol):
    """The one Lease of this operator. Times are never compared across machines: only changes of `version` count."""

    async def read(self) -> LeaseState | None: ...
    async def write(self, held: LeaseState | None, holder: str, seconds: float) -> LeaseState: ...  # raises Conflict


class Clock(Protocol):
    """Time, so that tests can make their own."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


__all__ = [
    "Clock",
    "Cluster",
    "GateJobs",
    "LeaseState",
    "LeaseStore",
    "MetricsStore",
    "ModelDeployment",
    "PodMetrics",
    "PodReport",
    "Registry",
    "RegistryLogin",
    "RegistryQuery",
    "Router",
    "Totals",
    "WebhookCall",
    "WebhookVerdict",
    "Webhooks",
]  # fmt: skip
