"""What Podium decided and why: the memory of a rollout. All that a restarted operator needs is here."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from podium.api.base import Duration, Time, Value
from podium.api.rollout import Guard, OnSilence, Step

Slot = Literal["a", "b"]
Outcome = Literal["Promoted", "Rejected", "Withdrawn"]
HISTORY_LIMIT = 20
REJECTED_LIMIT = 20


class Phase(StrEnum):
    """Where a rollout stands."""

    PENDING = "Pending"
    GATING = "Gating"
    BLOCKED = "Blocked"
    WARMING = "Warming"
    CANARY = "Canary"
    PROMOTING = "Promoting"
    WATCHING = "Watching"
    ROLLING_BACK = "RollingBack"
    REJECTED = "Rejected"
    SETTLED = "Settled"


class Pinned(Value):
    """A model version, resolved once: pods that load anything else get no traffic."""

    version: str = Field(description="Version of the registered model.")
    run_id: str = Field("", description="MLflow run that made it.")
    digest: str = Field(description="Digest of its artifacts, sha256:<hex>.")
    slot: Slot = Field(description="Slot (Deployment and Service) where it runs.")


class Tally(Value):
    """Answers counted as evidence. Client errors are not answers in this sense."""

    answers: int = Field(0, ge=0, description="Answers that count as evidence, good and bad.")
    bad: int = Field(0, ge=0, description="Those that failed through the version's own fault.")


class PodTally(Value):
    """Last counters seen of one pod, so that only what came since is added."""

    uid: str
    slot: Slot
    answers: int = Field(ge=0)
    bad: int = Field(ge=0)


class Evidence(Value):
    """What the trial's pods have answered since the challenger got its first traffic."""

    challenger: Tally = Tally()
    champion: Tally = Tally()
    pods: list[PodTally] = []
    seen_at: Time | None = Field(None, description="When these counts were taken.")


class Verdict(Value):
    """Why a trial ended, and whether the version lost it."""

    reason: str
    message: str
    rejects: bool = Field(False, description="True where the version lost its trial; false where Git withdrew it.")


class Trial(Value):
    """A trial, with the terms under which it began."""

    generation: int = Field(description="metadata.generation that began the trial.")
    began: Time
    terms: str = Field(description="Fingerprint of gates, steps and guards as they were when the trial began.")
    trusted: bool = Field(False, description="True for a former champion with the same digest: no steps.")
    steps: list[Step]
    guards: list[Guard]
    on_silence: OnSilence
    patience: Duration
    watch: Duration
    step: int = Field(0, ge=0, description="Index of the step in force, from 0.")
    step_began: Time | None = Field(None, description="When this step's weight was asked for.")
    in_force_since: Time | None = Field(None, description="Since when this step's weight has been seen in force.")
    evidence: Evidence = Evidence()
    verdict: Verdict | None = None


class Rejection(Value):
    """A version that lost its trial. It is not tried again until Git says something new."""

    version: str
    digest: str
    reason: str
    message: str
    at: Time
    generation: int
    asked: str = Field(description="Fingerprint of gates, guards and retry under which it lost.")


class HistoryEntry(Value):
    """One decision."""

    version: str
    run_id: str = ""
    digest: str
    outcome: Outcome
    reason: str
    message: str
    at: Time
    generation: int
    answers: int = 0
    bad: int = 0
    recorded: bool = Field(False, description="True once the registry's tags say so too.")


class Weight(Value):
    """The challenger's share of the traffic."""

    asked: int = Field(0, ge=0, le=100, description="Percent that the step asks for.")
    in_force: int = Field(0, ge=0, le=100, description="Percent of the serving endpoints that are the challenger's.")


class RegistryStatus(Value):
    """What the registry is known to say."""

    alias: str | None = Field(
        None, description="Version to which the alias champion was last seen to point by Podium's own decision."
    )


class Condition(Value):
    """A condition in the form of kstatus."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    observed_generation: int
    last_transition_time: Time


class Status(Value):
    """What Podium decided, and why."""

    observed_generation: int = Field(0, description="metadata.generation that this status is about.")
    phase: Phase = Phase.PENDING
    phase_since: Time | None = None
    message: str = Field("", description="What is going on, in one sentence.")
    champion: Pinned | None = Field(None, description="The version that serves and is trusted.")
    challenger: Pinned | None = Field(None, description="The version on trial beside it.")
    former: Pinned | None = Field(None, description="The champion before this one, kept warm during the watch.")
    trial: Trial | None = None
    weight: Weight | None = None
    rejected: Annotated[list[Rejection], Field(max_length=REJECTED_LIMIT)] = []
    history: Annotated[list[HistoryEntry], Field(max_length=HISTORY_LIMIT)] = []
    registry: RegistryStatus = RegistryStatus()
    conditions: Annotated[
        list[Condition],
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
    ] = []
