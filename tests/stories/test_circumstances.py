"""Taking traffic back is not blaming the version: only its own faults reject it, and a mended cause is seen."""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import Simulation
from tests.stories.test_stories import MINUTE, serving, wants

MORE_MEMORY = {"resources": {"limits": {"memory": "2Gi"}}}


def out_of_memory() -> Simulation:
    sim = serving()
    sim.register("2", crash_after=2.0, exit_code=137, crash_reason="OOMKilled")
    wants(sim, "2")
    sim.reach(Phase.REJECTED)
    assert sim.status.rejected[-1].reason == reasons.OUT_OF_MEMORY
    return sim


def test_more_memory_gives_a_version_that_ran_out_of_it_another_trial() -> None:
    sim = out_of_memory()
    sim.behaviour("2").crash_after = None
    wants(sim, "2", serving=MORE_MEMORY)
    sim.settle("2")


def test_another_size_gives_it_none() -> None:
    sim = out_of_memory()
    wants(sim, "2", serving={"replicas": 3})
    sim.run(5 * MINUTE)
    assert sim.status.phase is Phase.REJECTED


def test_more_memory_gives_a_version_with_bad_answers_no_other_trial() -> None:
    sim = serving()
    sim.register("2", bad_share=0.3)
    wants(sim, "2")
    sim.reach(Phase.REJECTED)
    wants(sim, "2", serving=MORE_MEMORY)
    sim.run(5 * MINUTE)
    assert sim.status.phase is Phase.REJECTED
