"""What a decision makes of facts that whole rollouts seldom meet, each told by `decide` alone."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Counts, Evidence, Slot
from podium.api.v1alpha1.outage import SharedOutage
from podium.api.v1alpha1.spec.guards import ErrorRateGuard, Guard
from podium.api.v1alpha1.spec.rollout import Step
from podium.api.v1alpha1.status import Condition, Phase, Status, Trial
from podium.core.analysis.measures import of_class
from podium.core.analysis.sequential import beta
from podium.core.decide import Decision, decide
from podium.core.facts import (
    Counters,
    Crash,
    Facts,
    ModelVersion,
    ObservedState,
    PodState,
    Problem,
    RegistryState,
    SlotState,
    TrafficState,
)
from podium.core.fingerprints import terms_hash
from podium.core.identity import Identity
from podium.core.rollout.circumstances import last_crash
from podium.core.rollout.tripwires import tripped
from podium.core.status.messages import _rounded, message
from tests.unit.core.factories import NOW, facts, pinned

OLD, NEW = pinned("1", "a"), pinned("2", "b")
UNREACHABLE = Problem(reasons.REGISTRY_UNREACHABLE, "the registry does not answer")


def version(number: str, **parts: object) -> ModelVersion:
    return ModelVersion(number, f"sha256:{number}", **parts)  # type: ignore[arg-type]


def pod(number: str, uid: str = "u", **parts: object) -> PodState:
    known = {"identity": Identity(number, f"sha256:{number}"), **parts}
    return PodState(uid, f"pod-{uid}", number, ready=True, **known)  # type: ignore[arg-type]


def on_trial(**parts: object) -> Status:
    """Version 2 gets half of the traffic beside champion 1."""
    trial = Trial(
        generation=1,
        started_at=NOW - timedelta(minutes=5),
        terms_hash="",
        steps=[Step(weight=50)],
        guards=[Guard(name="errors", error_rate=ErrorRateGuard(at_most=0.01))],
        on_inconclusive="Wait",
        step_timeout=timedelta(hours=1),
        soak=timedelta(minutes=30),
    )
    status = Status(phase=Phase.CANARY, phase_since=NOW, champion=OLD, challenger=NEW, trial=trial)
    return status.model_copy(update=parts)


def beside(*pods: PodState, champion: PodState | None = None) -> ObservedState:
    """Champion 1 in slot a, and these pods of slot b."""
    slots = {
        "a": SlotState(runs=OLD, replicas=1, pods=(champion or pod("1", "c"),)),
        "b": SlotState(runs=NEW, replicas=1, pods=pods),
    }
    traffic = TrafficState(desired={"a": 50, "b": 50}, current={"a": 50, "b": 50}, in_sync=True)
    registry = RegistryState(desired=version("2"), alias="1")
    return ObservedState(registry=registry, slots=slots, traffic=traffic)  # type: ignore[arg-type]


def reason_of(decision: Decision) -> str:
    """Why it moved, or an empty text where it did not."""
    return decision.move.verdict.reason if decision.move else ""


def condition(known: Facts, kind: str) -> Condition:
    return next(one for one in decide(known).status.conditions if one.type == kind)


# --- before a trial ---------------------------------------------------------------------------------------------------


def test_a_version_whose_artifacts_change_while_its_gates_are_pending_is_pinned_again() -> None:
    changed = ModelVersion("2", "sha256:other")
    world = ObservedState(registry=RegistryState(desired=changed))
    decision = decide(facts(phase=Phase.GATING, champion=OLD, challenger=NEW, world=world))
    assert (reason_of(decision), decision.status.phase) == (reasons.ARTIFACTS_CHANGED, Phase.PENDING)
    assert decision.status.challenger is None


def test_while_an_alias_cannot_be_resolved_no_version_is_superseded() -> None:
    known = facts(phase=Phase.GATING, champion=OLD, challenger=NEW, model={"name": "churn", "alias": "candidate"})
    assert reason_of(decide(known)) == ""


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.GATING])
def test_a_registry_that_does_not_answer_before_a_trial_is_told_in_ready_and_in_the_message(phase: Phase) -> None:
    world = ObservedState(registry=RegistryState(problem=UNREACHABLE))
    known = facts(phase=phase, challenger=NEW if phase is Phase.GATING else None, world=world)
    ready = condition(known, "Ready")
    assert (ready.status, ready.reason, ready.message) == ("False", UNREACHABLE.reason, UNREACHABLE.message)


def test_a_metric_that_the_champion_lacks_fails_the_gate_that_compares_with_it() -> None:
    gate = {"name": "not-worse", "metric": {"key": "auc", "maxDropFromChampion": 0.01}}
    registry = RegistryState(desired=version("2", metrics={"auc": 0.9}), champion=version("1"))
    world = ObservedState(registry=registry)
    decision = decide(facts(phase=Phase.GATING, champion=OLD, challenger=NEW, world=world, gates=[gate]))
    assert decision.status.phase is Phase.BLOCKED
    assert "compared with the champion" in decision.status.message


# --- on trial ---------------------------------------------------------------------------------------------------------


def test_pods_of_the_version_before_it_in_the_same_slot_say_nothing_of_a_challenger() -> None:
    crash = Crash(at=NOW, exit_code=1, reason="Error")
    world = beside(pod("0", "old", crash=crash), pod("2", "new"))
    assert reason_of(decide(facts(status=_same_terms(on_trial()), world=world))) == ""


def test_without_a_trial_no_pod_trips_anything() -> None:
    crash = Crash(at=NOW, exit_code=1, reason="Error")
    assert tripped(facts(status=on_trial(trial=None), world=beside(pod("2", crash=crash)))) is None


def test_a_pod_that_refuses_its_files_is_one_of_the_wrong_identity() -> None:
    crash = Crash(at=NOW, exit_code=5, reason="Error", message="sha256:other, pinned is sha256:2")
    decision = decide(facts(status=_same_terms(on_trial()), world=beside(pod("2", crash=crash))))
    assert reason_of(decision) == reasons.IDENTITY_MISMATCH


def test_where_the_champions_pods_fail_every_answer_too_no_version_is_rejected() -> None:
    failing = Counters(answers=40, bad=20, consecutive_bad=20)
    world = beside(pod("2", counters=failing), champion=pod("1", "c", counters=failing))
    decision = decide(facts(status=_same_terms(on_trial()), world=world))
    assert reason_of(decision) == reasons.SHARED_OUTAGE
    assert decision.status.rejected == []


def _with_trial(status: Status, **parts: object) -> Status:
    assert status.trial is not None
    return status.model_copy(update={"trial": status.trial.model_copy(update=parts)})


def stalled(minutes_ago: float = 1) -> Crash:
    at = NOW - timedelta(minutes=minutes_ago)
    return Crash(at=at, exit_code=9, reason="Error", message="STALLED: a prediction has not returned for 120 s")


def test_a_prediction_that_never_returns_is_the_versions_own_fault() -> None:
    decision = decide(facts(status=_same_terms(on_trial()), world=beside(pod("2", crash=stalled()))))
    assert reason_of(decision) == reasons.PREDICTION_STALLED
    assert [each.reason for each in decision.status.rejected] == [reasons.PREDICTION_STALLED]


@pytest.mark.parametrize("code", [3, 10], ids=["registry", "disk"])
def test_what_the_cluster_fails_to_give_a_pod_is_no_fault_of_the_version(code: int) -> None:
    crash = Crash(at=NOW, exit_code=code, reason="Error", message="NO_STORAGE: No space left on device")
    assert reason_of(decide(facts(status=_same_terms(on_trial()), world=beside(pod("2", crash=crash))))) == ""


def test_where_the_champion_stalls_too_no_version_is_rejected() -> None:
    world = beside(pod("2", crash=stalled()), champion=pod("1", "c", crash=stalled(2)))
    decision = decide(facts(status=_same_terms(on_trial()), world=world))
    assert reason_of(decision) == reasons.SHARED_OUTAGE
    assert decision.status.rejected == []


def test_a_champion_that_stalled_before_the_trial_excuses_no_challenger() -> None:
    before = pod("1", "c", crash=stalled(60))
    status = _with_trial(_same_terms(on_trial()), earlier_crashes=[last_crash(before)])
    world = beside(pod("2", crash=stalled()), champion=before)
    assert reason_of(decide(facts(status=status, world=world))) == reasons.PREDICTION_STALLED


def test_a_crash_is_part_of_the_trial_whatever_the_clock_of_its_node_says() -> None:
    crash = replace(stalled(), at=NOW - timedelta(hours=1))
    decision = decide(facts(status=_same_terms(on_trial()), world=beside(pod("2", crash=crash))))
    assert reason_of(decision) == reasons.PREDICTION_STALLED


def test_a_crash_of_before_the_trial_is_no_part_of_it() -> None:
    before = pod("2", crash=stalled())
    status = _with_trial(_same_terms(on_trial()), earlier_crashes=[last_crash(before)])
    assert reason_of(decide(facts(status=status, world=beside(before)))) == ""
    again = replace(before, crash=stalled(0.5))
    assert reason_of(decide(facts(status=status, world=beside(again)))) == reasons.PREDICTION_STALLED


def test_a_soak_counts_only_the_time_in_which_a_pod_is_ready() -> None:
    former = OLD
    trial = _with_trial(_same_terms(on_trial()), soaking_since=NOW - timedelta(minutes=20)).trial
    status = Status(phase=Phase.SOAKING, phase_since=NOW, champion=NEW, former=former, trial=trial)
    world = beside(replace(pod("2"), ready=False))
    held = decide(facts(status=status, world=world)).status
    assert held.trial is not None
    assert held.trial.soaking_since is None
    answers = "version 2 has no ready pod: version 1 keeps the traffic until it has one"
    assert held.message == (f"version 2 is champion; version 1 stays warm: {answers}, so that the soak starts over")
    lends = beside(pod("2"))
    assert _soaking_since(facts(status=held, world=lends)) is None
    back = replace(lends, traffic=TrafficState({"a": 0, "b": 100}, {"b": 100.0}, in_sync=True))
    assert _soaking_since(facts(status=held, world=back)) == NOW


def _soaking_since(given: Facts) -> datetime | None:
    trial = decide(given).status.trial
    assert trial is not None
    return trial.soaking_since


def test_before_counts_were_taken_no_time_is_promised() -> None:
    status = _same_terms(on_trial())
    assert status.trial is not None
    trial = status.trial.model_copy(update={"weight_reached_at": NOW, "step_started_at": NOW})
    known = facts(status=status.model_copy(update={"trial": trial}), world=beside(pod("2")))
    told = message(known)
    assert "more answers" in told
    assert "at this rate" not in told


@pytest.mark.parametrize(("seconds", "told"), [(3, 10), (44, 40), (62, 60), (88, 60), (330, 360)])
def test_the_time_that_is_left_has_no_false_precision(seconds: float, told: int) -> None:
    assert _rounded(seconds) == told


def _same_terms(status: Status) -> Status:
    """The trial's terms are those of the spec that `facts` makes."""
    assert status.trial is not None
    spec = facts(status=status).spec
    return status.model_copy(update={"trial": status.trial.model_copy(update={"terms_hash": terms_hash(spec)})})


# --- after it ---------------------------------------------------------------------------------------------------------


def test_a_rollback_without_anything_to_roll_back_is_over() -> None:
    decision = decide(facts(phase=Phase.ROLLING_BACK, champion=OLD))
    assert (reason_of(decision), decision.status.phase) == (reasons.ROLLED_BACK, Phase.PENDING)


def test_a_champion_whose_artifacts_changed_is_reported_and_keeps_serving() -> None:
    changed = ModelVersion("1", "sha256:other")
    world = ObservedState(registry=RegistryState(desired=changed, alias="1"))
    known = facts(version="1", phase=Phase.STABLE, champion=OLD, world=world)
    told = condition(known, "RegistryInSync")
    assert (told.status, told.reason) == ("False", reasons.ARTIFACTS_CHANGED)
    assert decide(known).status.champion == OLD


def test_a_new_pod_that_finds_other_bytes_tells_of_it_before_the_registrys_digest_is_made_again() -> None:
    """The digest is made once, and the condition said that all was in sync."""
    found = Crash(NOW, 5, "Error", "DIGEST_MISMATCH: wanted digest sha256:1, found sha256:other")
    pods = (pod("1"), replace(pod("1", "new"), ready=False, identity=None, crash=found))
    seen = SlotState(runs=OLD, replicas=2, pods=pods)
    world = ObservedState(registry=RegistryState(desired=version("1"), alias="1"), slots={"a": seen})
    told = condition(facts(version="1", phase=Phase.STABLE, champion=OLD, world=world), "RegistryInSync")
    assert (told.status, told.reason) == ("False", reasons.ARTIFACTS_CHANGED)


def test_an_autoscaler_that_could_not_be_read_is_reported_as_before() -> None:
    before = Condition(
        type="AutoscalerInSync",
        status="True",
        reason=reasons.IN_SYNC,
        message="it sets the size",
        observed_generation=1,
        last_transition_time=NOW,
    )
    status = Status(phase=Phase.STABLE, phase_since=NOW, champion=OLD, conditions=[before])
    serving = {"autoscaling": {"maxReplicas": 4}, "resources": {"requests": {"cpu": "1"}}}
    assert condition(facts(version="1", status=status, serving=serving), "AutoscalerInSync") == before


def test_a_shared_outage_without_a_champion_is_over() -> None:
    outage = SharedOutage(since=NOW, message="", guards=[], evidence=Evidence())
    status = Status(phase=Phase.PENDING, phase_since=NOW, shared_outage=outage)
    assert decide(facts(status=status)).status.shared_outage is None


# --- values -----------------------------------------------------------------------------------------------------------


def test_no_version_has_no_verified_pod() -> None:
    assert SlotState(pods=(pod("1"),)).verified(None) == 0


def test_a_class_is_counted_among_all_classes() -> None:
    count = of_class("yes").of
    assert count is not None
    assert count(Counters(answers=5, bad=0, classes={"yes": 2, "no": 3})) == Counts(answers=5, bad=2)


def test_a_sum_that_does_not_converge_ends_in_an_error_and_not_in_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beta, "_PRECISION", 0.0)
    with pytest.raises(ArithmeticError, match="did not converge"):
        beta._continued_fraction(0.3, 2.0, 3.0)


def test_a_pod_that_answers_between_two_reads_is_not_lost() -> None:
    """Its readiness is read first: it can become ready, and answer, before its counters are read."""
    lost = replace(pod("2", "new", counters=Counters(answers=10, bad=0)), ready=False)
    before = facts(status=_same_terms(on_trial()), world=beside(lost))
    first = decide(before)
    assert first.move is None
    again = decide(replace(before, status=first.status, unsaved=first.unsaved))
    assert reason_of(again) == reasons.NO_READY_PODS


def test_a_champion_without_a_ready_pod_is_looked_at_soon() -> None:
    """A lost watch event does not leave `Ready` False for a minute after its pods are back."""
    settled = Status(phase=Phase.STABLE, phase_since=NOW, champion=NEW)
    weights: dict[Slot, int] = {"a": 0, "b": 100}
    serving = facts(status=settled, world=ObservedState(traffic=TrafficState(weights, {"b": 100})))
    up = replace(serving.observed, slots={"b": SlotState(NEW, 1, pods=(pod("2"),))})
    down = replace(serving.observed, slots={"b": SlotState(NEW, 1)})
    assert decide(replace(serving, observed=down)).requeue_after < decide(replace(serving, observed=up)).requeue_after
