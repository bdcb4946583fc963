"""What every source of evidence does: the fake, and real pods."""

from podium.api.v1alpha1.status import Pinned
from podium.core.facts import Counters, PodState
from podium.core.identity import Identity
from podium.testing import Behaviour
from tests.contract.cluster_fixtures import world
from tests.contract.cluster_worlds import ClusterWorld

__all__ = ["world"]  # a fixture

ONE = Pinned(version="1", digest="sha256:11", slot="a")


async def pods(world: ClusterWorld, **behaviours: Behaviour) -> tuple[PodState, ...]:
    """Two ready pods of version 1."""
    made = await world.put("1", **behaviours)
    await world.cluster.run_slot(made, ONE, 2)

    async def check() -> tuple[PodState, ...] | None:
        slot = (await world.cluster.slots(made))["a"]
        return slot.pods if slot.ready(ONE) == 2 else None

    return await world.until(check)


async def test_every_pod_says_what_it_serves_and_what_it_has_answered(world: ClusterWorld) -> None:
    first, second = await pods(world, v1=Behaviour(ready_after=0.5, bad_share=0.25))
    await world.answer(first, 9)
    said = await world.evidence.ask(world.key.namespace, [first, second])
    assert said[first.uid].identity == Identity("1", "sha256:11")
    assert said[first.uid].counters == Counters(answers=9, bad=2)
    assert said[second.uid].counters == Counters(answers=0, bad=0)


async def test_a_pod_that_serves_something_else_says_so(world: ClusterWorld) -> None:
    first, _ = await pods(world, v1=Behaviour(ready_after=0.5, digest="sha256:other"))
    said = await world.evidence.ask(world.key.namespace, [first])
    assert said[first.uid].identity == Identity("1", "sha256:other")


async def test_a_pod_that_says_nothing_is_left_out(world: ClusterWorld) -> None:
    found = await pods(world, v1=Behaviour(ready_after=0.5, silent=True))
    gone = PodState(uid="gone", name="churn-a-gone", version="1", ready=False, ip="10.255.255.1")
    assert await world.evidence.ask(world.key.namespace, [*found, gone]) == {}
