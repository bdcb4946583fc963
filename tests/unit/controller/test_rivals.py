from dataclasses import replace
from typing import Any

import pytest

from podium.controller.rivals import rival_of
from podium.core.facts import Key, Rival
from podium.ports import ModelDeploymentSeen
from podium.testing.clock import FakeClock
from podium.testing.cluster import FakeCluster
from tests.unit.controller.world import URI, spec


@pytest.fixture
def pair() -> tuple[ModelDeploymentSeen, ModelDeploymentSeen]:
    clock = FakeClock()
    cluster = FakeCluster(clock)
    older = cluster.put(Key("ml", "z-older"), spec())
    clock.move(1)
    return older, cluster.put(Key("ml", "a-younger"), spec("2"))


def test_the_younger_has_a_rival_and_the_older_has_none(pair: tuple[ModelDeploymentSeen, ModelDeploymentSeen]) -> None:
    older, younger = pair
    assert rival_of(younger, pair, URI) == Rival(older.key, "champion")
    assert rival_of(older, pair, URI) is None


def test_of_two_of_one_age_the_name_decides(pair: tuple[ModelDeploymentSeen, ModelDeploymentSeen]) -> None:
    z, a = pair[0], replace(pair[1], created=pair[0].created)
    assert rival_of(z, (z, a), URI) == Rival(a.key, "champion")
    assert rival_of(a, (z, a), URI) is None


@pytest.mark.parametrize(
    "more",
    [
        {"registry": {"aliases": {"champion": "champion-eu"}}},
        {"registry": {"uri": "http://other.test"}},
        {"model": {"name": "fraud", "version": "1"}},
    ],
)
def test_another_alias_registry_or_model_is_no_rivalry(more: dict[str, Any]) -> None:
    clock = FakeClock()
    cluster = FakeCluster(clock)
    older = cluster.put(Key("ml", "older"), spec(**more))
    clock.move(1)
    younger = cluster.put(Key("ml", "younger"), spec())
    assert rival_of(younger, [older, younger], URI) is None


def test_one_registry_by_name_and_by_default_is_one_registry() -> None:
    clock = FakeClock()
    cluster = FakeCluster(clock)
    older = cluster.put(Key("ml", "older"), spec(registry={"uri": f"{URI}/"}))
    clock.move(1)
    younger = cluster.put(Key("ml", "younger"), spec())
    assert rival_of(younger, [older, younger], URI) == Rival(older.key, "champion")


def test_one_that_is_being_deleted_or_cannot_be_read_is_no_rival(
    pair: tuple[ModelDeploymentSeen, ModelDeploymentSeen],
) -> None:
    older, younger = pair
    assert rival_of(younger, [replace(older, deleting=True), younger], URI) is None
    assert rival_of(younger, [replace(older, spec=None), younger], URI) is None
    assert rival_of(replace(younger, spec=None), pair, URI) is None
