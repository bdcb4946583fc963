"""What a decision makes of facts that whole rollouts meet only where several faults come together."""

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Condition, Phase, PodTemplate, Status
from podium.core.actions import SetTraffic
from podium.core.decide import decide
from podium.core.facts import Identity, ModelVersion, ObservedState, PodState, RegistryState, SlotState, TrafficState
from podium.core.rollout.template_checks import template_superseded
from podium.core.rollout.templates import described, template_waits
from podium.core.rollout.version_checks import superseded
from podium.core.status.messages import message
from podium.core.traffic.weights import to_trusted
from tests.unit.core.factories import NOW, facts, pinned

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
