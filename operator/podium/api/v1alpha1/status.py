"""What Podium decided and why: the memory of a rollout. All that a restarted operator needs is here."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from podium.api.v1alpha1.after_soak import ChampionWatch
from podium.api.v1alpha1.evidence import GuardRecord, StatusValue
from podium.api.v1alpha1.experiment import Arm, ExperimentProgress
from podium.api.v1alpha1.outage import SharedOutage, Suspicion
from podium.api.v1alpha1.outbox import Outbox
from podium.api.v1alpha1.registry_status import RegistryStatus
from podium.api.v1alpha1.reload import ReloadResult
from podium.api.v1alpha1.source import ModelVersion, VersionRecord
from podium.api.v1alpha1.spec.experiment import MOST_ARMS
from podium.api.v1alpha1.traffic import Draining, Weight
from podium.api.v1alpha1.trial import Pinned, PodTemplate, Trial, Verdict
from podium.api.v1alpha1.values.base import Time
from podium.api.v1alpha1.values.rules import KeyedBy

__all__ = [
    "GATES_LIMIT",
    "HISTORY_LIMIT",
    "REJECTED_LIMIT",
    "REJECTED_TEMPLATES_LIMIT",
    "Condition",
    "GateState",
    "GateStatus",
    "HistoryEntry",
    "Hold",
    "Outcome",
    "Phase",
    "Pinned",
    "PodTemplate",
    "Rejection",
    "Status",
    "TemplateRejection",
    "Trial",
    "Verdict",
]
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
    EXPERIMENTING = "Experimenting"
    PROMOTING = "Promoting"
    SOAKING = "Soaking"
    ROLLING_BACK = "RollingBack"
    REJECTED = "Rejected"
    ABORTED = "Aborted"
    STABLE = "Stable"


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
    experiment: ExperimentProgress | None = Field(
        None, description="How far `rollout.experiment` has come; absent without one."
    )
    arms: list[Arm] = Field([], max_length=MOST_ARMS, description="The challengers of the experiment.")
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
