"""A guard on what Prometheus counts, through a whole trial."""

from dataclasses import replace
from typing import Any

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from tests.unit.controller.stage import Stage, spec

STEPS = [{"weight": 30, "duration": "5s"}]
GUARD = {
    "name": "refunds",
    "prometheus": {"bad": 'bad{v="{{version}}"}', "total": 'all{v="{{version}}"}', "atMost": "1%"},
}
GUARDED: dict[str, Any] = {"steps": STEPS, "soak": "20s", "guards": [GUARD]}


def told(world: Stage, version: str, bad: float, total: float) -> None:
    """Prometheus has these totals from now on."""
    world.metrics_store.put(f'bad{{v="{version}"}}', bad)
    world.metrics_store.put(f'all{{v="{version}"}}', total)


def put_on_trial(world: Stage) -> None:
    """Version 1 is champion, and version 2 gets its first traffic."""
    world.apply(spec("1"))
    world.wait_for(Phase.STABLE)
    world.apply(spec("2", rollout=GUARDED))
    world.wait_for(Phase.CANARY)


def test_a_version_is_taken_back_by_what_only_prometheus_counts() -> None:
    world = Stage()
    told(world, "1", bad=3, total=1000)
    told(world, "2", bad=500, total=600)  # of an earlier life: it is taken note of, and does not count
    with world.operator():
        put_on_trial(world)
        world.advance(3)
        assert world.md().status.phase is Phase.CANARY
        told(world, "2", bad=510, total=620)
        world.wait_for(Phase.PENDING, within=5)
        told(world, "1", bad=3, total=1300)  # the champion does better: the fault is the version's own
        status = world.wait_for(Phase.REJECTED, within=10)
    assert status.rejected[-1].reason == reasons.GUARD_FAILED
    assert "refunds: 50% bad (10 of 20 answers, limit 1%)" in status.rejected[-1].message


def test_what_prometheus_does_not_know_holds_and_is_told() -> None:
    world = Stage()
    with world.operator():
        put_on_trial(world)
        world.advance(60)
        status = world.md().status
    assert status.phase is Phase.CANARY
    assert "refunds: expected one sample, found none" in status.message


def test_without_a_prometheus_the_setting_is_named() -> None:
    world = Stage()
    world.ports = replace(world.ports, metrics_store=None)
    with world.operator():
        put_on_trial(world)
        world.advance(2)
        assert "set PODIUM_PROMETHEUS_URI" in world.md().status.message


def by(label: str) -> dict[str, Any]:
    """A guard that selects by this label alone."""
    queries = {name: f'{name}{{k="{{{{{label}}}}}"}}' for name in ("bad", "all")}
    guard = {"name": "refunds", "prometheus": {"bad": queries["bad"], "total": queries["all"], "atMost": "1%"}}
    return {**GUARDED, "guards": [guard]}


def put_template_on_trial(world: Stage, label: str) -> None:
    """Version 1 is on trial with another image, and Prometheus has no fault of either side."""
    for each in ("1", "a", "b"):
        world.metrics_store.put(f'bad{{k="{each}"}}', 0)
        world.metrics_store.put(f'all{{k="{each}"}}', 100)
    world.apply(spec("1", rollout=by(label)))
    world.wait_for(Phase.STABLE)
    serving = {"replicas": 2, "drain": "1s", "image": "registry.test/runtime:2"}
    world.apply(spec("1", rollout=by(label), serving=serving))
    world.wait_for(Phase.CANARY)
    world.advance(2)
    for each in ("1", "a", "b"):
        world.metrics_store.put(f'all{{k="{each}"}}', 100_000)


def test_queries_that_cannot_tell_the_sides_of_a_template_apart_promote_nothing() -> None:
    world = Stage()
    with world.operator():
        put_template_on_trial(world, "version")
        world.advance(60)
        status = world.md().status
    assert status.phase is Phase.CANARY
    assert "refunds: expected a query for each side, found the same one for both" in status.message
    assert "{{slot}}" in status.message


def test_queries_by_slot_tell_the_sides_of_a_template_apart() -> None:
    world = Stage()
    with world.operator():
        put_template_on_trial(world, "slot")
        world.wait_for(Phase.SOAKING)
