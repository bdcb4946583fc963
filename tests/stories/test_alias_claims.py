"""Who may write an alias is claimed in the registry, so that two clusters which share one see each other."""

from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.facts import Key
from podium.core.status.readiness import condition_of
from podium.errors import Rejected, Unavailable
from podium.simulation.world.view import KEY
from tests.stories.simulator import SECOND, Simulation, spec_of

QUICK: dict[str, Any] = {"steps": [{"weight": 25, "duration": "5s"}], "soak": "20s"}
EAST, WEST = "east", "west"
OF_EAST, OF_WEST = f"{EAST}/{KEY}", f"{WEST}/{KEY}"
LATE = Key("team-b", "late")


def spec(version: str = "1", **parts: Any) -> Any:
    return spec_of(version, rollout=QUICK, **parts)


def east() -> Simulation:
    sim = Simulation(spec())
    sim.cluster.identity = EAST
    sim.register("1")
    sim.settle("1")
    sim.run(20 * SECOND)
    return sim


def west(beside: Simulation, version: str = "1", **parts: Any) -> Simulation:
    """Another cluster with the same registry, whose Git names the same alias."""
    sim = Simulation(spec(version, **parts), beside=beside)
    sim.cluster.identity = WEST
    return sim


def claim(sim: Simulation) -> str:
    return sim.registry.models["churn"].claims.get("champion", "")


def stalled(sim: Simulation, key: Key = KEY) -> tuple[str, str]:
    md = sim.cluster.now(key)
    found = condition_of(md.status, "Stalled") if md is not None else None
    return (found.reason, found.message) if found is not None and found.status == "True" else ("", "")


def test_an_alias_is_claimed_before_it_is_written() -> None:
    sim = Simulation(spec())
    sim.cluster.identity = EAST
    sim.register("1")
    sim.until(lambda world: bool(claim(sim)))
    assert sim.alias == ""
    sim.settle("1")
    sim.run(20 * SECOND)
    assert (claim(sim), sim.alias) == (OF_EAST, "1")


def test_a_second_cluster_is_told_whose_the_alias_is_and_begins_nothing() -> None:
    first = east()
    second = west(first)
    second.register("2")
    second.commit(spec("2"))
    second.run(60 * SECOND)
    reason, message = stalled(second)
    assert reason == reasons.ALIAS_CONFLICT
    assert f"ModelDeployment {KEY} of cluster {EAST}" in message
    assert f"spec.registry.takeOverFrom: {OF_EAST}" in message
    assert second.size("a") == 0
    assert (claim(first), first.alias) == (OF_EAST, "1")


def test_what_git_takes_over_is_written_by_the_new_owner_and_by_the_former_one_no_more() -> None:
    first = east()
    second = west(first, registry={"takeOverFrom": OF_EAST})
    second.register("2")
    second.commit(spec("2", registry={"takeOverFrom": OF_EAST}))
    second.settle("2")
    second.run(20 * SECOND)
    assert (claim(first), first.alias) == (OF_WEST, "2")
    first.run(60 * SECOND)
    assert stalled(first)[0] == reasons.ALIAS_CONFLICT
    assert f"of cluster {WEST}" in stalled(first)[1]
    assert (first.champion(), first.status.phase) == ("1", Phase.STABLE), "its pods serve on"
    assert (claim(first), first.alias) == (OF_WEST, "2")


def test_a_claim_of_a_third_one_is_not_taken_over() -> None:
    first = east()
    second = west(first, registry={"takeOverFrom": f"north/{KEY}"})
    second.run(60 * SECOND)
    assert stalled(second)[0] == reasons.ALIAS_CONFLICT
    assert claim(first) == OF_EAST


def test_a_deletion_gives_the_claim_back_to_the_one_that_waits() -> None:
    first = east()
    second = west(first)
    second.run(60 * SECOND)
    assert stalled(second)[0] == reasons.ALIAS_CONFLICT
    first.cluster.remove(KEY)
    first.tell()
    first.loop.run_for(10)
    assert claim(first) == ""
    second.settle("1")
    second.run(20 * SECOND)
    assert claim(second) == OF_WEST


def test_another_alias_in_git_gives_the_claim_of_the_former_one_back() -> None:
    sim = east()
    sim.commit(spec(registry={"aliases": {"champion": "live"}}))
    sim.run(30 * SECOND)
    assert sim.registry.models["churn"].claims == {"live": OF_EAST}


def test_a_claim_that_could_not_be_given_back_is_void_in_its_own_cluster() -> None:
    sim = east()
    sim.registry.failure = Unavailable("the registry is away")
    sim.cluster.remove(KEY)
    sim.tell()
    sim.loop.run_for(600)
    sim.registry.failure = None
    assert claim(sim) == OF_EAST
    sim.commit(spec(), "another one", LATE)
    sim.loop.run_for(60)
    assert claim(sim) == f"{EAST}/{LATE}"


def test_an_older_one_that_comes_to_name_an_alias_takes_it_from_no_younger_one() -> None:
    """To be older was enough before: whoever had an old ModelDeployment could have any alias of a granted model."""
    sim = Simulation(spec())
    sim.cluster.identity = EAST
    sim.cluster.put(LATE, spec(registry={"aliases": {"champion": "other"}}))
    sim.cluster.remove(KEY)
    sim.register("1")
    sim.tell(LATE)
    sim.loop.run_for(30)
    sim.commit(spec())
    sim.settle("1")
    sim.run(20 * SECOND)
    assert claim(sim) == OF_EAST
    sim.commit(spec(), "the older one names the alias too", LATE)
    sim.run(60 * SECOND)
    assert claim(sim) == OF_EAST
    assert stalled(sim, LATE)[0] == reasons.ALIAS_CONFLICT
    assert stalled(sim) == ("", "")
    sim.restart()
    sim.run(60 * SECOND)
    assert stalled(sim) == ("", ""), "not for a moment, before the registry has answered"
    assert not [status for _, status in sim.statuses if reasons.ALIAS_CONFLICT in status.message]


def test_a_living_one_of_the_same_cluster_is_not_taken_over() -> None:
    sim = east()
    sim.commit(spec(registry={"takeOverFrom": OF_EAST}), "", LATE)
    sim.run(60 * SECOND)
    assert claim(sim) == OF_EAST
    assert stalled(sim, LATE)[0] == reasons.ALIAS_CONFLICT


def test_a_claim_that_comes_in_the_middle_of_a_trial_keeps_the_alias_where_it_is() -> None:
    sim = east()
    sim.register("2")
    sim.commit(spec("2"))
    sim.reach(Phase.CANARY)
    sim.registry.models["churn"].claims["champion"] = OF_WEST
    sim.settle("2")
    sim.run(60 * SECOND)
    assert (sim.champion(), sim.alias) == ("2", "1")
    assert stalled(sim)[0] == reasons.ALIAS_CONFLICT


def test_a_login_that_may_not_claim_writes_no_alias_and_serves() -> None:
    sim = Simulation(spec())
    sim.register("1")

    async def refused(*_: Any) -> None:
        raise Rejected("the login may not write tags of a model", reason=reasons.LOGIN_REJECTED)

    sim.registry.claim_alias = refused  # type: ignore[assignment, method-assign]
    sim.settle("1")
    sim.run(60 * SECOND)
    assert sim.alias == ""
    found = condition_of(sim.status, "RegistryInSync")
    assert found is not None
    assert (found.status, found.reason) == ("False", reasons.LOGIN_REJECTED)


def test_a_cluster_without_a_name_claims_and_writes_no_alias_and_says_so() -> None:
    sim = Simulation(spec())
    sim.register("1")

    async def forbidden() -> str:
        raise Rejected("may not list namespaces")

    sim.cluster.cluster_id = forbidden  # type: ignore[method-assign]
    sim.settle("1")
    sim.run(60 * SECOND)
    assert (claim(sim), sim.alias) == ("", "")
    found = condition_of(sim.status, "RegistryInSync")
    assert found is not None
    assert "PODIUM_CLUSTER_ID" in found.message


@pytest.mark.parametrize("text", ["x" * 500, "a/b", "<b>east</b>/ml/churn", "east/ml/churn\x1b[2J", "east/../etc"])
def test_a_tag_that_is_no_claim_is_respected_and_not_repeated(text: str) -> None:
    sim = Simulation(spec())
    sim.register("1")
    sim.registry.models["churn"].claims["champion"] = text
    sim.run(30 * SECOND)
    reason, message = stalled(sim)
    assert reason == reasons.ALIAS_CONFLICT
    assert text not in message
    assert "podium.dev/alias-owner" in message
    assert claim(sim) == text


def test_of_two_that_claim_at_the_same_moment_one_has_the_alias_in_the_end() -> None:
    first = Simulation(spec())
    first.cluster.identity = EAST
    first.register("1")
    second = west(first)
    for _ in range(240):
        first.tick()
        second.tick()
    told = [stalled(sim)[0] for sim in (first, second)]
    assert sorted(told) == ["", reasons.ALIAS_CONFLICT]
    assert claim(first) == (OF_WEST if told[0] else OF_EAST)


def test_two_clusters_record_their_decisions_side_by_side() -> None:
    first = east()
    second = west(first, registry={"aliases": {"champion": "west"}})
    second.settle("1")
    second.run(30 * SECOND)
    tags = first.registered("1").tags
    assert tags[f"podium.dev/{OF_EAST}/decision"] == "promoted"
    assert tags[f"podium.dev/{OF_WEST}/decision"] == "promoted"
