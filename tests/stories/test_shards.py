"""Namespaces are shared out by shards over operators that are killed and frozen: no trial is lost or decided twice."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from podium.api.v1alpha1.status import Phase
from podium.controller.shards import shard_of
from podium.core.facts import Key
from podium.simulation.world.process import Process
from podium.simulation.world.view import KEY
from podium.simulation.world.world import World
from tests.stories.simulator import SECOND, spec_of

SHARDS = 4
MINUTE = timedelta(minutes=1)
QUICK = {"steps": [{"weight": 50, "duration": "10s"}], "soak": "10s", "guards": []}  # clients ask one of them only
KEYS = [KEY, *(Key(f"team-{number}", "churn") for number in (0, 1, 4, 8))]


@pytest.fixture(autouse=True)
def shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "shards", SHARDS)
    monkeypatch.setattr(World, "workers", 2)


def spec(version: str, key: Key) -> object:
    return spec_of(version, rollout=QUICK, registry={"aliases": {"champion": f"of-{key.namespace}"}})


def world(operators: int, seed: int = 1) -> World:
    made = World(operators=operators, seed=seed, election=True)
    made.register("1")
    for key in KEYS:
        made.commit(spec(("1"), key), key=key)  # type: ignore[arg-type]
    made.until(lambda w: all(phase(w, key) is Phase.STABLE for key in KEYS), within=5 * MINUTE)
    return made


def phase(made: World, key: Key) -> Phase:
    md = made.cluster.now(key)
    assert md is not None
    return md.status.phase


def champion(made: World, key: Key) -> str:
    md = made.cluster.now(key)
    return md.status.champion.version if md is not None and md.status.champion is not None else ""


def held(made: World) -> dict[int, str]:
    """Who holds which shard, as the Leases say."""
    leases = made.ports.lease.leases  # type: ignore[attr-defined]
    return {shard: lease.holder for shard, lease in leases.items() if lease.holder}


def at_work(process: Process) -> set[int]:
    return set(process.operator._balance.held)  # type: ignore[union-attr]


def fair(made: World, most: int) -> bool:
    counts = Counter(held(made).values())
    return len(held(made)) == SHARDS and max(counts.values()) <= most


def promote(made: World, keys: Sequence[Key]) -> None:
    made.register("2")
    for key in keys:
        made.commit(spec("2", key), key=key)  # type: ignore[arg-type]


def decided(made: World, key: Key, version: str) -> list[str]:
    """What was decided about a version, each time."""
    md = made.cluster.now(key)
    assert md is not None
    return [entry.outcome for entry in md.status.history if entry.version == version]


def test_the_namespaces_of_this_story_are_in_all_shards() -> None:
    assert {shard_of(key.namespace, SHARDS) for key in KEYS} == set(range(SHARDS))


@pytest.mark.parametrize(("operators", "most"), [(1, 4), (2, 2), (3, 2), (5, 1)])
def test_each_operator_holds_as_many_shards_as_is_fair(operators: int, most: int) -> None:
    made = world(operators)
    made.until(lambda w: fair(w, most), within=2 * MINUTE)
    before = held(made)
    made.run(2 * MINUTE)
    assert held(made) == before, "and nothing moves on without a cause"


def test_an_operator_that_comes_later_gets_its_part() -> None:
    made = world(1)
    made.start(election=True)
    made.until(lambda w: fair(w, 2), within=2 * MINUTE)
    promote(made, KEYS)
    made.until(lambda w: all(champion(w, key) == "2" for key in KEYS), within=5 * MINUTE)


def test_where_one_dies_only_its_shards_move() -> None:
    made = world(3)
    made.until(lambda w: fair(w, 2), within=2 * MINUTE)
    before = held(made)
    victim = made.processes[0]
    lost = at_work(victim)
    others = {shard: who for shard, who in before.items() if shard not in lost}
    victim.dead = True
    victim._task.cancel()
    made.processes.remove(victim)
    began = made.now
    made.until(lambda w: all(held(w).get(shard) not in {None, before[shard]} for shard in lost), within=MINUTE)
    assert made.now - began <= 12 * SECOND
    assert {shard: held(made)[shard] for shard in others} == others


@pytest.mark.parametrize("operators", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_whoever_is_killed_or_frozen_in_a_trial_each_is_decided_once(operators: int, seed: int) -> None:
    made = world(operators, seed)
    promote(made, KEYS)
    chance = made.processes[0].chance
    for _ in range(6):
        made.run(timedelta(seconds=chance.uniform(1.0, 9.0)))
        victim = chance.choice(made.processes)
        if chance.random() < 0.5:
            made.note("an operator dies")
            victim.die()
        else:
            made.note("an operator is frozen")
            made.loop.create_task(victim.freeze(chance.uniform(3.0, 20.0)))
    made.until(
        lambda w: all(champion(w, key) == "2" and phase(w, key) is Phase.STABLE for key in KEYS), within=10 * MINUTE
    )
    for key in KEYS:
        assert decided(made, key, "2") == ["Promoted"]


def test_two_operators_never_work_on_one_shard() -> None:
    made = world(3)
    for _ in range(60):
        made.tick()
        working = Counter(shard for process in made.processes for shard in at_work(process))
        assert max(working.values(), default=0) <= 1


def test_an_alias_that_another_shards_deployment_claims_is_not_written() -> None:
    made = world(2)
    older, younger = KEYS[0], Key("team-6", "late")
    assert shard_of(older.namespace, SHARDS) != shard_of(younger.namespace, SHARDS)
    made.run(5 * SECOND)
    made.commit(spec("1", older), key=younger)  # type: ignore[arg-type]
    made.run(MINUTE)
    md = made.cluster.now(younger)
    assert md is not None
    assert any(each.reason == "AliasConflict" for each in md.status.conditions)


def test_the_templates_of_an_upgrade_are_tried_one_at_a_time_in_all_shards_together() -> None:
    """With one turn for all: three operators give it in four shards."""
    made = world(3)
    made.cluster.runtime_image = "registry.test/runtime:2"
    made.restart()
    made._tick = 1.0
    most = 0

    def image(key: Key) -> str:
        md = made.cluster.now(key)
        assert md is not None
        champion = md.status.champion
        return champion.template.image if champion is not None and champion.template is not None else ""

    def all_have_it(w: World) -> bool:
        nonlocal most
        on_trial = [key for key in KEYS if (md := w.cluster.now(key)) is not None and md.status.trial is not None]
        most = max(most, len(on_trial))
        assert most <= 1, on_trial
        return all(image(key) == "registry.test/runtime:2" for key in KEYS)

    made.until(all_have_it, within=timedelta(minutes=40))
    assert most == 1
