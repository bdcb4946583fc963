"""What `podium plan` foresees is what the operator then does: the same phases, in the same order."""

from itertools import pairwise
from typing import Any

import pytest

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.core.facts import ModelVersion, RegistryState
from podium.planning.outlook import Outlook, Planned, outlook
from podium.simulation.world.view import KEY
from tests.stories.simulator import SECOND, Simulation, spec_of, tried

ROLLOUT: dict[str, Any] = {
    "steps": [{"weight": 10, "duration": "1h"}, {"weight": 50, "duration": "1h"}],
    "guards": [{"name": "errors", "errorRate": {"atMost": "1%"}}],
    "soak": "1h",
}
QUICK = {**ROLLOUT, "steps": [{"weight": 50, "duration": "1s"}]}
GATES = [{"name": "accurate", "metric": {"key": "auc", "atLeast": 0.8}}]
OTHERS = [{"name": "errors", "errorRate": {"atMost": "2%"}}]
SIZED, IMAGED = {"replicas": 3}, {"image": "other:2"}
ABORT = {"version": "2", "by": "alice"}
RUNNING = (Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING)

CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "another version": {"version": "3"},
    "a version that a gate refuses": {"version": "4"},
    "the champion again": {"version": "1"},
    "other guards": {"more": {"guards": OTHERS}},
    "other gates": {"gates": [{"name": "accurate", "metric": {"key": "auc", "atLeast": 0.95}}]},
    "another size": {"serving": SIZED},
    "another image": {"serving": IMAGED},
    "an abort": {"more": {"abort": ABORT}},
    "a pause and another version": {"version": "3", "paused": True},
    "a promotion at once": {"more": {"promote": {"version": "2", "full": True}}},
}


def planned(sim: Simulation, spec: Spec) -> Outlook:
    def version(number: str) -> ModelVersion:
        return ModelVersion(number, sim.digest(number), metrics=sim.registered(number).metrics)

    champion, md = sim.status.champion, sim.md()
    registry = RegistryState(
        uri=sim.registry_uri,
        desired=version(str(spec.model.version)),
        champion=version(champion.version) if champion is not None else None,
    )
    return outlook(
        Planned(
            key=KEY,
            generation=md.generation + 1,
            spec=spec,
            before=md.spec,
            status=md.status,
            observed=True,
            registry=registry,
            registry_read=True,
            now=sim.now,
        )
    )


def phases_after(sim: Simulation, spec: Spec) -> list[str]:
    """The phases from now on, each once in a row, until pods, answers or time decide."""
    told, now = len(sim.statuses), sim.status.phase
    sim.commit(spec, "the file")
    sim.run(20 * SECOND)
    found = [now, *(status.phase for _, status in sim.statuses[told:])]
    return [str(phase) for before, phase in pairwise(found) if phase is not before]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("phase", RUNNING)
def test_what_a_plan_foresees_is_what_happens(phase: Phase, change: str) -> None:
    rollout = ROLLOUT if phase in {Phase.STARTING, Phase.CANARY} else QUICK
    sim = tried(phase, rollout=rollout, gates=GATES)
    sim.register("3")
    sim.register("4", metrics={"auc": 0.5})
    parts = dict(CHANGES[change])
    version, more = str(parts.pop("version", "2")), parts.pop("more", {})
    spec = spec_of(version, **{"rollout": {**rollout, **more}, "gates": GATES, **parts})
    now = sim.status.phase
    seen = planned(sim, spec)
    foreseen = [str(move.phase) for move in seen.moves]
    happened = phases_after(sim, spec)
    assert happened[: len(foreseen)] == foreseen, seen
    if not foreseen:
        assert "RollingBack" not in happened
        assert seen.trial == "goes on", now
