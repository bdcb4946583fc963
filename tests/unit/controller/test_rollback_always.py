"""A rollback always happens, and what serves is never stopped: a refused status, a finalizer, a fault of Podium."""

from dataclasses import replace
from typing import Any

import pytest

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Phase, Pinned
from podium.controller import reconcile
from podium.core.decide import decide
from podium.core.facts import Facts
from podium.errors import Rejected
from podium.testing import Behaviour
from tests.unit.controller.stage import KEY, Stage, spec

GATEWAY = {"gateway": {"name": "public"}}


REFUSALS = [Rejected("PUT …/churn/status: the API server answers 422"), TimeoutError(), KeyError("a fault of Podium")]


def refuse_status(world: Stage, error: Exception = REFUSALS[0]) -> None:
    async def refuse(*_: object) -> None:
        raise error

    world.cluster.write_status = refuse  # type: ignore[method-assign,assignment]


def record_stops(world: Stage) -> list[str]:
    """The slots that Podium stops or gives to another version: between two seconds a slot can be emptied and filled."""
    taken: list[str] = []
    stop, run = world.cluster.stop_slot, world.cluster.run_slot

    async def stopping(md: Any, slot: Slot, *revision: Any) -> None:
        taken.append(f"stop {slot}")
        await stop(md, slot, *revision)

    async def running(md: Any, pinned: Pinned, replicas: int, *revision: Any) -> None:
        before = (await world.cluster.slots(md))[pinned.slot].runs
        if before is not None and before.version != pinned.version:
            taken.append(f"{pinned.slot}: {before.version} -> {pinned.version}")
        await run(md, pinned, replicas, *revision)

    world.cluster.stop_slot = stopping  # type: ignore[method-assign,assignment]
    world.cluster.run_slot = running  # type: ignore[method-assign,assignment]
    return taken


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_a_champion_is_scaled_while_the_status_is_refused(error: Exception) -> None:
    world = Stage()
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        refuse_status(world, error)
        world.apply(spec("1", serving={"replicas": 4, "drain": "1s"}))
        world.advance(20)
        assert world.size("a") == 4


def test_a_route_that_was_edited_is_led_to_the_champion_while_the_status_is_refused() -> None:
    world = Stage()
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        refuse_status(world)
        world.router.drift(world.md())
        world.apply(spec("1", serving={"replicas": 4, "drain": "1s"}))
        world.advance(20)
        assert world.weights == {"a": 100, "b": 0}


def test_a_fault_of_podium_in_the_route_keeps_no_pods_from_starting() -> None:
    world = Stage()

    async def faulty(*_: object) -> None:
        raise KeyError("a fault of Podium")

    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.router.drift(world.md())
        world.router.route = faulty  # type: ignore[method-assign,assignment]
        world.apply(spec("1", serving={"replicas": 4, "drain": "1s"}))
        world.advance(20)
        assert world.size("a") == 4


def test_a_deletion_that_a_foreign_finalizer_holds_takes_the_traffic_back_first() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.CANARY)
        world.advance(3)
        assert world.weights["b"] > 0
        real = world.cluster.get

        async def deleting(key: Any) -> Any:
            found = await real(key)
            return replace(found, deleting=True) if found is not None else None

        world.cluster.get = deleting  # type: ignore[method-assign]
        operator.changed(KEY)
        world.advance(2)
        assert world.weights == {"a": 100, "b": 0}


def test_a_status_that_was_emptied_stops_nothing_and_the_version_that_serves_is_champion_again() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        taken = record_stops(world)
        world.cluster.empty_status(KEY)
        operator.changed(KEY)
        for _ in range(30):
            world.advance(1)
            assert world.size("a") == 2
            assert world.weights == {"a": 100, "b": 0}
        status = world.status
        assert status.champion is not None
        assert (status.champion.version, status.phase) == ("1", Phase.STABLE)
        assert taken == []


def test_a_slot_with_traffic_is_not_stopped_while_no_pod_of_it_can_be_verified() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        taken = record_stops(world)
        world.registry.unreachable = True
        for pod in world.cluster.slots_now(world.md())["a"].pods:
            world.cluster.evict(pod.uid)  # as on a node that is drained while the object is restored
        world.cluster.empty_status(KEY)
        operator.changed(KEY)
        world.advance(1)
        assert taken == []
        assert world.weights["a"] == 100


@pytest.mark.parametrize("weight", [30, 50, 80])
@pytest.mark.parametrize("champion", ["1", "2"])
def test_a_status_that_was_emptied_in_a_trial_goes_back_to_the_champion(champion: str, weight: int) -> None:
    world, steps = Stage(), {"steps": [{"weight": weight, "duration": "60s"}], "soak": "20s"}
    with world.operator() as operator:
        for version in range(1, int(champion) + 1):  # the second champion is in the other slot
            world.apply(spec(str(version)))
            world.wait_for(Phase.STABLE, requests=200)
        world.apply(spec("3", rollout=steps))
        world.wait_for(Phase.CANARY)
        world.advance(3)
        before = world.status
        assert before.champion is not None
        world.cluster.empty_status(KEY)
        operator.changed(KEY)
        world.advance(1)
        assert world.weights[before.champion.slot] == 100
        for _ in range(10):
            world.advance(1)
            assert world.size(before.champion.slot) == 2
        status = world.status
        assert status.champion is not None
        assert status.champion.version == champion


@pytest.mark.parametrize("newer", [False, True])
def test_the_first_version_is_not_stopped_while_it_alone_has_the_traffic(newer: bool) -> None:
    world = Stage()
    with world.operator() as operator:
        world.router.gateway_stopped = True  # it never acknowledges
        world.apply(spec("1", traffic=GATEWAY))
        world.wait_for(Phase.PROMOTING)
        world.advance(3)
        assert world.weights["a"] == 100
        taken = record_stops(world)
        if newer:
            world.apply(spec("2", traffic=GATEWAY))
        else:
            world.cluster.behave("1", Behaviour(crash_after=0.0))
            operator.changed(KEY)
        for _ in range(20):
            world.advance(1)
            assert world.size("a") == 2
        assert world.status.phase is Phase.PROMOTING
        assert taken == []


def test_a_fault_in_the_evaluation_leaves_tripwires_and_git_in_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    world, real = Stage(), decide

    def faulty(facts: Facts) -> Any:
        if facts.status.phase is Phase.CANARY:
            raise ZeroDivisionError("a fault of Podium")
        return real(facts)

    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.CANARY)
        monkeypatch.setattr(reconcile, "decide", faulty)
        world.advance(20)
        status = world.status
        assert status.phase is Phase.CANARY
        assert status.trial is not None
        assert status.trial.guards
        shown = {each.type: each for each in status.conditions}["GuardsEvaluated"]
        assert (shown.status, shown.reason) == ("False", "EvaluationFailed")
        assert "Paused" not in {each.reason for each in status.conditions}
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        assert "GuardsEvaluated" not in {each.type for each in world.status.conditions}
