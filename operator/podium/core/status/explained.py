"""What is to be said of a ModelDeployment, as plain values. Every verb that looks shows them, and so does the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from podium.api.v1alpha1.status import GateState, Phase
from podium.api.v1alpha1.values.base import format_percent
from podium.core.status.explained_arms import ArmExplanation

ShownState = GateState | Literal["not checked yet"]


@dataclass(frozen=True)
class Side:
    """What one version answered."""

    version: str
    answers: int
    bad: int

    @property
    def share(self) -> float | None:
        """The share of bad answers; None where there are no answers."""
        return self.bad / self.answers if self.answers else None


@dataclass(frozen=True)
class CriterionExplanation:
    """One criterion of a guard, and how far it is from a verdict."""

    measure: str  # what is counted
    limit: float  # a share; beside the champion a difference of shares
    beside_champion: bool
    mirrored: bool  # the share must not fall below the champion's by more than the limit
    verdict: str
    subject: Side
    champion: Side
    towards_failed: float  # log E / log(1/α): 1 is the proof
    towards_passed: float  # log E / log(1/β)
    alpha: float  # its part of the false rollback rate: E ≥ 1/α is the proof that it failed
    more_answers: int  # about so many until it passes
    more_seconds: float | None  # the same at the present rate; None where that is not known

    @property
    def tolerated(self) -> float:
        """The share that is tolerated: beside the champion its own share and the limit."""
        return self.tolerated_beside(self.champion.share)

    def tolerated_beside(self, champion: float | None) -> float:
        """The same, where the champion's share is this."""
        if not self.beside_champion:
            return self.limit
        beside = champion or 0.0
        return max(beside - self.limit, 0.0) if self.mirrored else beside + self.limit

    @property
    def scale(self) -> float:
        """Where a bar of its shares ends: at twice what is tolerated."""
        return 2 * self.tolerated or 1.0


@dataclass(frozen=True)
class DistributionPoint:
    """How many of each version's predictions are above a value, or of a class: `bad` of `answers`."""

    name: str  # of the class; of a value its number
    value: float | None  # None of a class
    subject: Side
    champion: Side
    baseline: float  # the champion's share when the value, or the class, was chosen


@dataclass(frozen=True)
class GuardExplanation:
    """A guard's verdict, and its criteria. None of them while it waits for the champion's baseline."""

    name: str
    verdict: str
    message: str
    criteria: Sequence[CriterionExplanation]
    kind: str = ""  # the field of the guard: error_rate, latency …
    distribution: Sequence[DistributionPoint] = ()  # of a guard on predictions: by value or class, in order

    @property
    def worst(self) -> CriterionExplanation:
        """The one that failed, or else is Inconclusive; of these the nearest to a failure. There has to be one."""
        order = ("Passed", "Inconclusive", "Failed")
        return max(self.criteria, key=lambda it: (order.index(it.verdict), it.towards_failed, it.more_answers))


@dataclass(frozen=True)
class GateExplanation:
    """A gate's last result."""

    name: str
    kind: str  # the field of the gate: metric, tags …
    version: str  # that it checked; "" before that
    state: ShownState
    message: str


@dataclass(frozen=True)
class StepExplanation:
    """One step of a trial."""

    weight: int  # percent
    duration: float  # seconds
    shadow: float | None = None  # share of the requests that are copied to the challenger; None where it gets users

    @property
    def text(self) -> str:
        """What the step gives the challenger."""
        return f"{self.weight}%" if self.shadow is None else f"shadow of {format_percent(self.shadow)}"


@dataclass(frozen=True)
class GuardLook:
    """What a guard had counted at one moment of a trial, and how far its evidence was."""

    answers: int  # of the version under judgement
    share: float | None  # of them that were bad; None where nothing was counted
    low: float  # of the 95 % interval of that share, at this one moment
    high: float
    champion: float | None
    tolerated: float | None  # share; None of a guard whose criteria each count something else
    towards_failed: float  # log E / log(1/α): 1 is the proof
    towards_passed: float  # log E / log(1/β)


@dataclass(frozen=True)
class LookExplanation:
    """One moment of a trial."""

    at: datetime
    weight: int  # percent for the challenger, as desired
    guards: Mapping[str, GuardLook]


@dataclass(frozen=True)
class TrialProgress:
    """How far a trial has come."""

    step: int  # from 1
    steps: int
    desired: int  # percent
    current: int | None  # percent, as measured
    duration: float  # seconds for which the weight has to be in force
    weight_reached_at: datetime | None
    false_rollback_rate: float
    false_promotion_rate: float
    ended: str  # why; "" while it goes on
    ladder: Sequence[StepExplanation]
    soak: float  # seconds for which the former champion is kept
    soaking_since: datetime | None
    observed_at: datetime | None  # when its evidence was last looked at
    looks: Sequence[LookExplanation] = ()  # what was seen of it over time, the newest last
    counted_pods: Sequence[str] = ()  # UIDs of the pods whose own counters the operator has read in it
    answers: Sequence[Side] = ()  # of the version under judgement, and of the one beside it; bad are the failed ones


@dataclass(frozen=True)
class OutageProgress:
    """A shared outage, and how far the champion is from passing its guards again."""

    since: datetime
    message: str
    runs: Mapping[str, Side]  # by guard: the champion's answers of its present good run


@dataclass(frozen=True)
class RecordedGuard:
    """What a guard had found when a version was decided."""

    name: str
    verdict: str
    message: str
    subject: Side
    champion: Side  # the version beside it, which the record does not name
    limit: float  # a share; beside the champion a difference of shares


@dataclass(frozen=True)
class PastDecision:
    """A decision of the past."""

    at: datetime
    version: str
    outcome: str
    reason: str
    message: str
    generation: int  # that it was about
    answers: int | None = None  # that counted as evidence; None where the record does not say
    bad: int | None = None
    guards: Sequence[RecordedGuard] = ()
    model: str = ""  # registered model, and where it is; "" where an older Podium did not write it down
    registry: str = ""
    digest: str = ""
    template: str = ""  # revision of the pod template, where that was on trial
    artifact: str = ""  # path of the whole record in the artifacts of the version's run; "" where there is none
    recorded: bool = False  # whether the registry's tags are known to have it


@dataclass(frozen=True)
class ConditionExplanation:
    """A condition as the operator wrote it."""

    type: str
    status: str  # True, False or Unknown
    reason: str
    message: str
    generation: int  # that it is about
    since: datetime


@dataclass(frozen=True)
class Explanation:
    """Everything that is to be said of a ModelDeployment."""

    name: str
    namespace: str
    phase: Phase
    message: str
    paused: bool
    desired: str
    champion: str
    challenger: str
    former: str
    slots: Mapping[str, str]  # by role
    weight: int | None  # percent for the challenger, as desired; None without a trial
    current_weight: int | None  # the same as measured
    generation: int  # of the object
    observed_generation: int  # that the status is about
    created: datetime | None
    since: datetime | None  # when the phase began
    conditions: Sequence[ConditionExplanation]
    gates: Sequence[GateExplanation]
    trial: TrialProgress | None
    guards: Sequence[GuardExplanation]
    shared_outage: OutageProgress | None
    arms: Sequence[ArmExplanation]  # of the experiment
    rejected: Sequence[PastDecision]
    history: Sequence[PastDecision]
    digests: Mapping[str, str] = field(default_factory=dict)  # by role

    def condition(self, kind: str) -> str:
        """The status of this condition; Unknown where the operator has not seen the object's generation yet."""
        found = next((condition for condition in self.conditions if condition.type == kind), None)
        return found.status if found is not None and found.generation >= self.generation else "Unknown"

    @property
    def last_decision(self) -> PastDecision | None:
        """The newest decision that the status remembers."""
        return self.history[-1] if self.history else None

    def standing(self, step: int) -> Literal["done", "now", "next"]:
        """Where the trial is at this step, from 1."""
        if self.trial is None or self.phase not in {Phase.CANARY, Phase.PROMOTING, Phase.SOAKING}:
            return "next"
        if self.phase is not Phase.CANARY or step < self.trial.step:
            return "done"
        return "now" if step == self.trial.step else "next"

    @property
    def earliest_end(self) -> datetime | None:
        """When the challenger can be promoted, or its soak be over, at the earliest; None where that is not known."""
        trial = self.trial
        if trial is None or trial.ended or self.paused:
            return None
        if self.phase is Phase.SOAKING and trial.soaking_since is not None:
            return trial.soaking_since + timedelta(seconds=trial.soak)
        if self.phase is not Phase.CANARY or trial.weight_reached_at is None:
            return None
        step_over = trial.weight_reached_at + timedelta(seconds=trial.duration)
        later = timedelta(seconds=sum(step.duration for step in trial.ladder[trial.step :]))
        return max(step_over, self._enough_answers(trial.observed_at) or step_over) + later

    def _enough_answers(self, observed_at: datetime | None) -> datetime | None:
        """When all guards have the answers that they need, at the present rate; None where that is not known."""
        waits = [criterion.more_seconds or 0.0 for guard in self.guards for criterion in guard.criteria]
        return observed_at + timedelta(seconds=max(waits, default=0.0)) if observed_at is not None else None

    @property
    def nearest(self) -> "tuple[str, CriterionExplanation] | None":
        """The guard that is nearest to a failure, and its criterion that is; None where none counts yet."""
        there = [(guard.name, criterion) for guard in self.guards for criterion in guard.criteria]
        return max(there, key=lambda it: (it[1].verdict == "Failed", it[1].towards_failed), default=None)
