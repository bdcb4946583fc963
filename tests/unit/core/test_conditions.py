"""Conditions: what a person who has to act reads in them."""

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Condition, Phase, Rejection, Status
from podium.core.decide import decide
from podium.core.facts import AliasConflict, Facts, Key, ModelVersion, ObservedState, RegistryState
from podium.core.fingerprints import rejection_hash
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
