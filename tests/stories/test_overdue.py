"""Pods that are waited for too long: who answers meanwhile, what keeps them, and what a person can do is told."""

from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import SECOND, Simulation, resting, spec_of
from tests.stories.test_soak import EITHER, QUICK, soaking, without_pods
from tests.stories.test_stories import MINUTE
from tests.stories.test_template_trials import BETTER, ROLLOUT, said, settled, upgrade


def told(sim: Simulation, reason: str) -> int:
    return sum(event.reason == reason for _, event in sim.cluster.events)


@EITHER
def test_a_new_champion_whose_pods_never_start_again_is_stalled(parts: dict[str, Any]) -> None:
    """The former one answered for ever, and nothing asked for a person."""
    sim = without_pods(parts, ready_after=1e9)
    sim.run(timedelta(minutes=9))
    assert (said(sim.status, "Stalled").status, said(sim.status, "Reconciling").status) == ("False", "True")
    sim.run(timedelta(hours=1))
    stalled = said(sim.status, "Stalled")
    assert (stalled.status, said(sim.status, "Reconciling").status) == ("True", "False")
    assert stalled.reason == "PodsNotStarting"
    assert said(sim.status, "Reconciling").message != "no rollout in progress"
    assert (
        "for longer than 10m (startupTimeout); the former champion answers meanwhile"
        in said(sim.status, "Stalled").message
    )
    assert said(sim.status, "Ready").reason == "ChampionUnavailable"
    assert sim.in_force()["a"] == 100
    assert (told(sim, "PodsNotStarting"), told(sim, "ChampionUnavailable")) == (1, 1)


@EITHER
def test_what_keeps_a_new_champions_pods_from_starting_is_in_the_message(parts: dict[str, Any]) -> None:
    sim = soaking(**parts)
    sim.cluster.capacity = sim.size("a")
    sim.evict("b")
    sim.run(timedelta(minutes=12))
    assert sim.status.phase is Phase.SOAKING
    assert "Unschedulable: 0/3 nodes are available" in sim.status.message
    assert "Unschedulable: 0/3 nodes are available" in said(sim.status, "Stalled").message
    assert "make room for them, or lower spec.serving.replicas" in said(sim.status, "Stalled").message
    sim.cluster.capacity = 100
    sim.settle("2")
    assert said(sim.status, "Ready").status == "True"


def unscraped(**parts: Any) -> Simulation:
    """A version in its first step, whose pods are ready and cannot be asked any more."""
    rollout = {"steps": [{"weight": 50, "duration": "2h"}], "soak": "1m", "startupTimeout": "2m"}
    sim = soaking(Phase.CANARY, rollout=rollout)
    sim.run(30 * SECOND)
    sim.stop_scraping()
    if parts:
        sim.commit(spec_of("2", rollout=rollout, **parts), str(parts))
    sim.run(5 * MINUTE)
    return sim


def test_pods_that_are_ready_and_cannot_be_scraped_want_no_room() -> None:
    """It said: make room for them."""
    sim = unscraped()
    assert (said(sim.status, "Stalled").status, said(sim.status, "Stalled").reason) == ("True", "PodsNotScraped")
    assert "let Podium reach their metrics" in said(sim.status, "Stalled").message
    assert "room" not in said(sim.status, "Stalled").message
    assert told(sim, "PodsNotScraped") == 1


def test_a_rollout_that_a_person_has_paused_is_not_stalled() -> None:
    """It said that it goes on by itself."""
    assert said(unscraped(paused=True).status, "Stalled").status == "False"


def test_a_soak_that_is_paused_names_no_end_that_has_passed() -> None:
    sim = soaking()
    sim.commit(spec_of("2", rollout=QUICK, paused=True), "paused")
    sim.run(5 * MINUTE)
    assert sim.status.phase is Phase.SOAKING
    assert "version 1 stays warm until spec.paused is false" in sim.status.message


def test_a_champion_without_a_pod_is_not_said_to_serve() -> None:
    sim = resting(spec_of("1"))
    sim.evict("a")
    sim.behaviour("1").ready_after = 300.0
    sim.run(MINUTE)
    assert sim.status.message.startswith("champion 1 has no ready pod, and no other version answers: 0 of 1 pods")
    assert told(sim, "ChampionUnavailable") == 1


@pytest.mark.parametrize("phase", [Phase.CANARY, Phase.SOAKING])
def test_while_a_template_of_the_operator_lends_what_git_names_serves(phase: Phase) -> None:
    """Each operator's upgrade could take Ready away from what Git had not changed."""
    steps = [{"weight": 50, "duration": "2m"}]
    sim = settled(spec_of("1", serving={"replicas": 2}, rollout={**ROLLOUT, "steps": steps, "soak": "2m"}))
    upgrade(sim, BETTER)
    sim.reach(phase)
    sim.run(MINUTE)
    champion = sim.status.champion
    assert champion is not None
    sim.behaviour("1").ready_after = 40.0
    sim.evict(champion.slot)
    sim.run(5 * SECOND)
    assert sim.status.phase is phase
    assert sim.cluster.slots_now(sim.md())[champion.slot].ready(champion) == 0
    assert said(sim.status, "Ready").status == "True", said(sim.status, "Ready")
    assert "version 1 has no ready pod" not in sim.status.message
