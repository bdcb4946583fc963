"""The simulated world with one ModelDeployment in it, as the stories tell it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from podium.api.v1alpha1.manifest import ModelDeploymentManifest
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.errors import Unavailable
from podium.simulation.world.clients import NO_POD
from podium.simulation.world.faults import KINDS, Kind
from podium.simulation.world.promises import holds
from podium.simulation.world.world import World

__all__ = ["NO_POD", "SECOND", "Simulation", "holds", "registry_at", "resting", "spec_of"]
SECOND = timedelta(seconds=1)


def spec_of(version: str = "1", **parts: object) -> Spec:
    """A spec as YAML would give it; parts replace whole sections."""
    body: dict[str, object] = {"model": {"name": "churn", "version": version}, **parts}
    given = {
        "apiVersion": "podium.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "churn"},
        "spec": body,
    }
    return ModelDeploymentManifest.model_validate(given).spec


def registry_at(uri: str | None) -> dict[str, object]:
    """The part of a spec that names this registry; none where the operator's is meant."""
    return {"registry": {"uri": uri}} if uri else {}


class Simulation(World):
    """A world in which Git says this from the first moment."""

    def __init__(
        self,
        spec: Spec,
        *,
        rate: float = 50,
        seed: int = 1,
        chaos: float = 0.0,
        kinds: Sequence[Kind] = KINDS,
        beside: "Simulation | None" = None,
    ) -> None:
        """`beside` is a world whose registry this one shares, as another cluster does."""
        super().__init__(
            rate=rate, seed=seed, chaos=chaos, kinds=kinds, registry=beside.registry if beside is not None else None
        )
        self.commit(spec)

    def stop_scraping(self) -> None:
        """No pod can be asked any more, as behind strict mTLS."""

        async def unreachable(*_: Any, **__: Any) -> Any:
            raise Unavailable("mTLS")

        self.pod_metrics.ask = unreachable  # type: ignore[method-assign]

    def scrape_again(self) -> None:
        """All pods can be asked as before."""
        del self.pod_metrics.ask


def tried(phase: Phase, **parts: Any) -> Simulation:
    """Version 1 is champion, and version 2 has come to this phase a second ago."""
    sim = Simulation(spec_of("1", **parts))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(spec_of("2", **parts), "version 2")
    sim.reach(phase, at_once=True)
    sim.run(SECOND)
    return sim


def resting(spec: Spec) -> Simulation:
    """Version 1 is champion by this spec, and nothing is left to do."""
    sim = Simulation(spec)
    sim.register("1")
    sim.settle("1")
    sim.run(3 * SECOND)
    return sim
