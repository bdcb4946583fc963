"""A soak counts only the time in which the version could be judged."""

from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from podium.errors import Rejected
from podium.simulation.world import world as worlds
from tests.stories.simulator import NO_POD, SECOND, Simulation, tried
from tests.stories.test_stories import GATEWAY, MINUTE

QUICK = {"steps": [{"weight": 50, "duration": "10s"}], "soak": "1m"}


def soaking(phase: Phase = Phase.SOAKING, **parts: Any) -> Simulation:
    return tried(phase, **{"rollout": QUICK, **parts})


def test_a_soak_without_any_metrics_does_not_pass() -> None:
    """It passed, with half of the answers bad, and the former champion was stopped."""
    sim = soaking()
    sim.stop_scraping()
    sim.behaviour("2").bad_share = 0.5
    sim.run(300 * SECOND)
    assert sim.status.phase is Phase.SOAKING
    assert "for as long as no pod of version 2 can be scraped" in sim.status.message
    sim.scrape_again()
    sim.until(lambda world: world.champion() == "1", within=30 * SECOND)


def test_one_scrape_that_fails_is_no_reason_to_soak_for_longer() -> None:
    sim = soaking()
    began = sim.status.trial.soaking_since if sim.status.trial is not None else None
    sim.run(10 * SECOND)
    sim.stop_scraping()
    sim.run(SECOND)
    sim.scrape_again()
    sim.run(10 * SECOND)
    assert sim.status.trial is not None
    assert began is not None
    assert sim.status.trial.soaking_since is not None
    assert sim.status.trial.soaking_since - began < 6 * SECOND


def test_time_in_which_no_operator_looked_is_no_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    """It passed as soon as the operator was back, though the version had no pod for nearly all of it."""
    sim = soaking()
    monkeypatch.setattr(worlds, "_RESTART", 100.0)
    sim.restart()
    sim.run(5 * SECOND)
    sim.evict("b")
    sim.behaviour("2").ready_after = 90.0
    sim.run(110 * SECOND)
    assert sim.status.phase is Phase.SOAKING
    assert sim.size("a") > 0
    sim.settle("2")


# --- a new champion without a ready pod -------------------------------------------------------------------------------

EITHER = pytest.mark.parametrize("parts", [{}, GATEWAY], ids=["service", "gateway"])


def without_pods(parts: dict[str, Any], ready_after: float = 30.0) -> Simulation:
    """The new champion's pods are gone, and those in their place take a while to be ready."""
    sim = soaking(**parts)
    sim.run(20 * SECOND)
    sim.evict("b")
    sim.behaviour("2").ready_after = ready_after
    sim.run(2 * SECOND)
    sim.clients.failed.clear()
    return sim


@EITHER
def test_the_former_champion_answers_while_the_new_one_has_no_ready_pod(parts: dict[str, Any]) -> None:
    """Its pods were ready and stood idle, and users got no answer."""
    sim = without_pods(parts)
    sim.run(20 * SECOND)
    assert sim.weights == {"a": 100, "b": 0}
    assert "version 2 has no ready pod: version 1 keeps the traffic until it has one" in sim.status.message
    ready = next(each for each in sim.status.conditions if each.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "ChampionUnavailable")
    sim.until(lambda world: world.weights == {"a": 0, "b": 100}, within=15 * SECOND)
    assert sim.status.phase is Phase.SOAKING
    sim.settle("2")
    assert NO_POD not in sim.clients.failed
    assert sim.status.rejected == []


@EITHER
def test_time_in_which_the_former_champion_answers_is_no_soak(parts: dict[str, Any]) -> None:
    sim = without_pods(parts)
    sim.until(lambda world: world.weights == {"a": 0, "b": 100}, within=40 * SECOND)
    back = sim.clock.now()
    sim.settle("2")
    assert sim.clock.now() - back >= 59 * SECOND


def test_a_gateway_that_still_leads_to_the_former_champion_keeps_the_soak_from_beginning() -> None:
    sim = without_pods(GATEWAY)
    sim.stop_gateway()
    sim.until(lambda world: world.weights == {"a": 0, "b": 100}, within=40 * SECOND)
    sim.run(2 * MINUTE)
    assert "requests still reach version 1, so that the soak starts over" in sim.status.message
    assert sim.size("a") > 0
    sim.start_gateway()
    sim.settle("2")


@EITHER
def test_a_new_champion_whose_pods_crash_while_the_former_one_answers_is_rolled_back(parts: dict[str, Any]) -> None:
    sim = without_pods(parts)
    sim.behaviour("2").crash_after = 5.0
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=MINUTE)
    assert (sim.champion(), sim.status.rejected[-1].reason) == ("1", "Crashed")
    assert NO_POD not in sim.clients.failed


@EITHER
def test_a_new_champion_that_loses_all_its_pods_once_more_by_itself_is_rolled_back(parts: dict[str, Any]) -> None:
    """What was lent does not hide that it cannot take requests any more."""
    sim = without_pods(parts)
    sim.until(lambda world: world.weights == {"a": 0, "b": 100}, within=40 * SECOND)
    sim.run(5 * SECOND)
    sim.behaviour("2").ready = False
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=MINUTE)
    assert sim.status.rejected[-1].reason == "NoReadyPods"


@EITHER
def test_a_soak_in_which_neither_version_has_a_pod_leads_to_the_one_that_has_one_first(parts: dict[str, Any]) -> None:
    sim = without_pods(parts)
    sim.evict("a")
    sim.behaviour("1").ready_after = 5.0
    sim.run(2 * SECOND)
    assert sim.weights == {"a": 0, "b": 100}
    sim.until(lambda world: world.weights == {"a": 100, "b": 0}, within=10 * SECOND)
    sim.settle("2")


@EITHER
def test_a_status_that_cannot_be_written_keeps_no_former_champion_from_answering(parts: dict[str, Any]) -> None:
    sim = soaking(**parts)
    sim.run(10 * SECOND)

    async def refused(*_: Any, **__: Any) -> Any:
        raise Rejected("a validating webhook refuses it")

    sim.cluster.write_status = refused  # type: ignore[method-assign]
    sim.evict("b")
    sim.behaviour("2").ready_after = 30.0
    sim.run(3 * SECOND)
    assert sim.weights == {"a": 100, "b": 0}


def test_the_gradual_way_back_from_the_former_champion_follows_the_ready_pods() -> None:
    sim = without_pods({**GATEWAY, "traffic": {**GATEWAY["traffic"], "rollback": "Gradual"}})
    sim.behaviour("2").stagger = 10.0
    shares: list[int] = []
    while sim.weights.get("a"):
        sim.run(SECOND)
        shares.append(sim.weights.get("b", 0))
        assert sim.status.trial is not None
        assert not sim.weights.get("a") or sim.status.trial.soaking_since is None
    assert shares == sorted(shares)
    assert NO_POD not in sim.clients.failed
    sim.settle("2")


def test_a_service_leads_back_to_the_champion_where_a_version_with_all_the_traffic_loses_its_pods_in_a_step() -> None:
    """It led to the version alone, and waited for its pods."""
    rollout = {"steps": [{"weight": 50, "duration": "5s"}, {"weight": 100, "duration": "20s"}], "soak": "1m"}
    sim = soaking(Phase.CANARY, rollout=rollout)
    sim.until(lambda world: world.weights == {"a": 0, "b": 100}, within=MINUTE)
    sim.run(2 * SECOND)
    sim.evict("b")
    sim.behaviour("2").ready_after = 30.0
    sim.run(2 * SECOND)
    sim.clients.failed.clear()
    assert (sim.weights, sim.status.phase) == ({"a": 100, "b": 0}, Phase.CANARY)
    sim.settle("2")
    assert NO_POD not in sim.clients.failed


def test_a_service_that_leads_to_a_champion_alone_that_loses_its_pods_leads_to_the_first_pod_on_trial() -> None:
    """It waited until the version on trial had all the pods of its step."""
    rollout = {"steps": [{"weight": 50, "duration": "5s"}, {"weight": 100, "duration": "2m"}], "soak": "1m"}
    sim = soaking(Phase.CANARY, rollout=rollout, serving={"replicas": 2})
    sim.until(lambda world: world.weights == {"a": 0, "b": 100}, within=MINUTE)
    sim.run(2 * SECOND)
    sim.evict("b")
    sim.behaviour("2").stagger = 20.0
    sim.until(lambda world: world.weights == {"a": 100, "b": 0}, within=2 * SECOND)
    sim.evict("a")
    sim.behaviour("1").ready_after = 60.0
    sim.until(lambda world: world.weights == {"a": 0, "b": 100}, within=5 * SECOND)
    assert sim.status.phase is Phase.CANARY
    sim.settle("2")


@pytest.mark.parametrize("parts", [{}, GATEWAY], ids=["service", "gateway"])
@pytest.mark.parametrize("silent", [False, True])
def test_no_new_pod_of_the_former_champion_with_another_digest_gets_traffic(
    parts: dict[str, Any], silent: bool
) -> None:
    """Both versions lose their pods. A pod that says nothing may still help where nothing else can answer."""
    sim = soaking(**parts)
    sim.run(10 * SECOND)
    former = sim.behaviour("1")
    former.silent, former.digest = silent, None if silent else f"sha256:{'0' * 64}"
    former.ready_after, sim.behaviour("2").ready_after = 5, 10**6
    sim.evict("a")
    sim.evict("b")
    sim.run(20 * SECOND)
    assert sim.ready_pods("a")
    assert sim.weights == ({"a": 100, "b": 0} if silent else {"a": 0, "b": 100})


# --- a step whose pods cannot be scraped for a moment -----------------------------------------------------------------

STEP = {"steps": [{"weight": 50, "duration": "60s"}], "soak": "1m", "stepTimeout": "5m"}


def miss_scrapes(sim: Simulation, *, pods: int, every: int = 50, within: int = 10) -> None:
    """One scrape in 50 s fails, of this many pods of version 2, until the step has passed."""
    ask, missed = sim.pod_metrics.ask, [0]

    async def flaky(namespace: str, asked: Any, *told: Any) -> Any:
        found = dict(await ask(namespace, asked, *told))
        for pod in [pod for pod in asked if pod.version == "2"][: missed[0]]:
            found.pop(pod.uid, None)
        return found

    sim.pod_metrics.ask = flaky  # type: ignore[assignment,method-assign]
    for _ in range(within):
        sim.run(every * SECOND)
        missed[0] = pods
        sim.run(SECOND)
        missed[0] = 0
        if sim.status.phase is not Phase.CANARY:
            return


@EITHER
@pytest.mark.parametrize("on_inconclusive", ["Wait", "RollBack"])
@pytest.mark.parametrize("pods", [1, 4])
def test_a_scrape_that_is_missed_does_not_begin_a_step_again(
    parts: dict[str, Any], on_inconclusive: str, pods: int
) -> None:
    """The step's time began again each time: a good version was rejected, or held in its step for ever."""
    sim = soaking(Phase.CANARY, **{**parts, "rollout": {**STEP, "onInconclusive": on_inconclusive}})
    miss_scrapes(sim, pods=pods, within=2)
    assert sim.status.phase in {Phase.PROMOTING, Phase.SOAKING, Phase.STABLE}
    sim.settle("2")
    assert sim.status.rejected == []


def test_time_in_which_pods_of_a_step_cannot_be_scraped_is_no_time_of_the_step() -> None:
    sim = soaking(Phase.CANARY, rollout=STEP)
    sim.run(30 * SECOND)
    sim.stop_scraping()
    sim.run(2 * MINUTE)
    assert sim.status.phase is Phase.CANARY
    sim.scrape_again()
    sim.run(20 * SECOND)
    assert sim.status.phase is Phase.CANARY
    sim.settle("2")


def test_a_good_version_whose_scrapes_fail_for_most_of_the_time_is_not_rejected() -> None:
    """It was rejected for too little traffic, with thousands of answers."""
    sim = soaking(Phase.CANARY, rollout={**STEP, "onInconclusive": "RollBack"})
    miss_scrapes(sim, pods=4, every=6, within=60)
    sim.run(10 * SECOND)
    assert sim.status.rejected == []
