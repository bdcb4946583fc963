"""A short walk of generated changes; `make bench-walks` takes three hundred steps."""

from collections.abc import Iterator
from itertools import islice
from uuid import uuid4

import pytest

from bench.walks.ground import Ground
from bench.walks.steps import steps
from bench.walks.walker import Walker
from demo import stage
from testbed.cluster import Cluster
from tests.e2e.conftest import Mlflow, Operator
from tests.kubectl import Kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SEED, STEPS = 258, 7


@pytest.fixture
def ground(operator: Operator, mlflow: Mlflow, kubectl: Kubectl, ports: Iterator[int]) -> Iterator[Ground]:
    """Models of its own, and a namespace whose ModelDeployment is gone before the next test begins."""
    model = f"walks-{uuid4().hex[:6]}"
    ground = Ground(model, f"{model}-other", kubectl.namespace, next(ports))
    stage.register_models(print, "bench.walks.models", ground.model, ground.other)
    yield ground
    kubectl("delete", "modeldeployment", "--all", "--cascade=foreground", "--timeout=120s", timeout=150)


async def test_each_step_of_a_walk_ends_and_the_last_good_champion_answers(cluster: Cluster, ground: Ground) -> None:
    tally = await Walker(cluster, ground, print).walk(islice(steps(ground, SEED), STEPS))
    assert tally.violations == []
    assert sum(tally.ends.values()) == STEPS
    assert set(tally.ends) == {"ready", "stalled", "refused"}
    assert tally.requests
