"""What is kept of decisions: every rejection, what was counted, and what each guard found on both sides."""

from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import Simulation, spec_of

STEPS = {"steps": [{"weight": 50, "duration": "5s"}], "soak": "10s"}


def champion() -> Simulation:
    sim = Simulation(spec_of("1", rollout=STEPS))
    sim.register("1")
    for version in ("2", "3"):
        sim.register(version, bad_share=0.5)
    sim.settle("1")
    return sim


def reject(sim: Simulation, version: str, **rollout: object) -> None:
    sim.commit(spec_of(version, rollout={**STEPS, **rollout}), f"version {version}")
    sim.reach(Phase.STARTING)
    sim.reach(Phase.REJECTED)


def test_a_rejection_leaves_those_of_other_versions_and_takes_the_place_of_its_own() -> None:
    sim = champion()
    reject(sim, "2")
    reject(sim, "3")
    assert [lost.version for lost in sim.status.rejected] == ["2", "3"]
    reject(sim, "2", retry="1")
    assert [lost.version for lost in sim.status.rejected] == ["3", "2"]
    assert sim.status.rejected[-1].generation == sim.md().generation


def test_history_says_of_which_model_it_was_and_what_it_answered() -> None:
    sim = champion()
    reject(sim, "2")
    first, lost = sim.status.history
    assert [(entry.model, entry.version, entry.outcome) for entry in (first, lost)] == [
        ("churn", "1", "Promoted"),
        ("churn", "2", "Rejected"),
    ]
    assert first.bad == 0
    assert lost.answers >= lost.bad > 0


def test_a_guards_record_has_both_sides_and_the_limit() -> None:
    sim = champion()
    beside, below = {"maxAboveChampion": 0.05}, {"atMost": 0.02}
    reject(sim, "2", guards=[{"name": "beside", "errorRate": beside}, {"name": "below", "errorRate": below}])
    records = {record.guard: record for record in sim.status.history[-1].guards}
    assert records["below"].limit == 0.02
    assert records["below"].challenger.bad > 0
    assert records["beside"].champion.answers > 0


def test_the_pods_of_a_version_count_at_the_edges_of_its_guards_of_latency() -> None:
    sim = champion()
    guards = [{"name": "slow", "latency": {"atMost": "250ms"}}, {"name": "slower", "latency": {"atMost": "1s"}}]
    sim.commit(spec_of("2", rollout={**STEPS, "guards": guards}), "version 2")
    sim.reach(Phase.CANARY)
    assert sim.status.challenger is not None
    assert sim.status.challenger.latency_limits == (0.25, 1.0)
