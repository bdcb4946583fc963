"""A guard on what Prometheus counts, through a whole trial."""

from dataclasses import replace
from typing import Any

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.controller.operator import Operator
from podium.ports import Ports
from tests.unit.controller.world import World, spec

STEPS = [{"weight": 30, "duration": "5s"}]
GUARD = {
    "name": "refunds",
    "prometheus": {"bad": 'bad{v="{{version}}"}', "total": 'all{v="{{version}}"}', "atMost": "1%"},
}
GUARDED: dict[str, Any] = {"steps": STEPS, "soak": "20s", "guards": [GUARD]}


def told(world: World, version: str, bad: float, total: float) -> None:
    """Prometheus has these totals from now on."""
    world.metrics_store.put(f'bad{{v="{version}"}}', bad)
    world.metrics_store.put(f'all{{v="{version}"}}', total)


async def put_on_trial(world: World, operator: Operator) -> None:
    """Version 1 is champion, and version 2 gets its first traffic."""
    world.apply(operator, spec("1"))
    await world.until(Phase.STABLE)
    world.apply(operator, spec("2", rollout=GUARDED))
    await world.until(Phase.CANARY)


async def test_a_version_is_taken_back_by_what_only_prometheus_counts() -> None:
    world = World()
    told(world, "1", bad=3, total=1000)
    told(world, "2", bad=500, total=600)  # of an earlier life: it is taken note of, and does not count
    async with world.operator() as operator:
        await put_on_trial(world, operator)
        await world.clock.advance(3)
        assert (await world.md()).status.phase is Phase.CANARY
        told(world, "2", bad=510, total=620)
        status = await world.until(Phase.REJECTED, within=5)
    assert status.rejected[-1].reason == reasons.GUARD_FAILED
    assert "refunds: 50% bad (10 of 20 answers, limit 1%)" in status.rejected[-1].message


async def test_what_prometheus_does_not_know_holds_and_is_told() -> None:
    world = World()
    async with world.operator() as operator:
        await put_on_trial(world, operator)
        await world.clock.advance(60)
        status = (await world.md()).status
    assert status.phase is Phase.CANARY
    assert "refunds: expected one sample, found none" in status.message


async def test_without_a_prometheus_the_setting_is_named() -> None:
    class Alone(World):
        @property
        def ports(self) -> Ports:
            return replace(super().ports, metrics_store=None)

    world = Alone()
    async with world.operator() as operator:
        await put_on_trial(world, operator)
        await world.clock.advance(2)
        assert "set PODIUM_PROMETHEUS_URI" in (await world.md()).status.message
