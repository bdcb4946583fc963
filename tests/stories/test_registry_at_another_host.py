"""A registry moves to another host: pods that load from there are tried as any other pod template is."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Condition, Phase, PodTemplate, Status
from podium.core.facts import Key
from podium.core.rollout.circumstances import FETCHING
from podium.core.status.readiness import condition_of
from podium.simulation.world import cluster, templates
from podium.simulation.world.pods import Behaviour
from podium.simulation.world.world import URI, World
from tests.stories.simulator import SECOND, Simulation, registry_at, resting, spec_of

MINUTE = timedelta(minutes=1)
ROLLOUT = {"steps": [{"weight": 50, "duration": "5s"}], "soak": "10s", "startupTimeout": "1m"}
OTHER = "http://registry.other.example:5000"
GONE = Behaviour(ready=False, startup_step=FETCHING, crash_after=5.0, exit_code=3, message="the registry is silent")


def desired(version: str = "1", uri: str | None = None, **parts: Any) -> Spec:
    return spec_of(version, **{"rollout": ROLLOUT, "serving": {"replicas": 2}, **registry_at(uri), **parts})


def settled(**parts: Any) -> Simulation:
    return resting(desired(**parts))


def host_is_gone(sim: Simulation, uri: str = URI) -> None:
    """Neither the operator nor new pods get an answer. Pods that run have their model already."""
    sim.registry.dead = frozenset({uri})
    sim.cluster.behave_registry(uri, GONE)


def loads_from(status: Status) -> str:
    assert status.champion is not None
    return status.champion.registry


def said(status: Status, kind: str) -> Condition:
    found = condition_of(status, kind)
    assert found is not None
    return found


def moved(sim: World) -> bool:
    return sim.status.phase is Phase.STABLE and loads_from(sim.status) == OTHER


def pods(sim: Simulation, slot: Any = "a") -> list[str]:
    return [pod.uid for pod in sim.cluster.slot_now(sim.md(), slot).pods]


def outcomes(sim: Simulation) -> Sequence[str]:
    return [entry.outcome for entry in sim.status.history]


# --- at rest ----------------------------------------------------------------------------------------------------------


def test_another_host_that_git_names_is_on_trial_in_the_other_slot() -> None:
    sim = settled()
    before = pods(sim)
    sim.statuses.clear()
    sim.commit(desired(uri=OTHER))
    sim.reach(Phase.CANARY)
    assert sim.weights == {"a": 50, "b": 50}
    assert (pods(sim), loads_from(sim.status)) == (before, URI)
    assert said(sim.status, "TemplateInSync").reason == reasons.TEMPLATE_ON_TRIAL
    sim.until(moved)
    sim.run(SECOND)
    generation = sim.md().generation
    ready = [
        loads_from(status)
        for written, status in sim.statuses
        if written == generation and said(status, "Ready").status == "True"
    ]
    assert set(ready) == {OTHER}
    assert sim.weights == {"a": 0, "b": 100}
    assert [entry.template is not None for entry in sim.status.history] == [False, True]
    assert sim.alias == "1"


def test_another_host_of_the_operator_is_on_trial_and_the_object_stays_ready() -> None:
    sim = settled()
    before = pods(sim)
    sim.statuses.clear()
    sim.move_registry(OTHER)
    sim.reach(Phase.CANARY)
    assert sim.weights == {"a": 50, "b": 50}
    assert (pods(sim), loads_from(sim.status)) == (before, URI)
    sim.until(moved)
    assert {said(status, "Ready").status for _, status in sim.statuses} == {"True"}


@pytest.mark.parametrize("uri", [f"{URI}/", URI.upper().replace("HTTP", "http")])
def test_another_spelling_of_the_address_is_nothing_to_try(uri: str) -> None:
    sim = settled()
    before = pods(sim)
    sim.commit(desired(uri=uri))
    sim.run(30 * SECOND)
    sim.move_registry(uri)
    sim.run(30 * SECOND)
    assert sim.status.phase is Phase.STABLE
    assert pods(sim) == before
    assert outcomes(sim) == ["Promoted"]
    assert said(sim.status, "Ready").status == said(sim.status, "TemplateInSync").status == "True"


def test_paused_no_other_host_is_tried() -> None:
    sim = settled()
    sim.commit(desired(uri=OTHER, paused=True))
    sim.run(MINUTE)
    assert sim.status.phase is Phase.STABLE
    assert loads_from(sim.status) == URI
    assert said(sim.status, "Ready").reason == said(sim.status, "TemplateInSync").reason == reasons.PAUSED


@pytest.mark.parametrize("by", ["Git", "the operator"])
def test_an_alias_that_a_person_moved_stays_when_the_registry_moves(by: str) -> None:
    sim = settled()
    sim.register("2")
    sim.registry.point("churn", "champion", "2")
    sim.run(3 * MINUTE)
    assert said(sim.status, "RegistryInSync").reason == reasons.ALIAS_CHANGED
    sim.commit(desired(uri=OTHER)) if by == "Git" else sim.move_registry(OTHER)
    sim.until(moved)
    sim.run(3 * MINUTE)
    assert sim.alias == "2"
    assert said(sim.status, "RegistryInSync").reason == reasons.ALIAS_CHANGED
    sim.register("3")
    sim.commit(desired("3", OTHER))
    sim.settle("3")
    assert sim.alias == "3", "the next promotion of another version moves it"


def test_a_registry_at_another_host_without_the_alias_gets_it() -> None:
    sim = settled()
    sim.move_registry(OTHER)
    sim.reach(Phase.CANARY)
    del sim.registry.models["churn"].aliases["champion"]
    sim.until(moved)
    sim.run(MINUTE)
    assert sim.alias == "1"
    assert said(sim.status, "RegistryInSync").status == "True"
    del sim.registry.models["churn"].aliases["champion"]
    sim.run(3 * MINUTE)
    assert sim.alias == ""
    assert said(sim.status, "RegistryInSync").reason == reasons.ALIAS_CHANGED, "now a person took it away"


def test_an_approval_with_a_digest_counts_for_no_other_bytes_at_another_host() -> None:
    gates: Any = [{"name": "signed-off", "approval": {}}]
    approval: Any = {"version": "2", "by": "ann", "model": "churn"}
    sim = settled()
    sim.register("2")
    approved = {**approval, "digest": sim.digest("2")}
    sim.registry.overwrite("churn", "2", "MLmodel", b"other bytes")
    sim.commit(desired("2", OTHER, gates=gates, approvals=[approved]))
    sim.run(MINUTE)
    assert (sim.status.phase, sim.champion()) == (Phase.GATING, "1")
    assert approved["digest"] in sim.status.gates[0].message
    sim.commit(desired("2", OTHER, gates=gates, approvals=[approved, {**approval, "digest": sim.digest("2")}]))
    sim.settle("2")


FLEET = [Key("ml", name) for name in ("churn", "churn-eu", "churn-us")]


def of_fleet(key: Key, uri: str | None = None) -> Spec:
    """The spec of one of several; no client asks them."""
    registry = {"uri": uri, "aliases": {"champion": key.name}}
    return desired(registry=registry, rollout={**ROLLOUT, "guards": []})


def settled_fleet(uri: str | None = None) -> Simulation:
    sim = settled()
    for key in FLEET:
        sim.commit(of_fleet(key, uri), key=key)
    sim.until(lambda _: all(status_of(sim, key).phase is Phase.STABLE for key in FLEET))
    sim.run(3 * SECOND)
    return sim


def status_of(sim: Simulation, key: Key) -> Status:
    md = sim.cluster.now(key)
    assert md is not None
    return md.status


def at_once(sim: Simulation, uri: str) -> int:
    """How many are on trial at the same time, at most, until all of the fleet rest and load from there."""
    most = 0

    def all_there(_: World) -> bool:
        nonlocal most
        rest = [status_of(sim, key) for key in FLEET if status_of(sim, key).trial is None]
        most = max(most, len(FLEET) - len(rest))
        return most > 0 and len(rest) == len(FLEET) and all(loads_from(status) == uri for status in rest)

    sim.until(all_there, within=timedelta(minutes=5))
    return most


def test_another_host_of_the_operator_is_tried_by_one_model_deployment_at_a_time() -> None:
    sim = settled_fleet()
    sim.move_registry(OTHER)
    sim.until(lambda _: any(status_of(sim, key).trial for key in FLEET))
    sim.run(2 * SECOND)
    waiting = [said(status_of(sim, key), "TemplateInSync") for key in FLEET if status_of(sim, key).trial is None]
    assert {condition.reason for condition in waiting} == {reasons.TEMPLATE_WAITING}
    assert all(OTHER in condition.message for condition in waiting)
    assert at_once(sim, OTHER) == 1


# --- a host that does not answer --------------------------------------------------------------------------------------


def test_a_host_that_does_not_answer_the_operator_is_not_tried_until_it_does() -> None:
    sim = settled()
    sim.registry.dead = frozenset({OTHER})
    sim.commit(desired(uri=OTHER))
    sim.run(2 * MINUTE)
    assert (sim.status.phase, loads_from(sim.status)) == (Phase.STABLE, URI)
    assert said(sim.status, "Ready").reason == reasons.REGISTRY_UNREACHABLE
    assert said(sim.status, "TemplateInSync").reason == reasons.REGISTRY_UNREACHABLE
    sim.registry.dead = frozenset()
    sim.until(moved)


def test_a_host_of_the_operator_that_does_not_answer_takes_nothing_away() -> None:
    sim = settled()
    sim.statuses.clear()
    sim.registry.dead = frozenset({OTHER})
    sim.move_registry(OTHER)
    sim.run(2 * MINUTE)
    assert (sim.status.phase, loads_from(sim.status)) == (Phase.STABLE, URI)
    assert {said(status, "Ready").status for _, status in sim.statuses} == {"True"}


@pytest.mark.parametrize("by_git", [True, False])
def test_a_host_that_does_not_answer_pods_is_held_and_neither_version_nor_template_is_rejected(*, by_git: bool) -> None:
    sim = settled()
    before = pods(sim)
    sim.cluster.behave_registry(OTHER, GONE)
    if by_git:
        sim.commit(desired(uri=OTHER))
    else:
        sim.move_registry(OTHER)
    sim.until(lambda world: world.status.held is not None and world.status.phase is Phase.STABLE)
    sim.run(SECOND)
    assert said(sim.status, "TemplateInSync").reason == reasons.MODEL_NOT_FETCHED
    assert said(sim.status, "Ready").status == ("False" if by_git else "True")
    assert (pods(sim), loads_from(sim.status)) == (before, URI)
    assert (sim.status.rejected, sim.status.rejected_template) == ([], None)
    sim.cluster.behave_registry(OTHER, Behaviour())
    sim.until(moved)


def test_going_back_to_a_host_that_pods_have_needs_no_trial() -> None:
    sim = settled()
    before = pods(sim)
    sim.cluster.behave_registry(OTHER, GONE)
    sim.commit(desired(uri=OTHER))
    sim.reach(Phase.STARTING)
    sim.commit(desired())
    sim.reach(Phase.STABLE)
    sim.run(MINUTE)
    assert sim.status.phase is Phase.STABLE
    assert (pods(sim), loads_from(sim.status)) == (before, URI)
    assert said(sim.status, "Ready").status == said(sim.status, "TemplateInSync").status == "True"


def test_what_answers_badly_from_another_host_is_rejected_with_it_and_trusted_as_before() -> None:
    sim = settled()
    sim.cluster.behave_registry(OTHER, Behaviour(bad_share=0.5))
    sim.move_registry(OTHER)
    sim.until(lambda world: world.status.rejected_template is not None and world.status.phase is Phase.STABLE)
    sim.run(10 * MINUTE)
    assert (sim.status.phase, loads_from(sim.status)) == (Phase.STABLE, URI)
    assert sim.status.rejected == []
    assert outcomes(sim) == ["Promoted", "RolledBack"]
    assert said(sim.status, "TemplateInSync").reason == reasons.TEMPLATE_REJECTED
    assert said(sim.status, "Ready").status == "True"


@pytest.mark.parametrize(("auc", "phase"), [(0.9, Phase.CANARY), (0.7, Phase.BLOCKED)])
def test_gates_compare_with_a_champion_that_stayed_behind_where_the_new_host_has_it(auc: float, phase: Phase) -> None:
    sim = settled()
    sim.cluster.behave_registry(OTHER, Behaviour(bad_share=0.5))
    sim.move_registry(OTHER)
    sim.until(lambda world: world.status.rejected_template is not None and world.status.phase is Phase.STABLE)
    sim.register("2", metrics={"auc": auc})
    sim.commit(desired("2", gates=[{"name": "auc", "metric": {"key": "auc", "maxDropFromChampion": 0.1}}]))
    sim.reach(phase)
    assert loads_from(sim.status) == URI
    assert "of champion 1 0.9" in sim.status.message or phase is Phase.CANARY


# --- the old host is gone ---------------------------------------------------------------------------------------------


def test_pods_run_on_where_their_host_is_gone_and_the_new_one_is_tried_beside_them() -> None:
    sim = settled()
    host_is_gone(sim)
    failed = sim.clients.failed["1"]
    sim.move_registry(OTHER)
    sim.until(moved, within=5 * MINUTE)
    assert sim.clients.failed["1"] == failed
    assert outcomes(sim) == ["Promoted", "Promoted"]


def test_a_champion_whose_pods_cannot_load_any_more_gets_pods_from_the_new_host_at_once() -> None:
    sim = settled()
    host_is_gone(sim)
    sim.evict("a")
    sim.run(20 * SECOND)
    assert sim.cluster.ready_pods(sim.md().key, "a") == []
    sim.move_registry(OTHER)
    sim.until(lambda world: world.weights == {"a": 0, "b": 100}, within=30 * SECOND)
    sim.until(moved, within=5 * MINUTE)


def test_a_champion_that_is_down_waits_for_no_turn() -> None:
    sim = settled_fleet()
    host_is_gone(sim)
    sim.cluster.behave_registry(OTHER, Behaviour(ready_after=40.0))
    sim.move_registry(OTHER)
    sim.until(lambda _: any(status_of(sim, key).trial for key in FLEET))
    down = next(key for key in FLEET if status_of(sim, key).trial is None)
    md = sim.cluster.now(down)
    assert md is not None
    for pod in sim.cluster.slots_now(md)["a"].pods:
        sim.cluster.evict(pod.uid)
    sim.until(lambda _: status_of(sim, down).trial is not None, within=30 * SECOND)


# --- in mid-trial -----------------------------------------------------------------------------------------------------


def trial_of_two(phase: Phase, **parts: Any) -> Simulation:
    """Version 2 is on trial in slot b, in this phase."""
    sim = settled(**parts)
    sim.register("2")
    sim.commit(desired("2", **parts))
    sim.reach(phase, at_once=phase is Phase.PROMOTING)
    return sim


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING])
def test_another_host_of_the_operator_in_mid_trial_changes_no_pod_until_the_trial_has_ended(phase: Phase) -> None:
    sim = trial_of_two(phase)
    before = pods(sim)
    sim.move_registry(OTHER)
    sim.reach(Phase.SOAKING)
    assert pods(sim) == before
    sim.reach(Phase.STABLE, at_once=True)
    assert (sim.champion(), loads_from(sim.status)) == ("2", URI)
    sim.until(moved)
    assert sim.champion() == "2"
    assert outcomes(sim) == ["Promoted", "Promoted", "Promoted"]


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY])
def test_another_host_that_git_names_in_mid_trial_restarts_the_trial_beside_the_same_champion(phase: Phase) -> None:
    sim = trial_of_two(phase)
    before = pods(sim)
    sim.commit(desired("2", OTHER))
    sim.reach(Phase.ROLLING_BACK, at_once=True)
    sim.reach(Phase.CANARY)
    assert (pods(sim), loads_from(sim.status)) == (before, URI)
    sim.until(moved)
    assert sim.champion() == "2"


@pytest.mark.parametrize("phase", [Phase.PROMOTING, Phase.SOAKING])
def test_another_host_that_git_names_after_the_steps_waits_for_the_end(phase: Phase) -> None:
    sim = trial_of_two(phase)
    sim.commit(desired("2", OTHER))
    sim.reach(Phase.STABLE, at_once=True)
    assert (sim.champion(), loads_from(sim.status)) == ("2", URI)
    sim.until(moved)
    assert sim.champion() == "2"
    assert outcomes(sim) == ["Promoted", "Promoted", "Promoted"]


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING])
@pytest.mark.parametrize("by_git", [True, False])
def test_a_trial_whose_host_is_gone_ends_and_the_version_is_tried_from_the_new_one(
    phase: Phase, *, by_git: bool
) -> None:
    """Its first pods have loaded; those of the later steps cannot."""
    small = {"serving": {"replicas": 4}, "rollout": {**ROLLOUT, "steps": [{"weight": 10, "duration": "5s"}]}}
    sim = trial_of_two(phase, **small)
    host_is_gone(sim)
    if by_git:
        sim.commit(desired("2", OTHER, **small))
    else:
        sim.move_registry(OTHER)
    sim.until(lambda world: moved(world) and world.champion() == "2", within=10 * MINUTE)
    assert sim.status.rejected == []


def test_a_soak_in_which_no_pod_is_left_of_either_version_ends() -> None:
    sim = trial_of_two(Phase.SOAKING)
    host_is_gone(sim)
    for slot in ("a", "b"):
        sim.evict(slot)
    sim.run(20 * SECOND)
    sim.commit(desired("2", OTHER))
    sim.until(lambda world: moved(world) and world.champion() == "2", within=10 * MINUTE)


def test_a_version_whose_gates_wait_is_pinned_again_at_another_host() -> None:
    auc = {"name": "auc", "metric": {"key": "auc", "atLeast": 0.95}}
    sim = settled()
    sim.register("2")
    sim.commit(desired("2", gates=[auc]))
    sim.reach(Phase.BLOCKED)
    sim.move_registry(OTHER)
    sim.run(10 * SECOND)
    assert sim.status.phase is Phase.BLOCKED
    assert sim.status.challenger is not None
    assert sim.status.challenger.registry == OTHER


# --- an older operator ------------------------------------------------------------------------------------------------


def test_what_an_older_operator_wrote_names_no_registry_and_is_tried_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hashes were made without the address: an upgrade must not look like a commit to each of them."""

    def older(made_from: tuple[Spec, str, str, str]) -> PodTemplate:
        made = templates.pod_template((made_from[0], "older", *made_from[2:]))
        return made.model_copy(update={"spec_hash": made.spec_hash.partition(".")[0]})

    with monkeypatch.context() as before:
        before.setattr(cluster, "pod_template", older)
        sim = settled_fleet(OTHER)
        older_revision = status_of(sim, FLEET[1]).champion
    assert older_revision is not None
    for key in FLEET:
        sim.cluster.put(key, of_fleet(key, OTHER).model_copy(update={"paused": True}))
        sim.cluster.put(key, of_fleet(key, OTHER))
    sim.restart()

    def new(status: Status) -> bool:
        assert status.champion is not None
        assert status.champion.template is not None
        return "." in status.champion.template.spec_hash

    most = 0

    def all_new(_: World) -> bool:
        nonlocal most
        most = max(most, sum(status_of(sim, key).trial is not None for key in FLEET))
        return all(new(status_of(sim, key)) and status_of(sim, key).trial is None for key in FLEET)

    sim.until(all_new, within=timedelta(minutes=5))
    assert most == 1
