"""A trial, and what is on trial: a version that is pinned, in the slot where it runs."""

from pydantic import Field

from podium.api.v1alpha1.evidence import Evidence, Slot, StatusValue
from podium.api.v1alpha1.looks import Looks
from podium.api.v1alpha1.skipped import SkippedSteps
from podium.api.v1alpha1.source import ModelVersion
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.spec.pod import PassedThrough
from podium.api.v1alpha1.spec.rollout import OnInconclusive, Step
from podium.api.v1alpha1.values.base import Duration, Time


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
