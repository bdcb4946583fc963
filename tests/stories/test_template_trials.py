"""Another pod template, by Git or by another operator, is on trial with the champion's own version."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Condition, Phase, Status
from podium.core.facts import Key
from podium.core.status.readiness import condition_of
from podium.errors import Unavailable
from podium.simulation.world.pods import Behaviour
from podium.simulation.world.world import World
from tests.stories.simulator import SECOND, Simulation, spec_of

HOUR = timedelta(hours=1)
ROLLOUT = {"steps": [{"weight": 50, "duration": "5s"}], "soak": "10s", "startupTimeout": "2m"}
GOOD, BETTER, BAD = "registry.test/runtime:1", "registry.test/runtime:2", "registry.test/runtime:bad"
FAILING = Behaviour(bad_share=0.5)
WITHOUT_IMAGE = Behaviour(ready=False, waiting="ImagePullBackOff: Back-off pulling image")


def desired(image: str | None = GOOD, version: str = "1", **serving: object) -> Spec:
    given = {"replicas": 2, **({"image": image} if image else {}), **serving}
    return spec_of(version, serving=given, rollout=ROLLOUT)


def settled(spec: Spec | None = None) -> Simulation:
    """Version 1 is champion in slot a, and nothing is left to do."""
    sim = Simulation(spec or desired())
    sim.register("1")
    sim.settle("1")
    sim.run(3 * SECOND)
    return sim


def upgrade(sim: Simulation, image: str) -> None:
    """Another operator, with another default image."""
    sim.cluster.runtime_image = image
    sim.restart()


def said(status: Status, kind: str) -> Condition:
    found = condition_of(status, kind)
    assert found is not None
    return found


def image(sim: World) -> str:
    """The image of the champion's pods."""
    champion = sim.status.champion
    assert champion is not None
    assert champion.template is not None
    assert champion.template.image in sim.cluster.template_now(sim.md(), champion.slot)
    return champion.template.image


def serves(image_of: str) -> Callable[[World], bool]:
    return lambda sim: sim.status.phase is Phase.STABLE and image(sim) == image_of


def test_an_image_that_changes_at_rest_is_on_trial_in_the_other_slot() -> None:
    sim = settled()
    sim.commit(desired(BETTER))
    sim.reach(Phase.CANARY)
    assert image(sim) == GOOD
    assert sim.weights == {"a": 50, "b": 50}
    assert said(sim.status, "TemplateInSync").reason == reasons.TEMPLATE_ON_TRIAL
    sim.settle("1")
    assert image(sim) == BETTER
    assert sim.weights == {"a": 0, "b": 100}
    assert said(sim.status, "TemplateInSync").status == "True"
    assert sim.status.history[-1].template == (sim.status.champion.template if sim.status.champion else None)


def test_a_generation_that_changes_the_image_is_ready_only_once_the_image_serves() -> None:
    sim = settled()
    sim.statuses.clear()
    sim.commit(desired(BETTER))
    sim.until(serves(BETTER))
    sim.run(SECOND)
    generation = sim.md().generation
    ready = [
        status.champion.template.image
        for written, status in sim.statuses
        if written == generation and said(status, "Ready").status == "True"
        if status.champion is not None and status.champion.template is not None
    ]
    assert set(ready) == {BETTER}


def reject_template(sim: World) -> None:
    """A commit with a bad image, until that has lost its trial."""
    sim.cluster.behave_image(BAD, FAILING)
    sim.commit(desired(BAD))
    sim.until(lambda world: world.status.rejected_template is not None and world.status.phase is Phase.STABLE)


def test_a_bad_image_is_found_by_the_judge_and_the_version_stays_trusted() -> None:
    sim = settled()
    sim.cluster.behave_image(BAD, FAILING)
    sim.commit(desired(BAD))
    sim.until(lambda world: world.status.rejected_template is not None)
    sim.run(HOUR)
    assert sim.status.phase is Phase.STABLE
    assert image(sim) == GOOD
    assert sim.status.rejected == []
    assert sim.status.rejected_template is not None
    assert sim.status.rejected_template.template.image == BAD
    assert [entry.outcome for entry in sim.status.history] == ["Promoted", "RolledBack"]
    for kind, status in (("Ready", "False"), ("Stalled", "True"), ("TemplateInSync", "False")):
        assert (said(sim.status, kind).status, said(sim.status, kind).reason) == (status, reasons.TEMPLATE_REJECTED)
    assert sim.alias == "1"


def test_the_rejection_of_a_template_ends_with_another_template() -> None:
    sim = settled()
    reject_template(sim)
    sim.commit(desired(BETTER))
    sim.until(serves(BETTER))
    sim.run(SECOND)
    assert said(sim.status, "Ready").status == "True"


def test_going_back_to_the_former_image_needs_no_trial() -> None:
    sim = settled()
    reject_template(sim)
    sim.commit(desired(GOOD))
    sim.run(3 * SECOND)
    assert sim.status.phase is Phase.STABLE
    assert said(sim.status, "Ready").status == said(sim.status, "TemplateInSync").status == "True"


def test_a_version_whose_template_was_rejected_is_trusted_as_before() -> None:
    sim = settled()
    sim.register("2")
    reject_template(sim)
    sim.commit(desired(version="2"))
    sim.settle("2")
    sim.commit(desired(version="1"))
    sim.settle("1")
    assert sim.status.history[-1].previously_promoted


def test_an_image_that_cannot_be_pulled_is_held_and_gets_no_request() -> None:
    sim = settled()
    sim.cluster.behave_image(BAD, WITHOUT_IMAGE)
    sim.commit(desired(BAD))
    sim.until(lambda world: world.status.held is not None and world.status.phase is Phase.STABLE)
    sim.run(SECOND)
    assert image(sim) == GOOD
    assert sim.status.rejected_template is None
    assert said(sim.status, "Ready").reason == reasons.IMAGE_UNAVAILABLE
    assert said(sim.status, "TemplateInSync").reason == reasons.IMAGE_UNAVAILABLE
    sim.cluster.behave_image(BAD, Behaviour())
    sim.until(serves(BAD))


def test_an_image_that_is_mended_in_mid_trial_is_tried_at_once() -> None:
    sim = settled()
    sim.cluster.behave_image(BAD, WITHOUT_IMAGE)
    sim.commit(desired(BAD))
    sim.reach(Phase.STARTING)
    sim.run(5 * SECOND)
    sim.commit(desired(BETTER))
    sim.until(serves(BETTER), within=timedelta(minutes=2))


def test_the_first_version_with_an_image_that_is_mended_starts_at_once() -> None:
    sim = Simulation(desired(BAD))
    sim.cluster.behave_image(BAD, WITHOUT_IMAGE)
    sim.register("1")
    sim.reach(Phase.STARTING)
    sim.run(5 * SECOND)
    sim.commit(desired(GOOD))
    sim.until(serves(GOOD), within=timedelta(minutes=2))


def test_a_revert_in_the_soak_gives_the_traffic_back_at_once() -> None:
    sim = settled()
    sim.commit(desired(BETTER))
    sim.reach(Phase.SOAKING)
    sim.commit(desired(GOOD))
    sim.until(serves(GOOD), within=timedelta(seconds=10))
    assert sim.weights == {"a": 100, "b": 0}


def test_a_further_change_in_the_soak_waits_for_its_end() -> None:
    sim = settled()
    sim.commit(desired(BETTER))
    sim.reach(Phase.SOAKING)
    sim.commit(desired("registry.test/runtime:3"))
    sim.reach(Phase.STABLE)
    assert [entry.outcome for entry in sim.status.history] == ["Promoted", "Promoted"]
    sim.until(serves("registry.test/runtime:3"))


def test_the_size_is_no_template() -> None:
    sim = settled()
    sim.commit(desired(replicas=3))
    sim.run(20 * SECOND)
    assert sim.status.phase is Phase.STABLE
    assert sim.size("a") == 3
    assert len(sim.status.history) == 1


def test_a_champion_that_cannot_serve_is_mended_without_steps() -> None:
    sim = settled()
    sim.cluster.behave("1", Behaviour(crash_after=0.0, exit_code=137, crash_reason="OOMKilled"))
    sim.run(5 * SECOND)
    sim.cluster.behave_image(BETTER, Behaviour())
    sim.commit(desired(BETTER))
    sim.until(lambda world: world.weights == {"a": 0, "b": 100}, within=timedelta(seconds=15))
    sim.until(serves(BETTER))
    assert image(sim) == BETTER


def test_a_champion_whose_only_pod_is_evicted_is_not_down() -> None:
    """The template got all the traffic at once, past steps and testers."""
    sim = settled(desired(replicas=1))
    sim.cluster.behave_image(BAD, replace(FAILING, ready_after=2.0))
    sim.commit(desired(BAD, replicas=1))
    sim.reach(Phase.STARTING)
    sim.run(SECOND)
    sim.evict("a")
    sim.until(lambda world: world.status.phase is not Phase.STARTING)
    assert sim.status.phase is Phase.CANARY
    sim.until(lambda world: world.status.rejected_template is not None)


def test_paused_no_template_is_tried() -> None:
    sim = settled()
    sim.commit(desired(BETTER).model_copy(update={"paused": True}))
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.STABLE
    assert said(sim.status, "TemplateInSync").reason == reasons.PAUSED
    assert (said(sim.status, "Ready").status, said(sim.status, "Ready").reason) == ("Unknown", reasons.PAUSED)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY])
def test_a_status_that_is_lost_does_not_make_the_template_on_trial_the_champions(phase: Phase) -> None:
    """Of two with the same share the one in slot a was taken; and a template that starts for the former one's."""
    sim = settled()
    sim.commit(desired(BETTER))
    sim.until(serves(BETTER))  # in slot b
    sim.commit(desired(GOOD))
    sim.reach(phase)
    sim.until(lambda world: world.verified("a") == 2)
    sim.cluster.empty_status(sim.md().key)
    sim.until(lambda world: world.status.champion is not None)
    assert image(sim) == BETTER
    assert sim.status.former is None
    sim.until(serves(GOOD))


# --- another operator -------------------------------------------------------------------------------------------------


def test_the_template_of_another_operator_is_on_trial_and_the_object_stays_ready() -> None:
    sim = settled(desired(None))
    first = image(sim)
    sim.statuses.clear()
    upgrade(sim, BETTER)
    sim.reach(Phase.CANARY)
    assert image(sim) == first
    sim.until(serves(BETTER))
    assert {said(status, "Ready").status for _, status in sim.statuses} == {"True"}
    assert {said(status, "Reconciling").status for _, status in sim.statuses} == {"False"}


def test_a_bad_image_of_another_operator_is_found_and_the_object_stays_ready() -> None:
    sim = settled(desired(None))
    first = image(sim)
    sim.statuses.clear()
    sim.cluster.behave_image(BAD, FAILING)
    upgrade(sim, BAD)
    sim.until(lambda world: world.status.rejected_template is not None and world.status.phase is Phase.STABLE)
    sim.run(HOUR)
    assert image(sim) == first
    assert {said(status, "Ready").status for _, status in sim.statuses} == {"True"}
    assert said(sim.status, "TemplateInSync").reason == reasons.TEMPLATE_REJECTED
    assert len(sim.status.history) == 2
    upgrade(sim, BETTER)
    sim.until(serves(BETTER))


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING])
def test_another_operator_in_mid_trial_changes_no_pod_until_the_trial_has_ended(phase: Phase) -> None:
    sim = settled(desired(None))
    first = image(sim)
    sim.register("2")
    sim.commit(desired(None, version="2"))
    sim.reach(phase, at_once=phase is Phase.PROMOTING)
    upgrade(sim, BETTER)
    sim.reach(Phase.STABLE, at_once=True)
    assert sim.champion() == "2"
    assert image(sim) == first
    sim.until(serves(BETTER))


def test_without_a_route_the_object_is_not_ready_in_the_trial_of_an_operators_template_either() -> None:
    sim = settled(desired(None))
    upgrade(sim, BETTER)
    sim.reach(Phase.CANARY)
    sim.run(SECOND)
    assert said(sim.status, "Ready").status == "True"
    sim.router.failure = Unavailable("500 Internal Server Error")
    sim.router.drift(sim.md())
    sim.until(lambda world: said(world.status, "Ready").status != "True", within=timedelta(seconds=30))
    sim.router.failure = None
    sim.until(lambda world: said(world.status, "Ready").status == "True", within=timedelta(seconds=30))
    sim.until(serves(BETTER))


FLEET = [Key("ml", name) for name in ("churn", "churn-eu", "churn-us")]


def of_fleet(key: Key, **rollout: object) -> Spec:
    """The spec of one of several; no client asks them."""
    registry = spec_of(registry={"aliases": {"champion": key.name}}).registry
    given = spec_of(rollout={**ROLLOUT, "guards": [], **rollout}).rollout
    return desired(None).model_copy(update={"registry": registry, "rollout": given})


def settled_fleet(**rollout: object) -> Simulation:
    """All of them serve, and nothing is left to do."""
    sim = settled(desired(None))
    for key in FLEET:
        sim.commit(of_fleet(key, **rollout), key=key)
    sim.until(lambda _: all(status_of(sim, key).phase is Phase.STABLE for key in FLEET))
    sim.run(3 * SECOND)
    return sim


def test_another_operator_takes_one_model_deployment_at_a_time() -> None:
    sim = settled_fleet()
    upgrade(sim, BETTER)
    most = 0

    def all_have_it(_: World) -> bool:
        nonlocal most
        most = max(most, len(on_trial_in(sim)))
        assert most <= 1, [said(status_of(sim, key), "TemplateInSync").reason for key in FLEET]
        return most > 0 and all(_image_of(status_of(sim, key)) == BETTER for key in FLEET) and not on_trial_in(sim)

    sim.until(all_have_it, within=timedelta(minutes=5))
    assert most == 1


def on_trial_in(sim: Simulation) -> list[Key]:
    return [key for key in FLEET if status_of(sim, key).trial is not None]


def test_a_trial_without_traffic_hands_its_turn_on_after_the_step_timeout() -> None:
    errors = {"name": "errors", "errorRate": {"atMost": "20%"}}
    sim = settled_fleet(guards=[errors], stepTimeout="30s", onInconclusive="Wait")
    sim.clients.rate = 0
    upgrade(sim, BETTER)
    sim.until(lambda _: len(on_trial_in(sim)) == len(FLEET), within=timedelta(minutes=3))


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.SOAKING])
def test_a_trial_that_is_paused_hands_its_turn_on(phase: Phase) -> None:
    sim = settled_fleet()
    upgrade(sim, BETTER)
    sim.until(lambda _: any(status_of(sim, key).phase is phase for key in on_trial_in(sim)))
    (paused,) = on_trial_in(sim)
    sim.commit(of_fleet(paused).model_copy(update={"paused": True}), key=paused)
    others = [key for key in FLEET if key != paused]
    sim.until(lambda _: all(serves_in(sim, key, BETTER) for key in others), within=timedelta(minutes=3))


def test_a_long_soak_hands_its_turn_on() -> None:
    sim = settled_fleet(soak="720h", stepTimeout="30s")
    upgrade(sim, BETTER)
    sim.until(lambda _: all(_image_of(status_of(sim, key)) == BETTER for key in FLEET), within=timedelta(minutes=5))


def serves_in(sim: Simulation, key: Key, image_of: str) -> bool:
    return status_of(sim, key).phase is Phase.STABLE and _image_of(status_of(sim, key)) == image_of


def status_of(sim: Simulation, key: Key) -> Status:
    md = sim.cluster.now(key)
    assert md is not None
    return md.status


def _image_of(status: Status) -> str:
    assert status.champion is not None
    assert status.champion.template is not None
    return status.champion.template.image


# --- a former champion, with a template -------------------------------------------------------------------------------


def champion_two(serving: str | None = GOOD) -> Simulation:
    """Version 2 is champion, and version 1 was before it, both with the same template."""
    sim = settled(desired(serving))
    sim.register("2")
    sim.commit(desired(serving, version="2"))
    sim.settle("2")
    sim.run(3 * SECOND)
    return sim


def return_with_bad_image(sim: Simulation) -> None:
    """Git returns to version 1 with an image that was never tried, until that has lost its trial."""
    sim.cluster.behave_image(BAD, FAILING)
    sim.commit(desired(BAD, version="1"))
    sim.until(lambda world: world.weights["a"] > 0)
    assert sim.weights == {"a": 50, "b": 50}
    sim.reach(Phase.REJECTED)
    sim.run(SECOND)


def test_a_rejected_template_is_not_tried_again_by_a_return_of_its_version() -> None:
    sim = settled()
    sim.register("2")
    reject_template(sim)
    sim.commit(desired(version="2"))
    sim.settle("2")
    served = sim.clients.served["1"]
    sim.commit(desired(BAD, version="1"))
    sim.run(60 * SECOND)
    assert sim.champion() == "2"
    assert sim.clients.served["1"] == served
    assert sim.status.phase is Phase.REJECTED
    assert said(sim.status, "Ready").reason == said(sim.status, "Stalled").reason == reasons.TEMPLATE_REJECTED
    assert BAD in said(sim.status, "Ready").message
    sim.commit(desired(version="1"))
    sim.settle("1")
    assert sim.status.history[-1].previously_promoted


def test_a_former_champion_with_an_image_that_was_never_tried_has_steps_and_the_image_loses() -> None:
    sim = champion_two()
    return_with_bad_image(sim)
    assert sim.champion() == "2"
    assert sim.status.rejected == []
    assert sim.status.rejected_template is not None
    assert (sim.status.rejected_template.version, sim.status.rejected_template.template.image) == ("1", BAD)
    assert said(sim.status, "Ready").reason == reasons.TEMPLATE_REJECTED


def test_a_former_champion_that_lost_with_an_image_returns_at_once_without_it() -> None:
    sim = champion_two()
    return_with_bad_image(sim)
    sim.commit(desired(version="1"))
    sim.reach(Phase.SOAKING)
    assert sim.status.trial is not None
    assert sim.status.trial.step_started_at is not None
    assert sim.status.trial.skips_steps
    sim.settle("1")


def test_a_former_champion_returns_at_once_with_the_image_with_which_it_was_promoted() -> None:
    sim = settled()
    sim.register("2")
    sim.commit(desired(BETTER, version="2"))
    sim.settle("2")
    sim.commit(desired(GOOD, version="1"))
    sim.until(lambda world: world.weights["a"] > 0)
    assert sim.weights == {"a": 100, "b": 0}
    sim.until(serves(GOOD))


def test_a_template_of_another_operator_that_lost_has_steps_with_a_former_champion_and_loses_again() -> None:
    sim = champion_two(None)
    sim.cluster.behave_image(BAD, FAILING)
    upgrade(sim, BAD)
    sim.until(lambda world: world.status.rejected_template is not None and world.status.phase is Phase.STABLE)
    sim.run(3 * SECOND)
    sim.commit(desired(None, version="1"))
    sim.until(lambda world: world.weights["a"] > 0)
    assert sim.weights == {"a": 50, "b": 50}
    sim.reach(Phase.REJECTED)
    assert sim.status.rejected == []
    upgrade(sim, BETTER)
    sim.settle("1")


def test_a_former_champion_returns_at_once_while_the_template_of_another_operator_waits() -> None:
    """Git asks for nothing that was not promoted: a revert is not held up by an upgrade."""
    sim = champion_two(None)
    sim.commit(desired(None, version="1").model_copy(update={"paused": True}))
    sim.run(3 * SECOND)
    upgrade(sim, BETTER)
    sim.commit(desired(None, version="1"))
    sim.until(lambda world: world.weights["a"] > 0)
    assert sim.weights == {"a": 100, "b": 0}


def test_a_template_of_another_operator_stays_rejected_after_another_one_lost() -> None:
    sim = settled(desired(None))
    worse = f"{BAD}-2"
    for lost in (BAD, worse):
        sim.cluster.behave_image(lost, FAILING)
    upgrade(sim, BAD)
    sim.until(lambda world: world.status.rejected_template is not None and world.status.phase is Phase.STABLE)
    sim.run(3 * SECOND)
    sim.commit(desired(worse))
    sim.until(lambda world: len(world.status.history) == 3 and world.status.phase is Phase.STABLE)
    sim.run(3 * SECOND)
    failed = sim.clients.failed["1"]
    sim.commit(desired(None))
    sim.run(60 * SECOND)
    assert sim.clients.failed["1"] == failed
    assert said(sim.status, "TemplateInSync").reason == reasons.TEMPLATE_REJECTED


def test_a_template_of_the_operator_whose_pods_find_no_room_leaves_what_git_names_ready() -> None:
    rollout = {**ROLLOUT, "steps": [{"weight": 25, "duration": "5s"}]}
    sim = settled(spec_of("1", serving={"replicas": 2}, rollout=rollout))
    sim.cluster.capacity = 3
    upgrade(sim, BETTER)
    sim.reach(Phase.PROMOTING)
    sim.run(timedelta(minutes=5))
    assert (sim.status.phase, said(sim.status, "Ready").status) == (Phase.PROMOTING, "True")
    assert said(sim.status, "TemplateInSync").reason == reasons.TEMPLATE_ON_TRIAL
    assert "Unschedulable" in said(sim.status, "TemplateInSync").message
