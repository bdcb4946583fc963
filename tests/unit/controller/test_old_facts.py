"""A write that was decided on old facts is refused: what is there by now is not what was seen."""

import pytest

from podium.api.v1alpha1.status import Phase
from podium.controller.apply import apply
from podium.controller.observe import observe
from podium.core.actions import Action, RunSlot, SetTraffic, StopSlot
from podium.errors import Conflict
from tests.unit.controller.stage import Stage, spec


@pytest.mark.parametrize("action", ["stop", "run", "route"])
def test_a_write_on_old_facts_is_refused(action: str) -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        champion = world.wait_for(Phase.STABLE).champion
        assert champion is not None
        md, ports, workers = world.md(), world.ports, operator.workers
        old = world.result(observe(md, ports, workers))
        newer = champion.model_copy(update={"version": "3"})
        world.result(world.cluster.run_slot(md, newer, 2))
        world.result(world.router.route(md, {"a": 90, "b": 10}))
        actions: dict[str, Action] = {
            "stop": StopSlot("a", "a test"),
            "run": RunSlot(champion, 1, "a test"),
            "route": SetTraffic({"a": 0, "b": 100}, "a test"),
        }
        with pytest.raises(Conflict):
            world.result(apply([actions[action]], md, ports, workers, old))
        now = world.cluster.slots_now(md)["a"]
        assert (now.runs, now.replicas) == (newer, 2)
        assert world.router.weights(md) == {"a": 90, "b": 10}
