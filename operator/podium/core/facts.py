"""The input of a decision: observed once, frozen."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from podium.api.v1alpha1.evidence import Counts, Slot
from podium.api.v1alpha1.source import Source
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import GateState, Phase, Pinned, PodTemplate, Status, Verdict
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.evaluations import Dataset, Evaluation
from podium.core.identity import Identity
from podium.core.once import Once
from podium.core.refusal import Refusal
from podium.core.retry_state import RetryState
from podium.core.shadow import ShadowPairs
from podium.core.signature import Signature
from podium.core.unsaved import NewerWatch, Unsaved

SLOTS: tuple[Slot, Slot] = ("a", "b")
ALL = 100  # percent


def other_than(slot: Slot) -> Slot:
    """The other one of the two."""
    return "b" if slot == "a" else "a"


@dataclass(frozen=True)
class Key:
    """Which ModelDeployment."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Problem:
    """Something that a person or time has to mend: a reason constant, and a message that says what to do."""

    reason: str
    message: str


@dataclass(frozen=True)
class ModelVersion:
    """A model version as the registry has it. Names, tags and metrics are hostile input: data, never code."""

    version: str
    digest: str  # see podium.core.digest; "" for the champion beside another version: the status has it pinned
    metrics: Mapping[str, float] = field(default_factory=dict)  # of its run; may hold NaN and infinities
    tags: Mapping[str, str] = field(default_factory=dict)  # the run's, overlaid by the version's own
    created: datetime | None = None  # when it was registered
    measured_on: Mapping[str, Dataset] = field(default_factory=dict)  # metric -> its dataset, where that is known
    evaluated_on: tuple[Dataset, ...] = ()  # datasets that its run names, other than for training
    evaluations: tuple[Evaluation, ...] = ()  # linked to its logged model, the newest last
    signature: Signature | None = None  # None where there is none, and where no gate asks for it
    origin: str = ""  # what logged it, as the registry calls that; "" where it does not say


@dataclass(frozen=True)
class RegistryState:
    """The state of the registry at one time. Everything but its address is None while it has not answered."""

    uri: str = ""  # which registry is asked: the spec's, or the operator's own
    desired: ModelVersion | None = None  # what spec.model names
    champion: ModelVersion | None = None  # the status's champion
    alias: str | None = None  # version to which the champion alias points; "" where it is not set
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # version -> its own tags, for the record
    claim: str | None = None  # who may write that alias, as the registry has it: hostile; "" no one yet; None: not kept
    problem: Problem | None = None
    revision: str | None = field(default=None, compare=False)  # of the model's aliases and versions; None: not known


@dataclass(frozen=True)
class Histogram:
    """How many values were at or below each edge; edges rise. Values above the last edge are only in `total`."""

    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()  # cumulative, by edge
    total: int = 0

    def at_most(self, value: float) -> int:
        """How many values are known to be at most this: exact where it is an edge."""
        return self.counts[place - 1] if (place := bisect_right(self.edges, value)) else 0


@dataclass(frozen=True)
class Counters:
    """Totals since the pod's process began. 4xx answers are in none of them."""

    answers: int
    bad: int
    invalid: int = 0  # of the bad ones: NaN, infinite, of the wrong shape
    consecutive_bad: int = 0  # bad answers since the last good one, now
    latency: Histogram = Histogram()  # seconds, of the answers whose time says something of the model
    scores: Histogram = Histogram()  # predictions that are numbers
    classes: Mapping[str, int] = field(default_factory=dict)  # predictions that are classes
    received: int | None = None  # requests when they came; None where the pod does not say
    first: "Counters | None" = None  # the same of requests whose side was drawn for each of them; None as above
    shadow: ShadowPairs | None = None  # of a champion's pod in a shadow step; None elsewhere


@dataclass(frozen=True)
class Crash:
    """The last abnormal end of a pod's container."""

    at: datetime
    exit_code: int
    reason: str  # kubelet's word: Error, OOMKilled …
    message: str = ""  # termination message


@dataclass(frozen=True)
class ReloadState:
    """What a pod says of the version that it was last told to load in place."""

    digest: str  # "" where it cannot read which one
    state: str  # loading, served or failed
    reason: str = ""  # why it failed: the name of an exit code (podium.runtime.exits), or restart_needed

    def given_up(self, digest: str) -> bool:
        """Whether the pod will not load it any more. Where the registry is silent, it asks again as a new pod would."""
        return self.state == "failed" and self.digest in {digest, ""} and self.reason != "not_fetched"


@dataclass(frozen=True)
class PodState:
    """One pod of a slot that is not being deleted."""

    uid: str
    name: str
    version: str  # what it was started for; of one that reloads in place, what it says that it serves
    ready: bool
    identity: Identity | None = None  # None until it has been asked and has answered
    counters: Counters | None = None
    crash: Crash | None = None
    waiting: str = ""  # why it does not start, where kubelet says so: ImagePullBackOff …
    ip: str = ""  # "" until it has one
    startup_step: str = ""  # what its server does before it is ready; "" where it does not say
    reloads: bool = False  # whether it loads in place what its slot is to run
    told: str = ""  # the identity that it was last told to load, as text; "" where it never was
    reload: ReloadState | None = None  # None until it says so
    template: str = ""  # the revision of the pod template that it was made from; "" where it does not say

    def made_for(self, pinned: Pinned) -> bool:
        """Whether it was started for this version, from this template."""
        return self.version == pinned.version and self.made_from(pinned.template)

    def made_from(self, template: PodTemplate | None) -> bool:
        """Whether it was made from this template, as far as is known."""
        return template is None or self.template in {"", template.revision}

    @property
    def runs(self) -> bool:
        """Whether its server has been started, and is not ready yet, as far as kubelet says."""
        return bool(self.ip) and not self.ready and not self.waiting


@dataclass(frozen=True)
class SlotState:
    """A slot's Deployment and its pods."""

    runs: Pinned | None = None  # what the Deployment is for; None where there is none
    replicas: int = 0  # asked of the Deployment
    up_to_date: bool = True  # False where the Deployment differs from what Podium makes for what it runs
    rolled_out: bool = True  # False while Kubernetes has not made all of its pods, or has pods of an older template
    stuck: str = ""  # why Kubernetes does not get on with that, in its words
    pods: tuple[PodState, ...] = ()
    stopping: int = 0  # pods that are being deleted
    revision: str = field(default="", compare=False)  # of the Deployment; another one after each write of its spec

    def ready(self, pinned: Pinned | None) -> int:
        """How many pods for this version, from its template, are ready."""
        return 0 if pinned is None else sum(pod.ready and pod.made_for(pinned) for pod in self.pods)

    def verified(self, pinned: Pinned | None) -> int:
        """How many pods from its template are ready and have said that they serve exactly this digest."""
        if pinned is None:
            return 0
        expected = Identity(pinned.version, pinned.digest)
        return sum(pod.ready and pod.identity == expected and pod.made_from(pinned.template) for pod in self.pods)


@dataclass(frozen=True)
class TrafficState:
    """Where requests go. Weights are percent by slot; an empty mapping means that there is no route yet."""

    desired: Mapping[Slot, int] = field(default_factory=dict)
    current: Mapping[Slot, float] = field(default_factory=dict)  # measured: share of ready endpoints, in percent
    in_sync: bool = False  # what is asked is what is in force, as far as this router can
    settling: bool = False  # a gateway has not said that it took what is asked: what it had before may be in force
    problem: Problem | None = None  # what is in the way, for a person to see
    overrides: RouteOverrides = NO_OVERRIDES  # asked too
    retries: RetryState | None = None  # None where the gateway has none that Podium knows, and behind a Service
    trial: str | None = None  # the trial that it was last written for, "" for none; None where that is not kept
    revision: str = field(default="", compare=False)  # of the Service or route; another one after each write

    def may_reach(self, slot: Slot) -> bool:
        """Whether requests may still reach the slot."""
        shared = self.desired.get(slot, 0) > 0 or self.current.get(slot, 0) > 0
        return self.settling or shared or self.overrides.preview == slot


@dataclass(frozen=True)
class AliasConflict:
    """Another ModelDeployment may write the alias: it has claimed it in the registry, or is older."""

    key: Key  # of the older one, or whom the claim names; its own where that cannot be read
    alias: str
    claim: str = ""  # cluster/namespace/name, as the registry has it; "" where it is of this cluster and older


@dataclass(frozen=True)
class GateResponse:
    """The response of a job or a webhook to a gate's request so far."""

    request_id: str  # see podium.core.fingerprints.request_id; an answer to another one is none
    state: GateState
    message: str


@dataclass(frozen=True)
class AutoscalerState:
    """The HorizontalPodAutoscaler that belongs to the ModelDeployment."""

    there: bool = False
    up_to_date: bool = False  # as spec.serving.autoscaling wants it
    problem: Problem | None = None  # why it is not, where a person has to mend that


@dataclass(frozen=True)
class ObservedState:
    """The observed state, whatever is desired."""

    registry: RegistryState = RegistryState()
    slots: Mapping[Slot, SlotState] = field(default_factory=dict)
    traffic: TrafficState = TrafficState()
    alias_conflict: AliasConflict | None = None
    alias_owner: str = ""  # how claims in the registry name this ModelDeployment; "" where its cluster is not known
    claim_void: bool = False  # the claim there is another one's that is gone, or that Git says to take over from
    counts: Mapping[str, Mapping[Slot, Counts]] = field(default_factory=dict)  # by measure: what Prometheus has
    count_flaws: Mapping[str, str] = field(default_factory=dict)  # by measure: why Prometheus has nothing
    gate_responses: Mapping[str, GateResponse] = field(default_factory=dict)  # by the gate's name
    has_finalizer: bool = False  # the ModelDeployment's deletion would wait for Podium
    autoscaler: AutoscalerState | None = None  # None where it could not be read
    template: PodTemplate | None = None  # what this operator would make pods from now; None where that is not known
    template_trials: frozenset[Key] = frozenset()  # others that try a template which came with an operator's upgrade
    template_turn: bool = False  # whether this one may do so now
    refusals: tuple[Refusal, ...] = ()  # what Git asks for, and no PodiumPolicy grants

    def slot(self, slot: Slot) -> SlotState:
        """What is in the slot; an empty one where nothing is known."""
        return self.slots.get(slot, SlotState())


@dataclass(frozen=True)
class Facts:
    """One ModelDeployment at one moment."""

    key: Key
    generation: int
    spec: Spec
    status: Status
    observed: ObservedState
    now: datetime
    unsaved: Unsaved | None = None
    newer_watch: NewerWatch | None = None  # of the champion, after its soak
    lost: Verdict | None = None  # by which the subject lost its trial, where the status could not be written
    answered_before: frozenset[str] = frozenset()  # UIDs of pods that had answered by the last reconcile
    evaluable: bool = True  # False where the evidence could not be evaluated: none is taken, and nothing progresses
    once: Once = field(default_factory=Once, compare=False, repr=False)  # one for all the facts of a reconcile

    def of_source(self, known: Source) -> bool:
        """Whether something comes from the registry and the model that Git names now."""
        return known.matches(self.observed.registry.uri, self.spec.model.name)

    @property
    def subject(self) -> Pinned | None:
        """The version under judgement: the challenger, or the new champion while it is watched."""
        return self.status.champion if self.status.phase is Phase.SOAKING else self.status.challenger

    @property
    def serves_alone(self) -> bool:
        """Whether requests may reach the subject, and no other version could answer them."""
        subject, traffic = self.subject, self.observed.traffic
        if subject is None or self.fallback is not None:
            return False
        return traffic.desired.get(subject.slot, 0) > 0 or traffic.current.get(subject.slot, 0) > 0

    @property
    def fallback(self) -> Pinned | None:
        """The version to which traffic would return."""
        return self.status.former if self.status.phase is Phase.SOAKING else self.status.champion
