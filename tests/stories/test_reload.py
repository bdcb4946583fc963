"""`serving.reload: InPlace`: the champion's pods load what needs no trial beside the version that they serve."""

from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Condition, Phase, Status
from podium.core.status.readiness import condition_of
from podium.simulation.world.world import World
from tests.stories.simulator import NO_POD, SECOND, Simulation, holds, spec_of

ROLLOUT = {"steps": [{"weight": 50, "duration": "5s"}], "soak": "10s", "startupTimeout": "2m"}


def wanted(version: str, reload: str = "InPlace", **parts: Any) -> Spec:
    return spec_of(version, serving={"replicas": 3, "reload": reload}, **{"rollout": ROLLOUT, **parts})


def promoted(*versions: str, **behaviours: object) -> Simulation:
    """These versions were champion one after the other; nothing is left to do."""
    sim = Simulation(wanted(versions[0]))
    for version in versions:
        sim.register(version, **(behaviours.get(f"v{version}") or {}))  # type: ignore[arg-type]
        sim.commit(wanted(version))
        sim.settle(version)
    sim.run(30 * SECOND)
    return sim


def fails_in(sim: World, uid: str, reason: str) -> None:
    """This pod can load no version in place."""
    pod = sim.cluster.pod(uid)
    assert pod is not None
    pod.reload_failure = reason


def half_loaded(sim: Simulation) -> None:
    """Git asks for version 1 again; two pods serve it already, and the third still waits for the registry."""
    fails_in(sim, min(uids(sim)), "not_fetched")
    sim.commit(wanted("1"))
    sim.until(lambda world: world.status.phase is Phase.RELOADING and world.verified("b") == 2)


def said(status: Status) -> Condition:
    found = condition_of(status, "ReloadedInPlace")
    assert found is not None
    return found


def uids(sim: World) -> set[str]:
    champion = sim.status.champion
    assert champion is not None
    return {pod.uid for pod in sim.ready_pods(champion.slot)}


def phases(sim: World) -> list[Phase]:
    found = [status.phase for _, status in sim.statuses]
    return [phase for place, phase in enumerate(found) if place == 0 or found[place - 1] is not phase]


def test_a_revert_is_loaded_by_the_pods_that_serve() -> None:
    sim = promoted("1", "2")
    before, slot = uids(sim), sim.status.champion.slot if sim.status.champion else ""
    sim.statuses.clear()
    sim.commit(wanted("1"))
    began = sim.now
    sim.settle("1")
    assert uids(sim) == before
    assert sim.status.champion is not None
    assert sim.status.champion.slot == slot
    assert sim.now - began < 10 * SECOND
    assert Phase.STARTING not in phases(sim)
    assert said(sim.status).reason == reasons.RELOADED


def test_clients_lose_nothing_while_pods_load_it() -> None:
    sim = promoted("1", "2")
    sim.commit(wanted("1"))
    sim.settle("1")
    assert NO_POD not in sim.clients.failed
    assert sim.size("a") == 0, "no second set of pods was started"


def test_a_revert_in_place_keeps_no_version_warm_and_says_so() -> None:
    sim = promoted("1", "2")
    sim.commit(wanted("1"))
    sim.reach(Phase.SOAKING, at_once=True)
    assert sim.status.former is None
    assert sim.status.history[-1].reason == reasons.RELOADED
    sim.settle("1")


def test_a_new_version_is_tried_in_new_pods_and_the_condition_says_why() -> None:
    sim = promoted("1", "2")
    found = said(sim.status)
    assert (found.status, found.reason) == ("False", reasons.NEW_PODS_NEEDED)
    assert "version 2 was not champion before" in found.message


def test_the_champions_own_bytes_under_another_version_pass_their_gates_and_no_trial() -> None:
    gate: Any = {"gates": [{"name": "accurate", "metric": {"key": "auc", "atLeast": 0.7}}]}
    sim = promoted("1")
    sim.register("2")
    files = sim.registered("2").files
    files.clear()
    files.update(sim.registered("1").files)
    before = uids(sim)
    sim.statuses.clear()
    sim.commit(wanted("2", **gate))
    sim.settle("2")
    assert uids(sim) == before
    assert phases(sim)[-4:] == [Phase.GATING, Phase.RELOADING, Phase.SOAKING, Phase.STABLE]


@pytest.mark.parametrize("failure", [{"reload_failure": "restart_needed"}, {"crash_at_reload": True}])
def test_what_cannot_be_loaded_in_place_is_started_in_new_pods(failure: dict[str, object]) -> None:
    sim = promoted("1", "2", v1=failure)
    sim.statuses.clear()
    sim.commit(wanted("1"))
    sim.reach(Phase.STARTING)
    failed = said(sim.status)
    assert (failed.status, failed.reason) == ("False", reasons.RELOAD_FAILED)
    assert "restart_needed" in failed.message or "OOMKilled" in failed.message
    sim.settle("1")
    assert phases(sim)[-6:] == [
        Phase.GATING, Phase.RELOADING, Phase.STARTING, Phase.PROMOTING, Phase.SOAKING, Phase.STABLE,
    ]  # fmt: skip
    assert said(sim.status).reason == reasons.RELOAD_FAILED
    assert sim.status.champion is not None
    assert sim.status.champion.slot == "a"


def test_pods_that_loaded_it_go_back_where_another_could_not() -> None:
    sim = promoted("1", "2")
    slow, *_ = sorted(uids(sim))
    sim.commit(wanted("1"))
    sim.reach(Phase.RELOADING)
    fails_in(sim, slow, "not_loaded")
    sim.reach(Phase.STARTING)
    sim.until(lambda world: all(pod.pinned.version == "2" for pod in world.ready_pods("b")), within=30 * SECOND)
    sim.settle("1")


def test_what_failed_in_place_is_not_tried_so_again() -> None:
    sim = promoted("1", "2", v1={"reload_failure": "no_storage"})
    sim.commit(wanted("1"))
    sim.settle("1")
    sim.commit(wanted("2"))
    sim.settle("2")
    sim.statuses.clear()
    sim.commit(wanted("1"))
    sim.settle("1")
    assert Phase.RELOADING in phases(sim), "another version came to serve in between: it is worth a try"


def test_git_may_change_its_mind_while_pods_load_it() -> None:
    sim = promoted("1", "2")
    half_loaded(sim)
    sim.commit(wanted("2"))
    sim.settle("2")
    sim.until(lambda world: all(pod.pinned.version == "2" for pod in world.ready_pods("b")), within=30 * SECOND)
    assert sim.size("a") == 0


def test_pods_that_cannot_load_the_champion_again_are_replaced() -> None:
    """Whatever a process holds from the version that it loaded in between: a new one reads the file at its start."""
    sim = promoted("1", "2", v2={"reload_failure": "restart_needed"})
    half_loaded(sim)
    before = uids(sim)
    sim.commit(wanted("2"))
    sim.settle("2")
    sim.until(lambda world: holds("Ready", world.status, world.md().generation), within=timedelta(minutes=1))
    assert {pod.pinned.version for pod in sim.ready_pods("b")} == {"2"}
    assert not uids(sim) & before
    assert NO_POD not in sim.clients.failed


def test_pods_left_from_another_trial_do_not_speak_against_a_version_that_they_cannot_load() -> None:
    sim = promoted("1")
    sim.register("2")
    sim.register("3", reload_failure="restart_needed")
    sim.commit(wanted("2"))
    sim.reach(Phase.CANARY)
    sim.commit(wanted("3"))
    sim.settle("3")
    assert sim.status.rejected == []


def test_a_ready_generation_is_served_by_every_pod() -> None:
    """Pods that go back still answer as what Git no longer names: not ready before they have said otherwise."""
    sim = promoted("1", "2")
    half_loaded(sim)
    sim.cluster.pods_are_read_only = True  # they hear of it later
    sim.commit(wanted("2"))
    sim.reach(Phase.STABLE)
    for _ in range(200):
        sim.tick()
        ready = condition_of(sim.status, "Ready")
        versions = {pod.pinned.version for pod in sim.ready_pods("b")}
        stale = sim.status.observed_generation == sim.md().generation
        assert ready is None or ready.status != "True" or not stale or versions == {"2"}


def test_without_the_right_to_write_pods_it_takes_as_long_as_kubelet_does() -> None:
    sim = promoted("1", "2")
    sim.cluster.pods_are_read_only = True
    sim.commit(wanted("1"))
    began = sim.now
    sim.settle("1")
    assert timedelta(minutes=1) < sim.now - began < timedelta(minutes=2)


def test_a_soak_keeps_the_former_champion_in_its_own_pods() -> None:
    sim = promoted("1")
    sim.register("2")
    sim.commit(wanted("2"))
    sim.reach(Phase.SOAKING)
    assert (sim.size("a"), sim.size("b")) == (3, 3)
    sim.commit(wanted("1"))
    sim.reach(Phase.ROLLING_BACK, at_once=True)
    sim.run(SECOND)
    assert sim.weights["a"] == 100
    sim.settle("1")


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"serving": {"replicas": 3, "reload": "InPlace", "env": [{"name": "A", "value": "b"}]}}, "another template"),
        ({"registry": {"secretName": "mlflow-login"}}, "login"),
    ],
)
def test_what_differs_beside_the_version_needs_new_pods(parts: dict[str, object], why: str) -> None:
    sim = promoted("1", "2")
    sim.cluster.secrets["ml", "mlflow-login"] = {"MLFLOW_TRACKING_TOKEN": "x"}
    sim.statuses.clear()
    sim.commit(spec_of("1", **{"serving": {"replicas": 3, "reload": "InPlace"}, "rollout": ROLLOUT, **parts}))
    sim.settle("1")
    assert Phase.RELOADING not in phases(sim)
    assert (said(sim.status).reason, why in said(sim.status).message) == (reasons.NEW_PODS_NEEDED, True)


def test_recreate_is_the_default_and_says_nothing_of_reloads() -> None:
    sim = Simulation(wanted("1", "Recreate"))
    sim.register("1")
    sim.register("2")
    sim.settle("1")
    sim.commit(wanted("2", "Recreate"))
    sim.settle("2")
    sim.statuses.clear()
    sim.commit(wanted("1", "Recreate"))
    sim.settle("1")
    assert Phase.RELOADING not in phases(sim)
    assert condition_of(sim.status, "ReloadedInPlace") is None


def test_a_running_model_takes_the_setting_over_by_a_trial_of_its_template() -> None:
    sim = Simulation(wanted("1", "Recreate"))
    sim.register("1")
    sim.settle("1")
    sim.commit(wanted("1"))
    sim.reach(Phase.CANARY)
    sim.settle("1")
    assert all(pod.reloads for pod in sim.ready_pods("b"))


def test_an_operator_that_dies_while_pods_load_it_goes_on() -> None:
    sim = promoted("1", "2")
    sim.commit(wanted("1"))
    sim.reach(Phase.RELOADING, at_once=True)
    sim.restart()
    sim.settle("1")
    assert sim.status.history[-1].reason == reasons.RELOADED


def test_a_revert_waits_while_it_is_paused() -> None:
    sim = promoted("1", "2")
    sim.commit(wanted("1", paused=True))
    sim.run(30 * SECOND)
    assert sim.status.phase is Phase.STABLE
    assert sim.champion() == "2"


def test_a_registry_that_stays_silent_is_waited_for_until_the_startup_timeout() -> None:
    sim = promoted("1", "2", v1={"reload_failure": "not_fetched"})
    sim.commit(wanted("1"))
    sim.reach(Phase.RELOADING)
    began = sim.now
    sim.reach(Phase.STARTING)
    assert sim.now - began >= timedelta(minutes=2)
    assert "not all pods did so within 2m (startupTimeout)" in said(sim.status).message
    sim.settle("1")


def test_a_champion_that_lacks_pods_is_no_case_for_it() -> None:
    sim = promoted("1", "2")
    sim.cluster.evict(min(uids(sim)))
    sim.statuses.clear()
    sim.commit(wanted("1"))
    sim.settle("1")
    assert Phase.RELOADING not in phases(sim)
    assert "2 of 3 pods of the champion are ready to load it" in said(sim.status).message


def test_a_gate_that_waits_holds_the_champions_own_bytes_back() -> None:
    sim = promoted("1")
    sim.register("2")
    sim.registered("2").files.clear()
    sim.registered("2").files.update(sim.registered("1").files)
    gates = [{"name": "signed", "tags": {"required": ["signed"]}}]
    sim.commit(wanted("2", gates=gates))
    sim.reach(Phase.BLOCKED)
    assert {pod.pinned.version for pod in sim.ready_pods("a")} == {"1"}
    sim.registered("2").tags["signed"] = "ann"
    sim.settle("2")
    assert said(sim.status).reason == reasons.RELOADED
