"""Taking traffic back is not blaming the version: only its own faults reject it, and a mended cause is seen."""

from collections.abc import Callable

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.errors import Unavailable
from podium.simulation.world.pods import Behaviour
from tests.stories.simulator import SECOND, Simulation, spec_of
from tests.stories.test_stories import MINUTE, QUICK, serving, wants

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


# --- what is not the version's own ------------------------------------------------------------------------------------

SHORT: dict[str, object] = {**QUICK, "startupTimeout": "1m"}
Lift = Callable[[Simulation], None]


def no_quota(sim: Simulation) -> Lift:
    sim.cluster.quotas["b"] = 0
    return lambda sim: sim.cluster.quotas.clear()


def no_image(sim: Simulation) -> Lift:
    sim.behaviour("2").waiting = "ImagePullBackOff: Back-off pulling image registry/server:v9"
    return lambda sim: setattr(sim.behaviour("2"), "waiting", "")


def no_room(sim: Simulation) -> Lift:
    sim.cluster.capacity = 1
    return lambda sim: setattr(sim.cluster, "capacity", None)


def no_secret(sim: Simulation) -> Lift:
    sim.behaviour("2").waiting = 'CreateContainerConfigError: secret "feature-store" not found'
    return lambda sim: setattr(sim.behaviour("2"), "waiting", "")


def no_registry(sim: Simulation) -> Lift:
    sim.behaviour("2").crash_after, sim.behaviour("2").exit_code = 1.0, 3
    return lambda sim: sim.cluster.behave("2", Behaviour())


def slow_registry(sim: Simulation) -> Lift:
    """The pods wait for MLflow, and have not ended yet when the startup timeout is over."""
    sim.behaviour("2").ready, sim.behaviour("2").startup_step = False, "fetching"
    return lambda sim: sim.cluster.behave("2", Behaviour())


def no_scrape(sim: Simulation) -> Lift:
    sim.pod_metrics.unreachable = True
    return lambda sim: setattr(sim.pod_metrics, "unreachable", False)


@pytest.mark.parametrize(
    ("begin", "reason"),
    [
        (no_quota, reasons.PODS_REFUSED),
        (no_image, reasons.IMAGE_UNAVAILABLE),
        (no_room, reasons.UNSCHEDULABLE),
        (no_secret, reasons.CONTAINER_NOT_CREATED),
        (no_registry, reasons.MODEL_NOT_FETCHED),
        (slow_registry, reasons.MODEL_NOT_FETCHED),
        (no_scrape, reasons.PODS_NOT_SCRAPED),
    ],
)
def test_a_start_that_fails_for_a_circumstance_is_held_and_tried_again(
    begin: Callable[[Simulation], Lift], reason: str
) -> None:
    sim = serving(SHORT)
    sim.register("2")
    lift = begin(sim)
    wants(sim, "2", SHORT)
    sim.until(lambda s: s.status.held is not None, within=3 * MINUTE)
    sim.until(lambda s: s.status.phase is Phase.PENDING, within=MINUTE)
    sim.run(2 * SECOND)
    assert sim.status.rejected == []
    ready = next(one for one in sim.status.conditions if one.type == "Ready")
    assert (ready.status, ready.reason) == ("False", reason)
    assert "version 2 is held" in sim.status.message
    assert any(event.warning and event.reason == reason for _, event in sim.cluster.events)
    lift(sim)
    sim.settle("2")
    assert sim.status.held is None


def test_a_hold_that_lasts_waits_for_longer_each_time_and_takes_one_line_of_history() -> None:
    sim = serving(SHORT)
    sim.register("2")
    no_image(sim)
    wants(sim, "2", SHORT)
    sim.run(180 * MINUTE)
    hold = sim.status.held
    assert hold is not None
    assert 12 <= hold.attempts <= 24  # every eleven minutes at the last
    assert len(sim.status.history) == 2
    assert sim.status.rejected == []


def test_a_changed_spec_ends_a_hold_at_once() -> None:
    sim = serving(SHORT)
    sim.register("2")
    no_image(sim)
    wants(sim, "2", SHORT)
    sim.until(lambda s: s.status.held is not None and s.status.held.attempts == 3 and s.status.phase is Phase.PENDING)
    sim.behaviour("2").waiting = ""
    wants(sim, "2", SHORT, serving={"image": "registry/server:v8"})
    sim.until(lambda s: s.status.phase is Phase.CANARY, within=MINUTE)
    sim.settle("2")


def test_another_version_is_not_held() -> None:
    sim = serving(SHORT)
    sim.register("2")
    sim.register("3")
    no_image(sim)
    wants(sim, "2", SHORT)
    sim.until(lambda s: s.status.held is not None and s.status.phase is Phase.PENDING)
    wants(sim, "3", SHORT)
    sim.settle("3")
    assert sim.status.held is None


def test_a_rebooted_node_takes_the_traffic_back_and_rejects_no_version() -> None:
    sim = serving()
    sim.register("2")
    wants(sim, "2", {**QUICK, "steps": [{"weight": 25, "duration": "30s"}]})
    sim.reach(Phase.CANARY)
    sim.run(3 * SECOND)
    sim.reboot("b")
    sim.until(lambda s: s.weights.get("b", 0) == 0, within=5 * SECOND)
    sim.settle("2")
    assert sim.status.rejected == []


def test_a_revert_to_a_former_champion_keeps_its_trust_while_mlflow_is_down() -> None:
    sim = serving(SHORT)
    sim.register("2")
    wants(sim, "2", SHORT)
    sim.settle("2")
    sim.registry.failure = Unavailable("MLflow is down", reason=reasons.REGISTRY_UNREACHABLE)
    sim.behaviour("1").crash_after, sim.behaviour("1").exit_code = 1.0, 3
    wants(sim, "1", SHORT)
    sim.until(lambda s: s.status.held is not None and s.status.held.attempts == 2, within=10 * MINUTE)
    sim.registry.failure = None
    sim.cluster.behave("1", Behaviour())
    sim.reach(Phase.PROMOTING, at_once=True)
    assert sim.status.trial is not None
    assert sim.status.trial.previously_promoted
    sim.settle("1")


def test_a_version_that_never_becomes_ready_is_rejected_as_before() -> None:
    sim = serving(SHORT)
    sim.register("2", ready=False)
    wants(sim, "2", SHORT)
    sim.reach(Phase.REJECTED)
    assert sim.status.rejected[-1].reason == reasons.STARTUP_TIMEOUT


def test_pods_that_cannot_be_asked_at_the_startup_timeout_are_asked_again_before_their_version_is_rejected() -> None:
    sim = serving(SHORT)
    sim.register("2")
    slow_registry(sim)
    sim.behaviour("2").silent = True
    wants(sim, "2", SHORT)
    sim.reach(Phase.STARTING)
    sim.run(65 * SECOND)
    sim.behaviour("2").silent = False
    sim.until(lambda s: s.status.held is not None, within=10 * SECOND)
    assert sim.status.rejected == []


def test_pods_that_never_say_anything_are_rejected_soon_after_the_startup_timeout() -> None:
    sim = serving(SHORT)
    sim.register("2", ready=False, silent=True)
    wants(sim, "2", SHORT)
    sim.reach(Phase.STARTING)
    sim.until(lambda s: bool(s.status.rejected), within=80 * SECOND)
    assert sim.status.rejected[-1].reason == reasons.STARTUP_TIMEOUT


def test_a_step_whose_pods_find_no_room_is_no_fault_of_the_version() -> None:
    """It was rejected for too little traffic, with thousands of answers."""
    rollout = {"steps": [{"weight": 25, "duration": "5s"}, {"weight": 50, "duration": "5s"}], "soak": "10s"}
    parts = {"serving": {"replicas": 2}, "rollout": {**rollout, "onInconclusive": "RollBack", "stepTimeout": "2m"}}
    sim = Simulation(spec_of("1", **parts))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.cluster.capacity = 3
    sim.commit(spec_of("2", **parts), "version 2")
    sim.until(lambda s: s.status.held is not None, within=10 * MINUTE)
    assert sim.status.rejected == []
    assert sim.status.held is not None
    assert sim.status.held.reason == reasons.UNSCHEDULABLE
    sim.cluster.capacity = 10
    sim.settle("2")
