"""A soak counts only the time in which the version could be judged."""

from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from podium.errors import Unavailable
from podium.simulation.world import world as worlds
from tests.stories.simulator import SECOND, Simulation, spec_of

QUICK = {"steps": [{"weight": 50, "duration": "10s"}], "soak": "1m"}


def soaking() -> Simulation:
    sim = Simulation(spec_of("1", rollout=QUICK))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(spec_of("2", rollout=QUICK), "version 2")
    sim.reach(Phase.SOAKING)
    sim.run(SECOND)
    return sim


def test_a_soak_without_any_metrics_does_not_pass() -> None:
    """It passed, with half of the answers bad, and the former champion was stopped."""
    sim = soaking()
    ask = sim.pod_metrics.ask

    async def unreachable(*_: Any, **__: Any) -> Any:
        raise Unavailable("mTLS")

    sim.pod_metrics.ask = unreachable  # type: ignore[method-assign]
    sim.behaviour("2").bad_share = 0.5
    sim.run(300 * SECOND)
    assert sim.status.phase is Phase.SOAKING
    assert "for as long as no pod of version 2 can be scraped" in sim.status.message
    sim.pod_metrics.ask = ask  # type: ignore[method-assign]
    sim.until(lambda world: world.champion() == "1", within=30 * SECOND)


def test_one_scrape_that_fails_is_no_reason_to_soak_for_longer() -> None:
    sim = soaking()
    began = sim.status.trial.soaking_since if sim.status.trial is not None else None
    ask = sim.pod_metrics.ask

    async def unreachable(*_: Any, **__: Any) -> Any:
        raise Unavailable("timed out")

    sim.run(10 * SECOND)
    sim.pod_metrics.ask = unreachable  # type: ignore[method-assign]
    sim.run(SECOND)
    sim.pod_metrics.ask = ask  # type: ignore[method-assign]
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
