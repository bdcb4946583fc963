"""Another operator with another default image, on the real cluster: three champions serve, and take turns with it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from podium.api.v1alpha1.status import Phase, Status
from testbed.cluster import Cluster
from testbed.waiting import wait_until
from tests.e2e.conftest import OPERATOR, Mlflow, Operator
from tests.e2e.rollout import Rollout, clients
from tests.kubectl import Kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
RATE = 17  # requests a second, for each of three
QUICK = {
    "steps": [{"weight": 50, "duration": "1s"}],
    "soak": "1s",
    "guards": [{"name": "errors", "errorRate": {"atMost": "10%"}}],
}
SERVING = {"replicas": 1, "drain": "3s", "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}}}


@pytest.fixture
def three(rollout: Rollout, mlflow: Mlflow, ports: Iterator[int]) -> list[Rollout]:
    """Three ModelDeployments with a champion, in turn by name."""
    kubectl = rollout.kubectl
    found = [rollout, *(Rollout(kubectl, mlflow.model, next(ports), name) for name in ("churn-eu", "churn-us"))]
    for each in found:
        alias = {"aliases": {"champion": f"{each.name}-{kubectl.namespace}"}}
        each.apply("1", registry=alias, rollout=QUICK, serving=SERVING)
    for each in found:
        each.settle("1")
    return found


@pytest.fixture
def upgraded(cluster: Cluster, operator: Operator, images: dict[str, str]) -> Iterator[Callable[[], str]]:
    """Installs an operator whose default image has another name, and what was there again afterwards."""
    now, another = images["runtime"], f"{images['runtime'].rpartition(':')[0]}:upgraded"

    def upgrade() -> str:
        for node in cluster.nodes():
            cluster.on_node(node, "ctr", "--namespace=k8s.io", "images", "tag", "--force", now, another)
        install(operator.kubectl, another)
        return another

    yield upgrade
    install(operator.kubectl, now)


def install(kubectl: Kubectl, image: str) -> None:
    kubectl("set", "env", f"deployment/{OPERATOR}", f"PODIUM_RUNTIME_IMAGE={image}")
    kubectl("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", timeout=150)


def test_an_upgrade_reaches_three_champions_one_after_the_other_and_no_request_fails(
    three: list[Rollout], upgraded: Callable[[], str], rows: list[bytes]
) -> None:
    seen: list[list[Status]] = []
    with ExitStack() as stack:
        ledgers = [stack.enter_context(clients(each.port, rows, rate=RATE)) for each in three]
        image = upgraded()

        def all_have_it() -> bool:
            statuses = all_at_once(three)
            seen.append(statuses)
            return all(_rests_with(status, image) for status in statuses)

        wait_until("all three have the new image", all_have_it, 240, interval=0.2)
    assert [(each.status, each.trouble) for ledger in ledgers for each in ledger.failures] == []
    assert max(sum(status.trial is not None for status in statuses) for statuses in seen) == 1
    assert {_ready(status) for statuses in seen for status in statuses} == {"True"}
    print(f"{sum(ledger.requests for ledger in ledgers)} requests, none failed")


def all_at_once(three: list[Rollout]) -> list[Status]:
    """Their statuses of one moment: read one after the other, two seem to be on trial."""
    return [Status.model_validate(each["status"]) for each in three[0].kubectl.get("md")["items"]]


def _rests_with(status: Status, image: str) -> bool:
    champion = status.champion
    if champion is None or champion.template is None or status.phase is not Phase.STABLE:
        return False
    return champion.template.image == image


def _ready(status: Status) -> str:
    return next(condition.status for condition in status.conditions if condition.type == "Ready")
