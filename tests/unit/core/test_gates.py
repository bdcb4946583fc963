"""Gates: one row a question, with the words that a person reads when it does not hold."""

import math

import pytest

from podium.core.facts import Facts, ModelVersion, RegistrySeen, World
from podium.core.gates import saying
from tests.unit.core.given import facts, pinned

CHAMPION = ModelVersion("1", "run-1", "sha256:1", {"auc": 0.90})


def failures(given: Facts, version: ModelVersion) -> list[str]:
    return saying("fails", given, version)


@pytest.mark.parametrize(
    ("gate", "metrics", "words"),
    [
        ({"atLeast": 0.75}, {"auc": 0.75}, ""),
        ({"atLeast": 0.75}, {"auc": 0.74}, "auc of version 2 is 0.74, at least 0.75 is wanted"),
        ({"atMost": 0.5}, {"auc": 0.5}, ""),
        ({"atMost": 0.5}, {"auc": 0.6}, "auc of version 2 is 0.6, at most 0.5 is wanted"),
        ({"maxDropFromChampion": 0.01}, {"auc": 0.895}, ""),
        ({"maxDropFromChampion": 0.01}, {"auc": 0.88}, "a drop of at most 0.01 is tolerated"),
        ({"atLeast": 0.75}, {}, "auc is wanted, and the run of version 2 has no such metric"),
        ({"atLeast": 0.75}, {"auc": math.nan}, "auc of version 2 is nan, a finite number is wanted"),
        ({"atLeast": 0.75}, {"auc": math.inf}, "auc of version 2 is inf, a finite number is wanted"),
    ],
)
def test_metric(gate: dict[str, float], metrics: dict[str, float], words: str) -> None:
    version = ModelVersion("2", "run-2", "sha256:2", metrics)
    given = facts(
        champion=pinned("1"),
        gates=[{"name": "accurate", "metric": {"key": "auc", **gate}}],
        world=World(registry=RegistrySeen(wanted=version, champion=CHAMPION)),
    )
    found = failures(given, version)
    assert (words in found[0]) if words else found == []


@pytest.mark.parametrize(
    ("tags", "holds"),
    [({"git_sha": "abc", "data": "v1"}, True), ({"git_sha": "abc"}, False), ({"git_sha": " ", "data": "v1"}, False)],
)
def test_tags(tags: dict[str, str], holds: bool) -> None:
    version = ModelVersion("2", "run-2", "sha256:2", {}, tags)
    given = facts(gates=[{"name": "reproducible", "tags": {"required": ["git_sha", "data"]}}])
    assert (failures(given, version) == []) is holds


def test_all_failures_are_told_not_only_the_first() -> None:
    gates = [
        {"name": "accurate", "metric": {"key": "auc", "atLeast": 0.9}},
        {"name": "fast", "metric": {"key": "ms", "atMost": 5}},
        {"name": "reproducible", "tags": {"required": ["git_sha"]}},
    ]
    found = failures(facts(gates=gates), ModelVersion("2", "run-2", "sha256:2", {"auc": 0.1, "ms": 9}))
    assert [line.split(":")[0] for line in found] == ["gate accurate", "gate fast", "gate reproducible"]


def test_a_first_version_has_no_champion_to_fall_behind() -> None:
    gates = [{"name": "not-worse", "metric": {"key": "auc", "maxDropFromChampion": 0.01}}]
    assert failures(facts(gates=gates), ModelVersion("1", "run-1", "sha256:1", {"auc": 0.1})) == []


def test_a_champion_that_the_registry_lost_cannot_be_compared_with() -> None:
    gates = [{"name": "not-worse", "metric": {"key": "auc", "maxDropFromChampion": 0.01}}]
    found = failures(facts(champion=pinned("1"), gates=gates), ModelVersion("2", "run-2", "sha256:2", {"auc": 0.9}))
    assert "does not know the champion's version any more" in found[0]
