"""A registry gets another address: the same versions are there, and what was decided of them stands."""

from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.core.fingerprints import OF_SERVING
from podium.simulation.world.world import URI
from tests.stories.simulator import SECOND, Simulation, registry_at, resting, spec_of

MINUTE = timedelta(minutes=1)
ROLLOUT = {"steps": [{"weight": 25, "duration": "10s"}, {"weight": 50, "duration": "10s"}], "soak": "1m"}
LONGER = "http://mlflow.ml.svc.cluster.local:5000"


def desired(version: str = "1", uri: str | None = None, **parts: Any) -> Spec:
    return spec_of(version, **{"rollout": ROLLOUT, **registry_at(uri), **parts})


def settled(**parts: Any) -> Simulation:
    return resting(desired(**parts))


def rejected(**behaviour: Any) -> Simulation:
    """Version 2 has lost its trial."""
    sim = settled()
    sim.register("2", **(behaviour or {"bad_share": 0.5}))
    sim.commit(desired("2"))
    sim.reach(Phase.REJECTED)
    sim.run(5 * SECOND)
    return sim


@pytest.mark.parametrize("uri", [f"{URI}/", URI.upper().replace("HTTP", "http"), LONGER])
def test_a_rejection_stands_at_every_address_that_git_names(uri: str) -> None:
    sim = rejected()
    sim.commit(desired("2", uri))
    sim.run(2 * MINUTE)
    assert sim.status.phase is Phase.REJECTED
    assert [lost.version for lost in sim.status.rejected] == ["2"]
    assert sim.champion() == "1"


def test_a_rejection_stands_where_the_operator_names_another_address() -> None:
    sim = rejected()
    sim.move_registry(LONGER)
    sim.run(2 * MINUTE)
    assert sim.status.phase is Phase.REJECTED
    assert sim.champion() == "1"


def test_a_suspicion_goes_on_at_another_address() -> None:
    """Whose fault a failed guard was is still open when Git names the longer address."""
    sim = settled()
    sim.register("2", bad_share=0.5)
    sim.commit(desired("2"))
    sim.until(lambda world: world.status.suspected is not None)
    sim.commit(desired("2", LONGER))
    sim.reach(Phase.REJECTED)
    assert [lost.version for lost in sim.status.rejected] == ["2"]
    assert sum("run slot b: version 2" in line for line in sim.log) == 1


def test_what_could_not_be_loaded_is_tried_from_another_registry_that_git_names() -> None:
    sim = rejected(crash_after=1.0)
    assert sim.status.rejected[-1].reason in OF_SERVING
    sim.commit(desired("2", LONGER))
    sim.reach(Phase.STARTING)
