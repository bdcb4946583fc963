"""Conditions: what a person who has to act reads in them."""

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Condition, Phase, Rejection, Status
from podium.core.decide import decide
from podium.core.facts import AliasConflict, Facts, Key, ModelVersion, ObservedState, RegistryState, TrafficState
from podium.core.fingerprints import rejection_hash
from podium.core.status.conditions import conditions
from podium.core.status.messages import LONGEST
from tests.unit.core.factories import NOW, facts, pinned

OLD, NEW = pinned("1", "a"), pinned("2", "b")
AUC = {"name": "accurate", "metric": {"key": "auc", "atLeast": 0.8}}


def stalled(known: Facts) -> Condition:
    return next(one for one in decide(known).status.conditions if one.type == "Stalled")


def blocked(*gates: object) -> Facts:
    world = ObservedState(registry=RegistryState(desired=ModelVersion("2", "sha256:2", metrics={"auc": 0.6})))
    return facts(phase=Phase.BLOCKED, champion=OLD, challenger=NEW, world=world, gates=list(gates))


def rejected() -> Facts:
    lost = Rejection(
        version="2",
        digest="sha256:2",
        reason=reasons.CRASHED,
        message="pod b ended",
        at=NOW,
        generation=1,
        rejection_hash=rejection_hash(facts().spec),
    )
    return facts(status=Status(phase=Phase.REJECTED, phase_since=NOW, champion=OLD, rejected=[lost]))


def in_conflict() -> Facts:
    conflict = AliasConflict(Key("ml", "older"), "champion")
    return facts(champion=OLD, phase=Phase.STABLE, world=ObservedState(alias_conflict=conflict))


@pytest.mark.parametrize("known", [blocked(AUC), rejected(), in_conflict()], ids=["blocked", "rejected", "conflict"])
def test_what_needs_a_person_names_the_page_with_cause_and_fix(known: Facts) -> None:
    told = stalled(known)
    assert told.status == "True"
    assert told.message.endswith(f"; cause and fix: {reasons.page(told.reason)}")


def test_a_long_message_is_cut_before_the_page() -> None:
    many = [{**AUC, "name": f"accurate-{number}"} for number in range(32)]
    told = stalled(blocked(*many))
    assert len(told.message) == LONGEST
    assert told.message.endswith(reasons.page(reasons.GATES_FAILED))


def traffic_in_sync(desired: int, current: float) -> tuple[str, str, str]:
    traffic = TrafficState({"a": 100 - desired, "b": desired}, {"a": 100 - current, "b": current}, in_sync=True)
    known = facts(phase=Phase.CANARY, champion=OLD, challenger=NEW, world=ObservedState(traffic=traffic))
    said = next(one for one in conditions(known, known.status) if one.type == "TrafficInSync")
    return said.status, said.reason, said.message


def test_traffic_is_not_in_sync_where_the_pods_make_another_share_than_the_weight() -> None:
    status, reason, message = traffic_in_sync(desired=5, current=50)
    assert (status, reason) == ("False", reasons.SHARE_OFF)
    assert message.startswith("version 2 has 50 % of the traffic, desired: 5 %; ")


def test_traffic_that_is_as_near_to_the_weight_as_pods_can_bring_it_is_in_sync() -> None:
    assert traffic_in_sync(desired=50, current=49)[:2] == ("True", reasons.IN_SYNC)


def test_traffic_that_no_pod_takes_is_not_in_sync() -> None:
    known = facts(champion=OLD, world=ObservedState(traffic=TrafficState({"a": 100, "b": 0}, in_sync=True)))
    said = next(one for one in conditions(known, known.status) if one.type == "TrafficInSync")
    assert (said.status, said.message) == ("False", "no pod takes requests: none is ready")
