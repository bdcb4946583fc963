"""What is pinned needs no download: an operator that begins knows it by its pin."""

from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import SECOND, Simulation, resting, spec_of, tried

QUICK = {"steps": [{"weight": 50, "duration": "10s"}], "soak": "1m"}


def begin_again(sim: Simulation) -> None:
    """Another process, for which each version's files would take for ever to be read."""
    sim.registry.restart()
    sim.registry.pending_digests = True
    sim.restart()


def test_what_rests_stays_ready_while_another_process_begins() -> None:
    sim = resting(spec_of("1", rollout=QUICK))
    before = sim.status
    begin_again(sim)
    sim.run(120 * SECOND)
    assert sim.status == before


def test_a_trial_goes_on_while_another_process_begins() -> None:
    sim = tried(Phase.CANARY, rollout=QUICK)
    begin_again(sim)
    sim.settle("2")


def test_a_version_that_is_not_pinned_waits_for_its_digest() -> None:
    sim = resting(spec_of("1", rollout=QUICK))
    sim.register("2")
    begin_again(sim)
    sim.commit(spec_of("2", rollout=QUICK))
    sim.run(60 * SECOND)
    assert sim.champion() == "1"
    assert sim.status.challenger is None
    sim.registry.pending_digests = False
    sim.settle("2")
