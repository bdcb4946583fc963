from dataclasses import replace
from typing import Any

import pytest

from podium.controller.alias_conflicts import alias_conflict
from podium.core.facts import AliasConflict, Key
from podium.ports import ModelDeployment
from podium.testing import FakeClock, FakeCluster
from tests.unit.controller.stage import URI, spec


@pytest.fixture
def pair() -> tuple[ModelDeployment, ModelDeployment]:
    clock = FakeClock()
    cluster = FakeCluster(clock)
    older = cluster.put(Key("ml", "z-older"), spec())
    clock.move(1)
    return older, cluster.put(Key("ml", "a-younger"), spec("2"))


def test_the_younger_has_a_rival_and_the_older_has_none(pair: tuple[ModelDeployment, ModelDeployment]) -> None:
    older, younger = pair
    assert alias_conflict(younger, pair, URI) == AliasConflict(older.key, "champion")
    assert alias_conflict(older, pair, URI) is None


def test_of_two_of_one_age_the_name_decides(pair: tuple[ModelDeployment, ModelDeployment]) -> None:
    z, a = pair[0], replace(pair[1], created=pair[0].created)
    assert alias_conflict(z, (z, a), URI) == AliasConflict(a.key, "champion")
    assert alias_conflict(a, (z, a), URI) is None


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
    assert alias_conflict(younger, [older, younger], URI) is None


def test_one_registry_by_name_and_by_default_is_one_registry() -> None:
    clock = FakeClock()
    cluster = FakeCluster(clock)
    older = cluster.put(Key("ml", "older"), spec(registry={"uri": f"{URI}/"}))
    clock.move(1)
    younger = cluster.put(Key("ml", "younger"), spec())
    assert alias_conflict(younger, [older, younger], URI) == AliasConflict(older.key, "champion")


def test_one_that_is_being_deleted_or_cannot_be_read_is_no_rival(
    pair: tuple[ModelDeployment, ModelDeployment],
) -> None:
    older, younger = pair
    assert alias_conflict(younger, [replace(older, deleting=True), younger], URI) is None
    assert alias_conflict(younger, [replace(older, spec=None), younger], URI) is None
    assert alias_conflict(replace(younger, spec=None), pair, URI) is None
