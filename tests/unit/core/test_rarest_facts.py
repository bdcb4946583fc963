"""What a decision makes of facts that whole rollouts meet only where several faults come together."""

from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.outage import Suspicion
from podium.api.v1alpha1.spec.rollout import Step
from podium.api.v1alpha1.status import Condition, Phase, PodTemplate, Status, Verdict
from podium.core.actions import RunSlot, SetTraffic, StopSlot
from podium.core.decide import decide
from podium.core.facts import ModelVersion, ObservedState, PodState, RegistryState, SlotState, TrafficState
from podium.core.fingerprints import terms_hash
from podium.core.identity import Identity
from podium.core.rollout.circumstances import CIRCUMSTANCES
from podium.core.rollout.last_spec import trial_spec
from podium.core.rollout.outcomes import decided
from podium.core.rollout.template_checks import template_superseded
from podium.core.rollout.templates import described, template_waits
from podium.core.rollout.trial_checks import evidence_timeout, soak_passed
from podium.core.rollout.version_checks import superseded
from podium.core.status.messages import message
from podium.core.status.overdue import MENDS
from podium.core.traffic.weights import to_trusted
from tests.stories.simulator import spec_of
from tests.unit.core.factories import NOW, facts, pinned
from tests.unit.core.test_plan import TRIAL

OLD, NEW = pinned("1", "a"), pinned("2", "b")
FORMER, LATEST = (PodTemplate(revision=name, spec_hash=name, image="") for name in ("former", "latest"))
GATEWAY = {"gateway": {"name": "public"}}


def running(version: str, *, ready: bool = True) -> SlotState:
    """A slot with one pod of this version, which has said what it loaded."""
    runs = pinned(version, "a" if version == "1" else "b")
    pod = PodState("u", "pod-u", version, ready=ready, identity=Identity(version, f"sha256:{version}"))
    return SlotState(runs=runs, replicas=1, pods=(pod,))


def alone(*, ready: bool) -> ObservedState:
    """All traffic goes to version 2, and Git has another template for it."""
    traffic = TrafficState(desired={"a": 0, "b": 100})
    return ObservedState(slots={"b": running("2", ready=ready)}, traffic=traffic, template=LATEST)


@pytest.mark.parametrize("ready", [True, False])
def test_another_template_gives_the_only_version_up_only_where_it_does_not_answer(ready: bool) -> None:
    challenger = NEW.model_copy(update={"template": FORMER})
    found = template_superseded(facts(phase=Phase.PROMOTING, challenger=challenger, world=alone(ready=ready)))
    assert (found is None) == ready


@pytest.mark.parametrize("ready", [True, False])
def test_another_version_gives_the_only_one_up_only_where_it_does_not_answer(ready: bool) -> None:
    found = superseded(facts(version="3", phase=Phase.PROMOTING, challenger=NEW, world=alone(ready=ready)))
    assert (found is None) == ready


def test_a_template_is_not_tried_with_artifacts_that_changed() -> None:
    champion = OLD.model_copy(update={"template": FORMER})
    registry = RegistryState(desired=ModelVersion("1", "sha256:other"))
    world = ObservedState(registry=registry, slots={"a": running("1")}, template=LATEST)
    found = template_waits(facts(version="1", phase=Phase.STABLE, champion=champion, world=world))
    assert found is not None
    assert found.reason == reasons.ARTIFACTS_CHANGED


def test_a_template_that_is_not_known_is_named_without_a_revision() -> None:
    assert described(None) == "the pod template"


def test_a_rejection_that_is_not_known_any_more_leaves_the_message_as_it_was() -> None:
    stalled = Condition(
        type="Stalled",
        status="True",
        reason=reasons.VERSION_REJECTED,
        message="",
        observed_generation=1,
        last_transition_time=NOW,
    )
    known = Status(phase=Phase.REJECTED, phase_since=NOW, champion=OLD, message="rejected", conditions=[stalled])
    assert message(facts(status=known)) == "rejected"


def test_a_champion_of_an_older_podium_gets_the_template_that_its_pods_were_made_from() -> None:
    slot = running("1")
    assert slot.runs is not None
    made = SlotState(runs=slot.runs.model_copy(update={"template": FORMER}), replicas=1, pods=slot.pods)
    status = decide(facts(version="1", phase=Phase.STABLE, champion=OLD, world=ObservedState(slots={"a": made}))).status
    assert status.champion is not None
    assert status.champion.template == FORMER


def test_a_deletion_moves_no_traffic_to_a_champion_without_pods() -> None:
    status = Status(phase=Phase.CANARY, phase_since=NOW, champion=OLD, challenger=NEW)
    slots: dict[Slot, SlotState] = {"a": running("1", ready=False), "b": running("2")}
    assert to_trusted(status, slots) is None
    assert to_trusted(status, {**slots, "a": running("1")}) == {"a": 100, "b": 0}


@pytest.mark.parametrize(
    ("traffic", "weights"),
    [pytest.param(GATEWAY, [{"a": 0, "b": 100}], id="gateway"), pytest.param({}, [], id="service")],
)
def test_a_gateway_leads_past_a_champion_without_pods_in_a_rollback(
    traffic: dict[str, object], weights: list[object]
) -> None:
    slots: dict[Slot, SlotState] = {"a": running("1", ready=False), "b": running("2")}
    world = ObservedState(slots=slots, traffic=TrafficState(desired={"a": 50, "b": 50}, in_sync=True))
    given = facts(version="1", phase=Phase.ROLLING_BACK, champion=OLD, challenger=NEW, world=world, traffic=traffic)
    assert [each.weights for each in decide(given).actions if isinstance(each, SetTraffic)] == weights


# --- where something that goes with it is missing ---------------------------------------------------------------------


def test_without_a_version_on_trial_no_template_supersedes_one() -> None:
    assert template_superseded(facts(phase=Phase.STABLE, champion=OLD, world=alone(ready=True))) is None


def test_a_trial_that_was_recorded_by_a_newer_operator_has_no_spec_to_follow() -> None:
    assert trial_spec(TRIAL.model_copy(update={"spec": {"model": {"name": "churn"}, "future": 1}})) is None


@pytest.mark.parametrize(
    "reason", sorted(CIRCUMSTANCES - {reasons.CHAMPION_INCONCLUSIVE, reasons.SAMPLE_RATIO_MISMATCH})
)
def test_each_circumstance_that_keeps_pods_from_serving_has_what_mends_it(reason: str) -> None:
    assert MENDS[reason]


def test_pods_that_would_take_a_version_on_trial_over_in_place_are_stopped_first() -> None:
    """They can have crashed by the version before it, and this one would be blamed."""
    pod = PodState("u", "pod-u", "3", ready=True, identity=Identity("3", "sha256:3"), reloads=True)
    slots: dict[Slot, SlotState] = {"a": running("1"), "b": SlotState(pinned("3", "b"), replicas=1, pods=(pod,))}
    free = TrafficState(desired={"a": 100, "b": 0}, current={"a": 100.0, "b": 0.0}, in_sync=True)
    reached = replace(free, current={"a": 50.0, "b": 50.0})
    for traffic, stops in ((free, True), (reached, False)):
        world = ObservedState(slots=slots, traffic=traffic)
        spec = spec_of("2", serving={"reload": "InPlace"})
        trial = TRIAL.model_copy(update={"terms_hash": terms_hash(spec)})
        status = Status(phase=Phase.STARTING, phase_since=NOW, champion=OLD, challenger=NEW, trial=trial)
        decision = decide(facts(spec=spec, status=status, world=world))
        assert decision.status.phase is Phase.STARTING
        assert any(isinstance(action, StopSlot) and action.slot == "b" for action in decision.actions) == stops
        assert not any(isinstance(action, RunSlot) and action.pinned == NEW for action in decision.actions)


def test_a_suspicion_whose_trial_is_not_in_the_history_any_more_is_decided_without_an_entry() -> None:
    known = Suspicion(
        version="2",
        digest="sha256:2",
        reason=reasons.GUARD_FAILED,
        message="errors",
        since=NOW,
        until=NOW,
        rejection_hash="",
        guards=[],
    )
    status = Status(phase=Phase.PENDING, phase_since=NOW, champion=OLD, suspected=known)
    verdict = Verdict(reason=reasons.GUARD_FAILED, message="the champion passes", rejects=True)
    after = decided(facts(status=status), known, verdict)
    assert (after.suspected, after.history, after.rejected[-1].version) == (None, [], "2")


@pytest.mark.parametrize("held", [timedelta(seconds=10), timedelta(hours=2)])
def test_a_step_that_lacks_nothing_but_time_is_not_rolled_back_for_want_of_answers(held: timedelta) -> None:
    step = Step(weight=50, duration=timedelta(hours=1))
    update = {
        "steps": [step],
        "guards": [],
        "on_inconclusive": "RollBack",
        "step_timeout": timedelta(hours=1),
        "step_started_at": NOW - timedelta(hours=3),
        "weight_reached_at": NOW - held,
    }
    trial = TRIAL.model_copy(update=update)
    status = Status(phase=Phase.CANARY, phase_since=NOW, champion=OLD, challenger=NEW, trial=trial)
    found = evidence_timeout(facts(status=status, world=ObservedState(slots={"a": running("1"), "b": running("2")})))
    assert (found is None) == (held < step.duration)


def test_a_soak_does_not_end_while_requests_may_reach_the_former_champion() -> None:
    trial = TRIAL.model_copy(update={"soaking_since": NOW - timedelta(days=1)})
    status = Status(phase=Phase.SOAKING, phase_since=NOW, champion=NEW, former=OLD, trial=trial)
    for share, passes in ((50.0, False), (0.0, True)):
        traffic = TrafficState(desired={"a": 0, "b": 100}, current={"a": share, "b": 100.0 - share}, in_sync=True)
        world = ObservedState(slots={"a": running("1"), "b": running("2")}, traffic=traffic)
        assert (soak_passed(facts(status=status, world=world)) is not None) == passes


def test_a_version_of_another_registry_is_superseded_by_name_of_the_registry() -> None:
    challenger = NEW.model_copy(update={"model": "churn", "registry": "http://old"})
    world = replace(alone(ready=False), registry=RegistryState(uri="http://new", desired=ModelVersion("2", "sha256:x")))
    found = superseded(facts(version="2", phase=Phase.PROMOTING, challenger=challenger, world=world))
    assert found is not None
    assert "version 2 of http://new now, not 2 of http://old" in found.message


def test_who_gets_traffic_beside_the_champion_is_no_former_one_that_is_kept_warm() -> None:
    """The memory is lost, and the old version's pods have not said yet what they serve."""
    unheard = replace(running("1"), pods=(replace(running("1").pods[0], identity=None),))
    traffic = TrafficState({"a": 30, "b": 70}, {"a": 30, "b": 70}, in_sync=True)
    registry = RegistryState(desired=ModelVersion("2", "sha256:2"))
    world = ObservedState(registry=registry, slots={"a": unheard, "b": running("2")}, traffic=traffic)
    found = decide(facts(status=Status(), world=world)).status
    assert found.champion is not None
    assert (found.champion.version, found.former, found.phase) == ("2", None, Phase.STABLE)
