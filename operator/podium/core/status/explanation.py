"""The explanation of a ModelDeployment and its trial, as plain values: made of its spec and status alone."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from podium.api.v1alpha1.evidence import Counts
from podium.api.v1alpha1.spec.gates import Gate
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Condition, HistoryEntry, Phase, Pinned, Rejection, Status, Trial
from podium.core.analysis import guards
from podium.core.analysis.criteria import criteria
from podium.core.analysis.guards import CriterionResult
from podium.core.analysis.shared_outage import run_of
from podium.core.analysis.tests import NOT_EVALUATED, SequentialTest, sequential_tests
from podium.core.status.explained import (
    ConditionExplanation,
    CriterionExplanation,
    Explanation,
    GateExplanation,
    GuardExplanation,
    OutageProgress,
    PastDecision,
    Side,
    StepExplanation,
    TrialProgress,
)
from podium.core.status.messages import trial_began

Part = TypeVar("Part", Spec, Status)
_LONGEST = 300  # characters of why an object cannot be explained


class Unexplained(Exception):
    """The object cannot be read. The message says what was found, and where."""


def explanation(value: Mapping[str, Any]) -> Explanation:
    """The explanation of an object. Raises Unexplained where this version of Podium cannot read spec or status.

    So it does where they contradict themselves: one object keeps no other from being shown.
    """
    try:
        return _explanation(value)
    except Unexplained:
        raise
    except Exception as error:
        raise Unexplained(f"spec or status contradicts itself ({type(error).__name__}: {error})"[:_LONGEST]) from error


def _explanation(value: Mapping[str, Any]) -> Explanation:
    metadata, (spec, status) = value.get("metadata") or {}, parsed(value)
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
        slots={role: pinned.slot for role, pinned in _roles(status) if pinned is not None},
        weight=status.weight.desired if status.weight is not None else None,
        current_weight=status.weight.current if status.weight is not None else None,
        generation=int(metadata.get("generation") or 0),
        observed_generation=status.observed_generation,
        created=_moment(metadata.get("creationTimestamp")),
        since=status.phase_since,
        conditions=[_condition(condition) for condition in status.conditions],
        gates=[_gate(gate, status) for gate in spec.gates],
        trial=_standing(trial, status) if trial is not None else None,
        guards=list(explained_guards(trial, status)) if trial is not None else [],
        shared_outage=_shared_outage(status),
        rejected=[_rejection(lost) for lost in status.rejected],
        history=[_decided(entry) for entry in status.history],
    )


def parsed(value: Mapping[str, Any]) -> tuple[Spec, Status]:
    """Spec and status. Raises Unexplained where this version of Podium cannot read them."""
    return _spec(value), _status(value)


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong, after the path of its field: `.model.version: …`."""
    found = error.errors(include_url=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found["loc"])
    return f"{place}: {found['msg']}"


def _spec(value: Mapping[str, Any]) -> Spec:
    return _read(Spec, value.get("spec"), "spec")


def _status(value: Mapping[str, Any]) -> Status:
    return _read(Status, value.get("status") or {}, "status")


def _read(kind: type[Part], found: object, name: str) -> Part:
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        raise Unexplained(f"{name}{first_fault(error)}") from error
    except (ArithmeticError, RecursionError) as error:  # a number that no calendar has, or a value in a value in …
        raise Unexplained(f"{name}: {type(error).__name__}: {error}"[:_LONGEST]) from error


def _roles(status: Status) -> Sequence[tuple[str, Pinned | None]]:
    return [("champion", status.champion), ("challenger", status.challenger), ("former champion", status.former)]


def _moment(text: object) -> datetime | None:
    """A time as the API server writes it; None where a file has none."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError as error:
        raise Unexplained(f"metadata.creationTimestamp: expected a time as in RFC 3339, found {text!r}") from error


def _condition(condition: Condition) -> ConditionExplanation:
    return ConditionExplanation(
        condition.type,
        condition.status,
        condition.reason,
        condition.message,
        condition.observed_generation,
        condition.last_transition_time,
    )


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
        ladder=[StepExplanation(each.weight, each.duration.total_seconds(), each.shadow) for each in trial.steps],
        soak=trial.soak.total_seconds(),
        soaking_since=trial.soaking_since,
        observed_at=trial.evidence.observed_at,
    )


def explained_guards(trial: Trial, status: Status) -> Iterator[GuardExplanation]:
    """Each guard of a trial, with how far its criteria are from a verdict."""
    tests = {test.criterion.name: test for test in sequential_tests(trial, trial.evidence)}
    for judged in guards.judge(trial):
        found = [_criterion(finding, tests[finding.criterion.name], trial, status) for finding in judged.findings]
        yield GuardExplanation(judged.guard.name, judged.state, judged.message, found)


def _criterion(finding: CriterionResult, test: SequentialTest, trial: Trial, status: Status) -> CriterionExplanation:
    criterion, (log_failed, log_passed) = finding.criterion, _proofs(test)
    subject, other = _versions(status)
    more = max(0, finding.enough - finding.challenger.answers) if finding.state == "Inconclusive" else 0
    return CriterionExplanation(
        measure=criterion.measure.name,
        limit=criterion.limit,
        beside_champion=criterion.difference,
        mirrored=criterion.mirrored,
        verdict=finding.state,
        subject=_side(subject, finding.challenger),
        champion=_side(other, finding.champion),
        towards_failed=1.0 if finding.state == "Failed" else _part(log_failed, -math.log(test.share.alpha)),
        towards_passed=_part(log_passed, -math.log(trial.false_promotion_rate)),
        alpha=test.share.alpha,
        more_answers=more,
        more_seconds=_seconds(more, finding.challenger.answers, trial),
    )


def _proofs(test: SequentialTest) -> tuple[float, float]:
    """How far the test has come; not at all where its state is none that Podium wrote, which its guard says."""
    try:
        judge = test.judge()
    except NOT_EVALUATED:
        return 0.0, 0.0
    return judge.log_failed, judge.log_passed


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
    return PastDecision(lost.at, lost.version, "Rejected", lost.reason, lost.message, lost.generation)


def _decided(entry: HistoryEntry) -> PastDecision:
    said = (entry.outcome, entry.reason, entry.message, entry.generation)
    return PastDecision(entry.at, entry.version, *said, entry.answers, entry.bad)
