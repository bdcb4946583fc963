"""The explanation of a ModelDeployment and its trial, as plain values: made of its spec and status alone."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from podium.api.v1alpha1.evidence import Counts
from podium.api.v1alpha1.spec.gates import Gate
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import GateState, HistoryEntry, Phase, Pinned, Rejection, Status, Trial
from podium.core.analysis import guards
from podium.core.analysis.criteria import criteria
from podium.core.analysis.guards import CriterionResult
from podium.core.analysis.shared_outage import run_of
from podium.core.analysis.tests import SequentialTest, sequential_tests
from podium.core.status.messages import trial_began

ShownState = GateState | Literal["not checked yet"]


class Unexplained(Exception):
    """The object cannot be read. The message says what was found, and where."""


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
    more_answers: int  # about so many until it passes
    more_seconds: float | None  # the same at the present rate; None where that is not known


@dataclass(frozen=True)
class GuardExplanation:
    """A guard's verdict, and its criteria. None of them while it waits for the champion's baseline."""

    name: str
    verdict: str
    message: str
    criteria: Sequence[CriterionExplanation]


@dataclass(frozen=True)
class GateExplanation:
    """A gate's last result."""

    name: str
    kind: str  # the field of the gate: metric, tags …
    version: str  # that it checked; "" before that
    state: ShownState
    message: str


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


@dataclass(frozen=True)
class OutageProgress:
    """A shared outage, and how far the champion is from passing its guards again."""

    since: datetime
    message: str
    runs: Mapping[str, Side]  # by guard: the champion's answers of its present good run


@dataclass(frozen=True)
class PastDecision:
    """A decision of the past."""

    at: datetime
    version: str
    outcome: str
    reason: str
    message: str


@dataclass(frozen=True)
class Explanation:
    """Everything that `podium explain` shows."""

    name: str
    namespace: str
    phase: Phase
    message: str
    paused: bool
    desired: str
    champion: str
    challenger: str
    former: str
    gates: Sequence[GateExplanation]
    trial: TrialProgress | None
    guards: Sequence[GuardExplanation]
    shared_outage: OutageProgress | None
    rejected: Sequence[PastDecision]
    history: Sequence[PastDecision]


def explanation(value: Mapping[str, Any]) -> Explanation:
    """The explanation of an object. Raises Unexplained where this version of Podium cannot read spec or status."""
    metadata, spec, status = value.get("metadata") or {}, _spec(value), _status(value)
    trial = status.trial
    return Explanation(
        name=str(metadata.get("name", "")),
        namespace=str(metadata.get("namespace", "")),
        phase=status.phase,
        message=status.message,
        paused=spec.paused,
        desired=spec.model.version or f"alias {spec.model.alias}",
        champion=_version(status.champion),
        challenger=_version(status.challenger),
        former=_version(status.former),
        gates=[_gate(gate, status) for gate in spec.gates],
        trial=_standing(trial, status) if trial is not None else None,
        guards=list(_guards(trial, status)) if trial is not None else [],
        shared_outage=_shared_outage(status),
        rejected=[_rejection(lost) for lost in status.rejected],
        history=[_decided(entry) for entry in status.history],
    )


def _spec(value: Mapping[str, Any]) -> Spec:
    try:
        return Spec.model_validate(value.get("spec"))
    except ValidationError as error:
        raise Unexplained(f"spec{_first(error)}") from error


def _status(value: Mapping[str, Any]) -> Status:
    try:
        return Status.model_validate(value.get("status") or {})
    except ValidationError as error:
        raise Unexplained(f"status{_first(error)}") from error


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found["loc"])
    return f"{place}: {found['msg']}"


def _version(pinned: Pinned | None) -> str:
    return pinned.version if pinned is not None else ""


# --- gates ------------------------------------------------------------------------------------------------------------


def _gate(gate: Gate, status: Status) -> GateExplanation:
    kind = next(name for name in type(gate).model_fields if name != "name" and getattr(gate, name) is not None)
    last = next((each for each in status.gates if each.name == gate.name), None)
    if last is None:
        return GateExplanation(gate.name, kind, "", "not checked yet", "")
    return GateExplanation(gate.name, kind, last.version, last.state, last.message)


# --- the trial --------------------------------------------------------------------------------------------------------


def _standing(trial: Trial, status: Status) -> TrialProgress:
    step, weight = trial.steps[trial.step], status.weight
    return TrialProgress(
        step=trial.step + 1,
        steps=len(trial.steps),
        desired=weight.desired if weight is not None else step.weight,
        current=weight.current if weight is not None else None,
        duration=step.duration.total_seconds(),
        weight_reached_at=trial.weight_reached_at,
        false_rollback_rate=trial.false_rollback_rate,
        false_promotion_rate=trial.false_promotion_rate,
        ended=trial.verdict.message if trial.verdict is not None else "",
    )


def _guards(trial: Trial, status: Status) -> Iterator[GuardExplanation]:
    tests = {test.criterion.name: test for test in sequential_tests(trial, trial.evidence)}
    for judged in guards.judge(trial):
        found = [_criterion(finding, tests[finding.criterion.name], trial, status) for finding in judged.findings]
        yield GuardExplanation(judged.guard.name, judged.state, judged.message, found)


def _criterion(finding: CriterionResult, test: SequentialTest, trial: Trial, status: Status) -> CriterionExplanation:
    criterion, judge = finding.criterion, test.judge()
    subject, other = _versions(status)
    more = max(0, finding.enough - finding.challenger.answers) if finding.state == "Inconclusive" else 0
    return CriterionExplanation(
        measure=criterion.measure.name,
        limit=criterion.limit,
        beside_champion=criterion.beside_champion,
        mirrored=criterion.mirrored,
        verdict=finding.state,
        subject=_side(subject, finding.challenger),
        champion=_side(other, finding.champion),
        towards_failed=1.0 if finding.state == "Failed" else _part(judge.log_failed, -math.log(test.share.alpha)),
        towards_passed=_part(judge.log_passed, -math.log(trial.false_promotion_rate)),
        more_answers=more,
        more_seconds=_seconds(more, finding.challenger.answers, trial),
    )


def _versions(status: Status) -> tuple[str, str]:
    """The version under judgement, and the one beside it."""
    if status.phase is Phase.SOAKING:
        return _version(status.champion), _version(status.former)
    return _version(status.challenger), _version(status.champion)


def _side(version: str, counts: Counts) -> Side:
    return Side(version, counts.answers, counts.bad)


def _part(won: float, needed: float) -> float:
    return min(1.0, max(0.0, won / needed))


def _seconds(more: int, answers: int, trial: Trial) -> float | None:
    """How long so many more answers take, at the mean rate since the challenger's first traffic, or near it."""
    seen, began = trial.evidence.observed_at, trial_began(trial)
    if seen is None or seen <= began or not answers:
        return None
    return more * (seen - began).total_seconds() / answers


# --- shared outage, and the past --------------------------------------------------------------------------------------


def _shared_outage(status: Status) -> OutageProgress | None:
    outage = status.shared_outage
    if outage is None:
        return None
    champion = _version(status.champion)
    runs = {
        criterion.name: _side(champion, run_of(criterion, outage.evidence))
        for guard in outage.guards
        for criterion in criteria(guard, outage.evidence)
        if not criterion.beside_champion
    }
    return OutageProgress(outage.since, outage.message, runs)


def _rejection(lost: Rejection) -> PastDecision:
    return PastDecision(lost.at, lost.version, "Rejected", lost.reason, lost.message)


def _decided(entry: HistoryEntry) -> PastDecision:
    return PastDecision(entry.at, entry.version, entry.outcome, entry.reason, entry.message)
