"""A rollback always ends, and a newer commit always begins: also where no version is fit to take the traffic."""

from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import NO_POD, SECOND, Simulation, spec_of
from tests.stories.test_stories import GATES, GATEWAY, MINUTE, QUICK, wants

SERVICE: dict[str, Any] = {"serving": {"replicas": 2}}
EITHER = pytest.mark.parametrize("parts", [SERVICE, GATEWAY], ids=["service", "gateway"])
SHORT: dict[str, object] = {**QUICK, "startupTimeout": "2m"}


def both_bad(
    parts: dict[str, Any], phase: Phase = Phase.CANARY, rollout: dict[str, object] | None = None
) -> Simulation:
    """The champion's pods are not ready any more, and the version on trial answers badly: 3 of 10 answers."""
    sim = Simulation(spec_of("1", rollout=rollout or QUICK, gates=GATES, **parts))
    sim.register("1")
    sim.settle("1")
    for version in ("2", "3", "4"):
        sim.register(version)
    wants(sim, "2", rollout, **parts)
    sim.reach(phase)
    sim.run(2 * SECOND)
    sim.behaviour("1").ready = False
    sim.run(2 * SECOND)
    sim.behaviour("2").bad_share = 0.3
    sim.reach(Phase.ROLLING_BACK)
    return sim


@EITHER
@pytest.mark.parametrize("phase", [Phase.CANARY, Phase.SOAKING])
def test_a_third_version_begins_at_once_where_neither_of_the_first_two_is_fit_to_serve(
    parts: dict[str, Any], phase: Phase
) -> None:
    """It waited for the champion for ever."""
    sim = both_bad(parts, phase)
    sim.run(MINUTE)
    wants(sim, "3", **parts)
    sim.until(lambda s: s.status.phase is Phase.CANARY, within=MINUTE)
    sim.settle("3")


@EITHER
def test_a_rollback_to_a_champion_that_never_comes_back_ends(parts: dict[str, Any]) -> None:
    """Without an answer of the champion, no one knows whose fault it was."""
    sim = both_bad(parts, rollout=SHORT)
    sim.until(lambda s: s.status.phase is Phase.PENDING, within=3 * MINUTE)
    assert "version 1 has no ready pod" in sim.status.message
    assert "version 2 keeps the traffic" in sim.status.message
    sim.run(MINUTE)
    assert sim.status.phase is Phase.PENDING
    assert sim.status.rejected == []


@EITHER
def test_the_version_that_alone_can_answer_keeps_the_traffic_until_the_champion_is_back(parts: dict[str, Any]) -> None:
    sim = both_bad(parts, rollout=SHORT)
    sim.run(5 * SECOND)
    sim.clients.failed.clear()
    sim.run(5 * MINUTE)
    assert NO_POD not in sim.clients.failed
    sim.behaviour("1").ready = True
    sim.until(lambda s: s.in_force().get("b", 0) == 0, within=5 * SECOND)
    sim.until(lambda s: s.size("b") == 0, within=2 * MINUTE)
    assert NO_POD not in sim.clients.failed
    assert sim.champion() == "1"


@EITHER
def test_versions_that_follow_each_other_beside_a_dead_champion_leave_no_request_without_a_pod(
    parts: dict[str, Any],
) -> None:
    """The old pods of the slot serve until those of the next version are ready."""
    sim = both_bad(parts)
    sim.run(5 * SECOND)
    sim.clients.failed.clear()
    sim.behaviour("3").ready = False
    wants(sim, "3", **parts)
    sim.reach(Phase.STARTING)
    sim.run(5 * SECOND)
    wants(sim, "4", **parts)
    sim.settle("4")
    assert NO_POD not in sim.clients.failed


def test_a_gateway_that_takes_no_weights_holds_no_rollback_up_for_ever() -> None:
    sim = Simulation(spec_of("1", rollout=SHORT, gates=GATES, **GATEWAY))
    sim.register("1")
    sim.settle("1")
    sim.register("2", bad_share=0.3)
    sim.register("3")
    wants(sim, "2", SHORT, **GATEWAY)
    sim.until(lambda s: s.taken == {"a": 75, "b": 25})
    sim.stop_gateway()
    sim.until(lambda s: s.status.phase is Phase.REJECTED, within=5 * MINUTE)
    wants(sim, "3", SHORT, **GATEWAY)
    sim.run(5 * MINUTE)
    assert sim.runs("b").version == "2"  # type: ignore[union-attr]  # requests still reach the slot
    assert "the gateway has not taken the route yet" in sim.status.message
    sim.start_gateway()
    sim.settle("3")
    assert NO_POD not in sim.clients.failed


def test_a_revert_to_a_champion_that_never_comes_back_says_which_version_serves() -> None:
    sim = both_bad(SERVICE, rollout=SHORT)
    wants(sim, "1", SHORT, **SERVICE)
    sim.run(3 * MINUTE)
    assert sim.status.phase is Phase.STABLE
    assert "version 1 has no ready pod: version 2 keeps the traffic until it has one" in sim.status.message
    ready = next(each for each in sim.status.conditions if each.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "ChampionUnavailable")


STEPS: dict[str, object] = {
    "steps": [{"weight": 25, "duration": "1m"}, {"weight": 50, "duration": "10s"}],
    "soak": "1m",
}


def beside_a_dead_champion(phase: Phase = Phase.CANARY, **parts: Any) -> Simulation:
    """A good version is on trial behind a gateway, and the champion has just lost its pods."""
    sim = Simulation(spec_of("1", rollout=STEPS, **{**GATEWAY, **parts}))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    wants(sim, "2", STEPS, gates=[], **{**GATEWAY, **parts})
    sim.reach(phase, at_once=True)
    sim.run(2 * SECOND)
    sim.behaviour("1").ready = False
    sim.run(2 * SECOND)
    sim.clients.failed.clear()
    return sim


def test_a_version_that_alone_can_answer_has_all_the_traffic_until_the_champion_is_back() -> None:
    """It kept the weight of its step, and the rest of the requests went to no pod."""
    sim = beside_a_dead_champion()
    sim.run(20 * SECOND)
    assert (sim.in_force()["b"], NO_POD in sim.clients.failed) == (100, False)
    assert "step 1 of 2, 25 % (100 % while version 1 has no ready pod)" in sim.status.message
    sim.behaviour("1").ready = True
    back = sim.clock.now()
    sim.run(3 * SECOND)
    assert (sim.weights, sim.status.phase) == ({"a": 75, "b": 25}, Phase.CANARY)
    trial = sim.status.trial
    assert trial is not None
    assert trial.weight_reached_at is not None
    assert trial.weight_reached_at > back  # what it had before was another share
    sim.settle("2")
    assert NO_POD not in sim.clients.failed


def test_a_version_that_cannot_be_verified_any_more_gives_back_what_was_lent_to_it() -> None:
    """Only up waits for proof."""
    sim = beside_a_dead_champion()
    sim.stop_scraping()
    sim.run(2 * SECOND)
    assert sim.in_force()["b"] == 100
    sim.behaviour("1").ready = True
    sim.until(lambda world: world.weights["b"] == 25, within=3 * SECOND)


def test_a_mended_version_has_all_the_traffic_in_its_steps_where_the_champion_cannot_start() -> None:
    """It had 5, 25 and 50 %, and the rest of the requests went to no pod."""
    sim = beside_a_dead_champion(Phase.STARTING)
    sim.reach(Phase.CANARY)
    sim.run(2 * SECOND)
    sim.clients.failed.clear()
    sim.settle("2")
    assert NO_POD not in sim.clients.failed


def test_a_version_that_turns_bad_beside_a_dead_champion_is_still_found() -> None:
    sim = beside_a_dead_champion()
    sim.behaviour("2").bad_share = 0.3
    sim.reach(Phase.ROLLING_BACK)
    sim.behaviour("1").ready = True
    sim.until(lambda world: world.in_force().get("b", 0) == 0, within=5 * SECOND)
