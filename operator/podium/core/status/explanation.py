"""The explanation of a ModelDeployment and its trial, as plain values: made of its spec and status alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from podium.api.v1alpha1.evidence import Evidence, GuardRecord
from podium.api.v1alpha1.experiment import Arm
from podium.api.v1alpha1.spec.gates import Gate
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Condition, HistoryEntry, Pinned, Rejection, Status, Trial
from podium.core.analysis.criteria import criteria
from podium.core.analysis.measures import ERRORS, METRIC
from podium.core.analysis.shared_outage import run_of
from podium.core.experiment import named_version
from podium.core.status.explained import (
    ConditionExplanation,
    Explanation,
    GateExplanation,
    GuardExplanation,
    OutageProgress,
    PastDecision,
    RecordedGuard,
    StepExplanation,
    TrialProgress,
)
from podium.core.status.explained_arms import ArmExplanation
from podium.core.status.guard_explanations import answers_of, explained_guards, side, version_of
from podium.core.status.looks import explained_looks
from podium.core.status.record import artifact_path, is_recorded

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
    found = list(explained_guards(trial, status)) if trial is not None else []
    return Explanation(
        name=str(metadata.get("name", "")),
        namespace=str(metadata.get("namespace", "")),
        phase=status.phase,
        message=status.message,
        paused=spec.paused,
        desired=named_version(spec, status) or f"alias {spec.model.alias}",
        champion=version_of(status.champion),
        challenger=version_of(status.challenger),
        former=version_of(status.former),
        slots={role: pinned.slot for role, pinned in _roles(status) if pinned is not None},
        weight=status.weight.desired if status.weight is not None else None,
        current_weight=status.weight.current if status.weight is not None else None,
        generation=int(metadata.get("generation") or 0),
        observed_generation=status.observed_generation,
        created=_moment(metadata.get("creationTimestamp")),
        since=status.phase_since,
        conditions=[_condition(condition) for condition in status.conditions],
        gates=[_gate(gate, status) for gate in spec.gates],
        trial=_standing(trial, status, found) if trial is not None else None,
        guards=found,
        shared_outage=_shared_outage(status),
        arms=[_arm(arm) for arm in status.arms],
        rejected=[_rejection(lost) for lost in status.rejected],
        history=[_decided(entry) for entry in status.history],
        digests={role: pinned.digest for role, pinned in _roles(status) if pinned is not None},
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


# --- gates ------------------------------------------------------------------------------------------------------------


def _gate(gate: Gate, status: Status) -> GateExplanation:
    kind = next(name for name in type(gate).model_fields if name != "name" and getattr(gate, name) is not None)
    last = next((each for each in status.gates if each.name == gate.name), None)
    if last is None:
        return GateExplanation(gate.name, kind, "", "not checked yet", "")
    return GateExplanation(gate.name, kind, last.version, last.state, last.message)


# --- the trial --------------------------------------------------------------------------------------------------------


def _standing(trial: Trial, status: Status, found: Sequence[GuardExplanation]) -> TrialProgress:
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
        looks=explained_looks(trial, found),
        counted_pods=[pod.uid for pod in trial.evidence.pods],
        answers=answers_of(trial, status),
    )


def _arm(arm: Arm) -> ArmExplanation:
    evidence = arm.trial.evidence if arm.trial is not None else Evidence()
    errors, metric = evidence.measured(ERRORS.name).challenger, evidence.measured(METRIC.name).challenger
    return ArmExplanation(
        version=arm.pinned.version,
        slot=arm.slot,
        role=arm.role,
        weight=arm.weight,
        answers=errors.answers,
        bad=errors.bad,
        good=metric.bad if metric.answers else None,
        counted=metric.answers or None,
        reason=arm.verdict.reason if arm.verdict is not None else "",
        message=arm.verdict.message if arm.verdict is not None else "",
    )


# --- shared outage, and the past --------------------------------------------------------------------------------------


def _shared_outage(status: Status) -> OutageProgress | None:
    outage = status.shared_outage
    if outage is None:
        return None
    champion = version_of(status.champion)
    runs = {
        criterion.name: side(champion, run_of(criterion, outage.evidence))
        for guard in outage.guards
        for criterion in criteria(guard, outage.evidence)
        if not criterion.beside_champion
    }
    return OutageProgress(outage.since, outage.message, runs)


def _rejection(lost: Rejection) -> PastDecision:
    said = (lost.at, lost.version, "Rejected", lost.reason, lost.message, lost.generation)
    return PastDecision(*said, model=lost.model, registry=lost.registry, digest=lost.digest)


def _decided(entry: HistoryEntry) -> PastDecision:
    said = (entry.outcome, entry.reason, entry.message, entry.generation)
    return PastDecision(
        entry.at,
        entry.version,
        *said,
        entry.answers,
        entry.bad,
        guards=[_recorded(guard, entry.version) for guard in entry.guards],
        model=entry.model,
        registry=entry.registry,
        digest=entry.digest,
        template=entry.template.revision if entry.template is not None else "",
        artifact=artifact_path(entry) if is_recorded(entry) else "",
        recorded=entry.recorded,
    )


def _recorded(guard: GuardRecord, version: str) -> RecordedGuard:
    counted = (side(version, guard.challenger), side("", guard.champion))
    return RecordedGuard(guard.guard, guard.verdict, guard.message, *counted, guard.limit)
