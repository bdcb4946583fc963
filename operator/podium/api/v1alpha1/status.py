"""What Podium decided and why: the memory of a rollout. All that a restarted operator needs is here."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from podium.api.v1alpha1.after_soak import ChampionWatch
from podium.api.v1alpha1.evidence import Evidence, GuardRecord, Slot, StatusValue
from podium.api.v1alpha1.looks import Looks
from podium.api.v1alpha1.outage import SharedOutage, Suspicion
from podium.api.v1alpha1.outbox import Outbox
from podium.api.v1alpha1.registry_status import RegistryStatus
from podium.api.v1alpha1.reload import ReloadResult
from podium.api.v1alpha1.skipped import SkippedSteps
from podium.api.v1alpha1.source import ModelVersion, VersionRecord
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.spec.pod import PassedThrough
from podium.api.v1alpha1.spec.rollout import OnInconclusive, Step
from podium.api.v1alpha1.traffic import Draining, Weight
from podium.api.v1alpha1.values.base import Duration, Time
from podium.api.v1alpha1.values.rules import KeyedBy

Outcome = Literal["Promoted", "Rejected", "RolledBack", "Aborted"]
GateState = Literal["Passed", "Failed", "Pending"]
HISTORY_LIMIT = 20
REJECTED_LIMIT = 20
REJECTED_TEMPLATES_LIMIT = 5
GATES_LIMIT = 32


class Phase(StrEnum):
    """Where a rollout stands."""

    PENDING = "Pending"
    GATING = "Gating"
    BLOCKED = "Blocked"
    RELOADING = "Reloading"
    STARTING = "Starting"
    CANARY = "Canary"
    PROMOTING = "Promoting"
    SOAKING = "Soaking"
    ROLLING_BACK = "RollingBack"
    REJECTED = "Rejected"
    ABORTED = "Aborted"
    STABLE = "Stable"


class PodTemplate(StatusValue):
    """What the pods of a version are made from: the whole template is beside them, and this says which one it is."""

    revision: str = Field(description="Hash of the pod template as it was made, without what is the version's own.")
    spec_hash: str = Field(
        description="Hashes of what Git says of pods and their registry. Equal ones differ by the operator alone."
    )
    image: str = Field("", description="Image of the model server.")


class Pinned(ModelVersion):
    """A model version, resolved once: all is rendered from it, and pods that load anything else get no traffic."""

    login: str | None = Field(
        None, description="Secret with the login for its registry; the operator's own without it."
    )
    slot: Slot = Field(description="Slot (Deployment and Service) where it runs.")
    latency_limits: tuple[float, ...] = Field(
        (), description="Seconds at which its latency histogram has edges of their own, for its guards."
    )
    trial_number: int = Field(
        0,
        ge=0,
        description="Number of the trial that started its pods, one above the champion's then. The slot with the lower "
        "number answers what the other one fails. 0 where an older Podium started them.",
    )
    template: PodTemplate | None = Field(
        None, description="Template of its pods; absent before a pod is started, and where an older Podium made them."
    )


class Verdict(StatusValue):
    """Why a trial ended, and whether the version lost it."""

    reason: str = Field(description="Reason, a documented constant.")
    message: str = Field(description="Why, in one sentence.")
    rejects: bool = Field(
        False, description="True where the version lost its trial; false where the trial ended for another reason."
    )
    suspects: bool = Field(
        False, description="True where the champion's own answers are still to show whether the fault is the version's."
    )


class Trial(StatusValue):
    """A trial, with the terms under which it began."""

    generation: int = Field(description="metadata.generation that began the trial.")
    started_at: Time = Field(description="When the trial began.")
    terms_hash: str = Field(description="Hash of gates, steps and guards as they were when the trial began.")
    previously_promoted: bool = Field(
        False,
        description="True for a former champion with the same digest: no gates, and no steps but for its template.",
    )
    tries_template: bool = Field(
        False,
        description="True where a former champion's pods are made from a template that is not trusted: with steps, and "
        "what loses is the template.",
    )
    steps: list[Step] = Field(description="Steps of this trial.")
    guards: list[Guard] = Field(description="Guards of this trial.")
    false_rollback_rate: float = Field(0.01, description="Probability of a false rollback in this trial (α).")
    false_promotion_rate: float = Field(0.05, description="Probability of a false promotion in this trial (β).")
    detect: float = Field(10, description="How many times worse than the limit a step must be able to expose.")
    consecutive_failures: int = Field(10, description="Bad answers in a row that end this trial.")
    on_inconclusive: OnInconclusive = Field(description="What inconclusive evidence does in this trial.")
    step_timeout: Duration = Field(description="How long a step of this trial may wait for answers.")
    soak: Duration = Field(description="How long the former champion is kept after this trial.")
    starting_since: Time | None = Field(
        None, description="Since when too few of its pods are verified for its phase; absent once they are enough."
    )
    step: int = Field(0, ge=0, description="Index of the current step, from 0.")
    step_started_at: Time | None = Field(None, description="When this step's weight was set.")
    weight_reached_at: Time | None = Field(None, description="Since when the traffic has had this step's weight.")
    soaking_since: Time | None = Field(
        None, description="Since when it has served alone with a ready pod; absent while it does not."
    )
    earlier_crashes: list[str] = Field(
        [], description="Pods that had crashed before the trial, with the time: these crashes are no part of it."
    )
    evidence: Evidence = Field(Evidence(), description="What both versions have answered since its first traffic.")
    recovers: Verdict | None = Field(
        None, description="What the champion failed after its soak whose place it takes; absent in any other trial."
    )
    origin: str = Field("", description="What logged its version, in MLflow a run, where that is known.")
    spec: PassedThrough = Field(
        {},
        description="The last spec of this trial that could be read. A rollback follows it where spec cannot be read.",
    )
    skipped: SkippedSteps | None = Field(None, description="Steps that a person let it skip; absent without one.")
    looks: Looks = Field(Looks(), description="What was seen of it over time, for people; nothing is decided by it.")
    verdict: Verdict | None = Field(None, description="Why it ended; absent until then.")

    @property
    def skips_steps(self) -> bool:
        """Whether all is trusted: the version, and what its pods are made from."""
        return self.previously_promoted and not self.tries_template


class Rejection(VersionRecord):
    """A version that lost its trial. It is not tried again until the spec changes."""

    at: Time = Field(description="When it was rejected.")
    generation: int = Field(description="metadata.generation that the decision is about.")
    rejection_hash: str = Field(
        description="Hash of gates, guards and retry under which it lost; for a failed start, of serving, too."
    )


class TemplateRejection(Rejection):
    """A pod template with which a version lost its trial. The version is trusted as before with the template it has."""

    template: PodTemplate = Field(description="The template that lost. Another one is tried again.")

    def is_about(self, version: ModelVersion, template: PodTemplate) -> bool:
        """Whether this version lost with this template."""
        return self.same_version(version) and self.template.revision == template.revision


class Hold(VersionRecord):
    """A version whose trial ended for a cause that is not its own: it is not rejected, and tried again."""

    since: Time = Field(description="When its last trial ended.")
    attempts: int = Field(1, ge=1, description="How many trials ended so in a row.")
    spec_hash: str = Field(description="Hash of the spec at that time. A changed spec ends the hold.")


class HistoryEntry(VersionRecord):
    """One decision."""

    outcome: Outcome = Field(description="How its trial ended.")
    at: Time = Field(description="When it was decided.")
    generation: int = Field(description="metadata.generation that the decision is about.")
    answers: int = Field(0, description="Answers that counted as evidence.")
    bad: int = Field(0, description="Those that failed.")
    guards: list[GuardRecord] = Field([], description="Result of each guard.")
    template: PodTemplate | None = Field(
        None, description="The pod template, where that was on trial, with a version that is trusted."
    )
    template_spec_hash: str = Field("", description="Hash of what Git said of its pods.")
    previously_promoted: bool = Field(False, description="True where the version was a trusted former champion.")
    recorded: bool = Field(False, description="True once the registry's tags record it.")


class GateStatus(StatusValue):
    """The last result of a gate, and the version that it is about."""

    name: str = Field(description="Name of the gate.")
    state: GateState = Field(description="Whether it passed, failed, or waits for a person, a pod, a service or time.")
    message: str = Field("", description="What was found, what is required, or what it waits for.")
    version: str = Field("", description="Version that it is about.")
    at: Time = Field(description="Since when it has this state.")
    request_id: str = Field(
        "", alias="requestID", description="ID of the request to a job or webhook; each request is sent once."
    )


class Condition(StatusValue):
    """A condition in the form of kstatus."""

    type: str = Field(description="What the condition is about: Ready, Reconciling, Stalled …")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: str = Field(description="Reason, a documented constant.")
    message: str = Field(description="What is so, and what would change it.")
    observed_generation: int = Field(description="metadata.generation that it is about.")
    last_transition_time: Time = Field(description="When its status last changed.")


class Status(StatusValue):
    """What Podium decided, and why."""

    observed_generation: int = Field(
        -1, description="metadata.generation that this status is about; -1 before the first one."
    )
    phase: Phase = Field(Phase.PENDING, description="Where the rollout stands.")
    phase_since: Time | None = Field(None, description="Since when.")
    message: str = Field("", description="What happens now, in one sentence.")
    replicas: int = Field(0, ge=0, description="Pods that the champion's Deployment is asked for, for autoscalers.")
    selector: str = Field("", description="Labels of all pods of both versions, for autoscalers to find them.")
    champion: Pinned | None = Field(None, description="The version that serves and is trusted.")
    challenger: Pinned | None = Field(None, description="The version on trial beside it.")
    former: Pinned | None = Field(None, description="The champion before this one, kept warm during the soak.")
    gates: list[GateStatus] = Field([], max_length=GATES_LIMIT, description="Last result of each gate.")
    trial: Trial | None = Field(None, description="The trial that is under way, or the last one.")
    shared_outage: SharedOutage | None = Field(
        None, description="A guard that the champion fails too, while it keeps the next trial from starting."
    )
    suspected: Suspicion | None = Field(
        None, description="The version whose rejection waits for the champion's own answers; absent without one."
    )
    after_soak: ChampionWatch | None = Field(
        None, description="The watch of the champion after its soak; absent without spec.rollout.afterSoak."
    )
    weight: Weight | None = Field(None, description="The share of the traffic that the challenger gets.")
    draining: Draining | None = Field(None, description="The version that has lost its traffic, while it drains.")
    rejected: list[Rejection] = Field(
        [], max_length=REJECTED_LIMIT, description="Versions that lost their trial, and are not tried again."
    )
    rejected_template: TemplateRejection | None = Field(
        None, description="The last pod template that lost its trial with a trusted version; absent without one."
    )
    earlier_rejected_templates: list[TemplateRejection] = Field(
        [],
        max_length=REJECTED_TEMPLATES_LIMIT,
        description="Pod templates that lost their trial before that one, and are not tried again, the newest first.",
    )
    held: Hold | None = Field(
        None, description="The version that is tried again later, for a cause that was not its own; absent without one."
    )
    reload: ReloadResult | None = Field(None, description="How the last version came to serve, with reload InPlace.")
    history: list[HistoryEntry] = Field([], max_length=HISTORY_LIMIT, description="Decisions so far, the newest last.")
    registry: RegistryStatus = Field(RegistryStatus(), description="What the registry is known to say.")
    outbox: Outbox = Field(Outbox(), description="Events for Alerts that are still to be delivered.")
    conditions: Annotated[list[Condition], KeyedBy("type")] = Field(
        [], description="Conditions in the form of kstatus, and Podium's own beside them."
    )

    def stored(self) -> dict[str, Any]:
        """The status as the API server keeps it: times to the millisecond, nothing where there is nothing."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def trusted(self) -> Pinned | None:
        """The version that gets the traffic where a trial is given up: in a soak, the former champion."""
        return self.former or self.champion

    @property
    def pinned(self) -> "tuple[Pinned, ...]":
        """The versions that have a role now."""
        return tuple(each for each in (self.champion, self.challenger, self.former) if each is not None)

    @property
    def rejected_templates(self) -> "tuple[TemplateRejection, ...]":
        """The pod templates that are remembered to have lost, the newest first."""
        last = self.rejected_template
        return () if last is None else (last, *self.earlier_rejected_templates)

    @property
    def blank(self) -> bool:
        """Whether nothing is remembered: before the first version, or after it was lost."""
        return not (self.pinned or self.history or self.rejected)
