"""Which ModelDeployment may write an alias, known without a list of all in each reconcile."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from podium.adapters.kubernetes import read
from podium.controller.alias_claims import AliasClaims
from podium.controller.cluster_identity import ClusterIdentity
from podium.controller.others import Others
from podium.controller.policies import PolicyBook
from podium.controller.queue import Priority
from podium.controller.sweep import Sweep
from podium.controller.template_turns import TemplateTurns
from podium.core.facts import AliasConflict, Key
from podium.errors import Unavailable
from podium.ports import AliasClaim, ModelDeployment
from podium.testing import FakeClock, FakeCluster, FakePolicies
from tests.unit.controller.stage import URI, spec


def pair_of(older: dict[str, Any], younger: dict[str, Any]) -> tuple[ModelDeployment, ModelDeployment]:
    clock = FakeClock()
    cluster = FakeCluster(clock)
    first = cluster.put(Key("ml", "z-older"), spec(**older))
    clock.move(1)
    return first, cluster.put(Key("ml", "a-younger"), spec("2", **younger))


@pytest.fixture
def pair() -> tuple[ModelDeployment, ModelDeployment]:
    return pair_of({}, {})


def of(md: ModelDeployment) -> AliasClaim:
    assert md.claim is not None
    return md.claim


def listed(*mds: ModelDeployment) -> AliasClaims:
    claims = AliasClaims(URI)
    claims.listing()
    claims.fill(of(md) for md in mds)
    return claims


def test_the_younger_has_a_conflict_and_the_older_has_none(pair: tuple[ModelDeployment, ModelDeployment]) -> None:
    older, younger = pair
    assert listed(*pair).conflict(of(younger)) == AliasConflict(older.key, "champion")
    assert listed(*pair).conflict(of(older)) is None
    assert listed(*pair).conflict(None) is None


def test_of_two_of_one_age_the_name_decides(pair: tuple[ModelDeployment, ModelDeployment]) -> None:
    z, a = of(pair[0]), replace(of(pair[1]), created=pair[0].created)
    claims = listed()
    claims.note(z.key, z)
    claims.note(a.key, a)
    assert claims.conflict(z) == AliasConflict(a.key, "champion")
    assert claims.conflict(a) is None


@pytest.mark.parametrize(
    "more",
    [
        {"registry": {"aliases": {"champion": "champion-eu"}}},
        {"registry": {"uri": "http://other.test"}},
        {"model": {"name": "fraud", "version": "1"}},
    ],
)
def test_another_alias_registry_or_model_is_no_conflict(more: dict[str, Any]) -> None:
    older, younger = pair_of(more, {})
    assert listed(older, younger).conflict(of(younger)) is None


def test_one_registry_by_name_and_by_default_is_one_registry() -> None:
    older, younger = pair_of({"registry": {"uri": f"{URI}/"}}, {})
    assert listed(older, younger).conflict(of(younger)) == AliasConflict(older.key, "champion")


def test_one_that_is_being_deleted_or_is_gone_holds_nothing(pair: tuple[ModelDeployment, ModelDeployment]) -> None:
    older, younger = pair
    claims = listed(*pair)
    claims.note(older.key, replace(of(older), deleting=True))
    assert claims.conflict(of(younger)) is None
    claims.note(older.key, of(older))
    assert claims.conflict(of(younger)) is not None
    claims.note(older.key, None)
    assert claims.conflict(of(younger)) is None
    assert replace(older, spec=None).claim is None


def test_another_alias_from_now_on_frees_the_former_one(pair: tuple[ModelDeployment, ModelDeployment]) -> None:
    older, younger = pair
    claims = listed(*pair)
    claims.note(older.key, replace(of(older), alias="champion-eu"))
    assert claims.conflict(of(younger)) is None


def test_before_all_are_listed_nothing_is_known(pair: tuple[ModelDeployment, ModelDeployment]) -> None:
    claims = AliasClaims(URI)
    claims.note(pair[0].key, of(pair[0]))
    with pytest.raises(Unavailable, match="not listed yet"):
        claims.conflict(of(pair[1]))
    led_again = listed(*pair)
    led_again.clear()
    with pytest.raises(Unavailable, match="not listed yet"):
        led_again.conflict(of(pair[1]))


def test_what_a_watch_tells_while_a_list_is_read_is_newer_than_the_list(
    pair: tuple[ModelDeployment, ModelDeployment],
) -> None:
    older, younger = pair
    claims = AliasClaims(URI)
    claims.listing()
    claims.note(older.key, None)  # deleted after the server began to answer
    claims.fill([of(older), of(younger)])
    assert claims.conflict(of(younger)) is None
    claims.listing()
    claims.note(older.key, of(older))  # made after that
    claims.fill([of(younger)])
    assert claims.conflict(of(younger)) == AliasConflict(older.key, "champion")
    claims.listing()
    claims.fill([of(younger)])  # gone, and no watch has told of it
    assert claims.conflict(of(younger)) is None


async def test_a_sweep_does_not_undo_what_a_watch_tells_while_it_lists() -> None:
    """It did until it came to that object, and a younger one was told of a conflict with what is gone."""
    clock, claims = FakeClock(), AliasClaims(URI)
    cluster = FakeCluster(clock)
    older = cluster.put(Key("ml", "z-older"), spec())
    clock.move(1)
    younger, real = cluster.put(Key("ml", "a-younger"), spec("2")), cluster.list_all

    async def list_all() -> Sequence[ModelDeployment]:
        found = await real()
        claims.note(older.key, None)  # deleted while the list is on its way
        return found

    cluster.list_all = list_all  # type: ignore[method-assign]
    policies = PolicyBook(FakePolicies(), clock, URI, wake=lambda _: None)
    others = Others(
        cluster,
        claims,
        TemplateTurns(1, wake=lambda _: None),
        policies,
        clock,
        identity=ClusterIdentity(cluster, clock),
    )

    def note(md: ModelDeployment) -> Priority:
        others.note(md)
        return Priority.REST

    sweep = Sweep(cluster, clock, add=lambda *_: None, known=tuple, note=note, claims=claims, every=300)
    assert await sweep.once()
    assert claims.conflict(of(younger)) is None


@pytest.mark.parametrize(
    ("given", "claimed"),
    [
        ({"model": {"name": "churn", "version": "1"}}, ("", "churn", "champion")),
        (
            {"model": {"name": "churn"}, "registry": {"uri": "http://r", "aliases": {"champion": "eu"}}},
            ("http://r", "churn", "eu"),
        ),
        ({"model": {"name": "churn"}, "registry": {"aliases": {}}}, ("", "churn", "champion")),
        ({"model": {}}, None),
        ({"model": "churn"}, None),
        ({"model": {"name": "churn"}, "registry": "http://r"}, None),
        (None, None),
    ],
)
def test_a_watch_reads_no_more_of_an_object_than_its_claim(given: object, claimed: tuple[str, ...] | None) -> None:
    metadata = {"namespace": "ml", "name": "churn", "uid": "u", "creationTimestamp": "2026-01-02T03:04:05Z"}
    found = read.claim({"metadata": metadata, "spec": given})
    assert (found and (found.registry, found.model, found.alias)) == claimed
