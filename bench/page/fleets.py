"""ModelDeployments as a cluster has them: real statuses of the simulated world, and fleets made of them."""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.simulation.world.world import World, end_worlds

GATES = [{"name": "accurate", "metric": {"key": "auc", "atLeast": 0.75}}]
STEPS = [{"weight": 25, "duration": "1m"}, {"weight": 50, "duration": "5m"}]
GUARDS = [
    {"name": "errors", "errorRate": {"atMost": "1%", "maxAboveChampion": "1%"}},
    {"name": "drift", "predictionShift": {"maxShift": "10%"}},
]
PARTS: dict[str, Any] = {"rollout": {"steps": STEPS, "guards": GUARDS}}
Json = dict[str, Any]


def stored(world: World, namespace: str = "ml", name: str = "churn") -> Json:
    """The one object of this world, as the API server would send it."""
    md = world.md()
    assert md.spec is not None
    return {
        "apiVersion": "podium.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": md.uid,
            "generation": md.generation,
            "resourceVersion": md.resource_version,
            "creationTimestamp": "2026-01-05T08:00:00Z",
            "managedFields": [{"manager": "podium", "fieldsV1": {"f:spec": {}}}],
        },
        "spec": md.spec.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "status": md.status.stored(),
    }


@cache
def _kinds() -> str:
    """One of each kind of status, as text: whoever changes one has a copy."""
    told = {phase.value: stored(_tried(phase)) for phase in (Phase.STARTING, Phase.CANARY, Phase.SOAKING)}
    told["Stable"] = stored(_resting())
    told["Rejected"] = stored(_rejected())
    told["Blocked"] = stored(_blocked())
    end_worlds()
    return json.dumps(told)


def kinds() -> dict[str, Json]:
    """A ModelDeployment in each of some phases, by phase, as the operator left it in the simulated world."""
    found: dict[str, Json] = json.loads(_kinds())
    return found


def placed(value: Json, namespace: str, name: str) -> Json:
    """The same under another name."""
    return {**value, "metadata": {**value["metadata"], "namespace": namespace, "name": name}}


def fleet(size: int) -> Sequence[Json]:
    """So many of them, a tenth with a trial, in namespaces of fifty."""
    there = kinds()
    busy = [there[phase] for phase in ("Canary", "Soaking", "Rejected", "Blocked", "Starting")]
    return [
        placed(busy[at // 10 % len(busy)] if at % 10 == 0 else there["Stable"], f"team-{at // 50:03}", f"model-{at:05}")
        for at in range(size)
    ]


def _spec(version: str, **parts: Any) -> Spec:
    return Spec.model_validate({"model": {"name": "churn", "version": version}, **parts})


def _resting(**parts: Any) -> World:
    """Version 1 is champion, and nothing is left to do."""
    world = World(rate=50, seed=1)
    world.register("1")
    world.commit(_spec("1", **parts))
    world.settle("1")
    return world


def _tried(phase: Phase) -> World:
    """Version 2 came to this phase half a minute ago, or just now where it would have left it."""
    world = _resting(**PARTS)
    world.register("2")
    world.commit(_spec("2", **PARTS))
    world.reach(phase, at_once=True)
    world.run(timedelta(seconds=1 if phase is Phase.STARTING else 30))
    return world


def _rejected() -> World:
    world = _tried(Phase.CANARY)
    world.behaviour("2").bad_share = 0.5
    world.reach(Phase.REJECTED)
    return world


def _blocked() -> World:
    world = _resting()
    world.register("2", metrics={"auc": 0.6})
    world.commit(_spec("2", gates=GATES))
    world.reach(Phase.BLOCKED)
    return world
