"""What follows from another spec: the moves of the operator's own table, and what each gate says. Pure.

Only what Git, the registry and a person's word move is followed: up to the first pods of a version. What comes after
that depends on answers and time, which `podium.simulation` assumes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.gates import Gate
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import GateState, Phase, Pinned, Status, Verdict
from podium.core import gates
from podium.core.experiment import named_version
from podium.core.facts import SLOTS, Facts, Key, ModelVersion, RegistryState
from podium.core.fingerprints import terms_hash
from podium.core.refusal import Refusal
from podium.core.rollout.experiment_checks import arm_blamed, arm_lost, experiment_ended
from podium.core.rollout.lifecycle import enter
from podium.core.rollout.reload_checks import reload_failed, reloaded
from podium.core.rollout.rollback_checks import rejection_rolled_back
from podium.core.rollout.suspicion_checks import not_its_own_fault, own_fault
from podium.core.rollout.transitions import PROGRESS, TRANSITIONS, Move
from podium.core.rollout.trial_checks import (
    challenger_ready,
    evidence_timeout,
    guard_failed,
    last_step_passed,
    promoted,
    ready_without_trial,
    soak_passed,
    startup_timeout,
    step_passed,
    unopposed,
)
from podium.core.rollout.tripwires import tripped
from podium.core.status.messages import message
from podium.planning.assumed_state import assumed_state

TrialWord = Literal["none", "goes on", "restarts", "ends"]
_ON_TRIAL: Final = frozenset({Phase.RELOADING, Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING})
_PASSED: Final = frozenset({Phase.PROMOTING, Phase.SOAKING})
_RESTARTS: Final = frozenset({reasons.TERMS_CHANGED, reasons.TEMPLATE_CHANGED})
_MOST: Final = 12  # moves: no way through the quiet phases is as long
# What time, pods and answers decide.
_OF_TIME: Final[frozenset[Callable[[Facts], Verdict | None]]] = frozenset(
    {
        tripped,
        arm_lost,
        arm_blamed,
        experiment_ended,
        startup_timeout,
        guard_failed,
        evidence_timeout,
        ready_without_trial,
        challenger_ready,
        step_passed,
        last_step_passed,
        promoted,
        soak_passed,
        reloaded,
        reload_failed,
        own_fault,
        not_its_own_fault,
        rejection_rolled_back,
    }
)


@dataclass(frozen=True)
class ForeseenMove:
    """One move of the table."""

    phase: Phase
    reason: str
    message: str


@dataclass(frozen=True)
class ForeseenGate:
    """What a gate says of the desired version."""

    gate: str
    kind: str
    state: GateState | Literal["Unknown"]
    message: str
    at: datetime | None = None  # since when, where the operator's last result stands for it


@dataclass(frozen=True)
class Outlook:
    """What follows."""

    trial: TrialWord  # what becomes of the one under way
    trial_message: str
    version: str  # the desired one; "" where that is not known
    moves: Sequence[ForeseenMove]
    message: str  # what happens after these
    gates: Sequence[ForeseenGate]
    steps: bool  # whether a version takes the steps of the rollout from now on, or goes on doing so


@dataclass(frozen=True)
class Planned:
    """The deployment as it is, the spec that it is to have, and what the registry says."""

    key: Key
    generation: int  # of the new spec
    spec: Spec
    before: Spec | None  # None where there is none yet
    status: Status
    observed: bool  # whether the status is about the spec that is there
    registry: RegistryState
    registry_read: bool
    now: datetime
    refusals: Sequence[Refusal] = ()  # what the spec asks for, and no PodiumPolicy grants


def outlook(planned: Planned) -> Outlook:
    """Follow the table."""
    facts = _facts(planned, _by_our_hash(planned))
    moves: list[Move] = []
    while len(moves) < _MOST and (move := _next(facts, planned)) is not None:
        moves.append(move)
        facts = _facts(planned, enter(facts, move))
        if move.target in _ON_TRIAL:
            break
    trial, said = _of_trial(planned, moves)
    return Outlook(
        trial=trial,
        trial_message=said,
        version=(_desired(facts) or ModelVersion(planned.spec.model.version or "", "")).version,
        moves=[ForeseenMove(move.target, move.verdict.reason, move.verdict.message) for move in moves],
        message="" if facts.status.phase in _ON_TRIAL else message(facts),
        gates=[_foreseen(gate, planned) for gate in planned.spec.gates],
        steps=facts.status.phase in _ON_TRIAL - _PASSED - {Phase.RELOADING} and not _skips_steps(facts),
    )


def _by_our_hash(planned: Planned) -> Status:
    """The status with the terms of its trial as this version of Podium would have written them.

    An operator of another version may hash them otherwise. Where it has seen the spec that is there, they are of that.
    """
    status, trial, before = planned.status, planned.status.trial, planned.before
    if trial is None or before is None or not planned.observed:
        return status
    return status.model_copy(update={"trial": trial.model_copy(update={"terms_hash": terms_hash(before)})})


def _facts(planned: Planned, status: Status) -> Facts:
    seen = assumed_state(status, planned.spec, planned.registry, planned.refusals)
    return Facts(planned.key, planned.generation, planned.spec, status, seen, planned.now)


def _next(facts: Facts, planned: Planned) -> Move | None:
    """The next move that needs no pods, no answers and no time; none that needs a registry which was not read."""
    phase = facts.status.phase
    if phase in gates.GATE_PHASES and not planned.registry_read and facts.spec.gates and not _changes_subject(facts):
        return None
    found = _desired(facts)
    if found is not None and named_version(facts.spec, facts.status) not in {None, found.version}:
        return None  # the arm of an experiment: the registry was asked for the version of spec.model
    for check, target in TRANSITIONS[phase].items():
        if check in _OF_TIME or (check in PROGRESS and facts.spec.paused):
            continue
        if (verdict := check(facts)) is not None:
            return Move(phase, check, target, verdict)
    return None


def _changes_subject(facts: Facts) -> bool:
    """Whether Git moves on from the version that waits for its gates."""
    known = facts.status.challenger
    return known is not None and facts.spec.model.version not in {None, known.version}


def _desired(facts: Facts) -> ModelVersion | None:
    return facts.observed.registry.desired


def _skips_steps(facts: Facts) -> bool:
    return facts.status.phase is not Phase.CANARY and unopposed(facts)


# --- the trial under way ----------------------------------------------------------------------------------------------


def _of_trial(planned: Planned, moves: Sequence[Move]) -> tuple[TrialWord, str]:
    status, trial = planned.status, planned.status.trial
    subject = status.champion if status.phase is Phase.SOAKING else status.challenger
    if status.phase not in _ON_TRIAL or trial is None or subject is None:
        return "none", "no version is on trial"
    name = f"the trial of version {subject.version}"
    first = moves[0] if moves else None
    if first is None or first.target in _ON_TRIAL:
        return "goes on", f"{name} goes on{_on_other_terms(planned)}"
    if first.verdict.reason in _RESTARTS and _returns(planned, subject):
        return "restarts", f"{name} restarts, its traffic goes back first: {first.verdict.message}"
    return "ends", f"{name} ends, its traffic goes back: {first.verdict.message}"


def _returns(planned: Planned, subject: Pinned) -> bool:
    return planned.spec.model.version in {None, subject.version} and not planned.spec.paused


def _on_other_terms(planned: Planned) -> str:
    same = planned.before is not None and terms_hash(planned.before) == terms_hash(planned.spec)
    if same or planned.status.phase not in _PASSED:
        return ""
    return " on its own terms: what changed of gates, steps and guards counts from the next trial on"


# --- gates ------------------------------------------------------------------------------------------------------------


def _foreseen(gate: Gate, planned: Planned) -> ForeseenGate:
    """What it says now; where the registry was not read, what the operator found last, if the gate is the same."""
    version = planned.registry.desired
    if planned.registry_read and version is not None:
        status = planned.status.model_copy(update={"challenger": _pinned(planned, version)})
        found = next(each for each in gates.check(_facts(planned, status)) if each.gate == gate)
        return ForeseenGate(gate.name, gate.kind, found.state, found.message)
    known = next((each for each in planned.status.gates if each.name == gate.name), None)
    same = planned.before is not None and gate in planned.before.gates
    if known is None or not same or known.version != planned.spec.model.version:
        return ForeseenGate(gate.name, gate.kind, "Unknown", "it needs the registry, which was not read")
    return ForeseenGate(gate.name, gate.kind, known.state, known.message, known.at)


def _pinned(planned: Planned, version: ModelVersion) -> Pinned:
    known = planned.status.challenger
    if known is not None and (known.version, known.digest) == (version.version, version.digest):
        return known
    model = planned.spec.model.name
    return Pinned(model=model, version=version.version, digest=version.digest, slot=SLOTS[1])


def known_version(status: Status, spec: Spec) -> ModelVersion | None:
    """The desired version with the digest that the status has of it, for want of the registry's own word."""
    for known in (*status.pinned, *reversed(status.history), *reversed(status.rejected)):
        if known.version == spec.model.version and known.of_model(spec.model.name):
            return ModelVersion(known.version, known.digest)
    return None


def with_registry(planned: Planned, found: RegistryState | None, uri: str) -> Planned:
    """What the registry says; where it could not be read, what the status knows of the version."""
    if found is not None:
        return replace(planned, registry=replace(found, uri=uri), registry_read=True)
    return replace(planned, registry=RegistryState(uri=uri, desired=known_version(planned.status, planned.spec)))
