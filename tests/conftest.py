"""What all tests share: the real cluster, and a namespace of one's own on it.

A test that takes one of these fixtures carries the marker `cluster`. It is skipped where no cluster is running, but
never in CI (CI=true), which starts one.

With several processes (`pytest -n 3`), one begins with the tests that have the cluster to themselves, another with
those that need no cluster. Then they share the rest, one test at a time (`tests/turns.py`). Where no test needs the
cluster, they share the files.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from testbed import places
from testbed.cluster import Cluster
from testbed.errors import TestbedError
from tests.kubectl import Kubectl
from tests.turns import Turns

# No operator is asked for anything here, nor disturbed.
WITHOUT_OPERATOR = ("tests/e2e/test_chart.py", "tests/e2e/test_cluster.py", "tests/e2e/test_crd.py")
# What stops the operator or MLflow, or watches every write.
ALONE = tuple(
    f"tests/e2e/test_{name}.py"
    for name in ("at_rest", "chart_demo", "demo", "operator", "registry_down", "restarts", "upgrade")
)
# One ModelDeployment goes from test to test.
IN_ORDER = "tests/e2e/test_guards.py"
LATENCIES = ("17-guard-latency", "passes_every_guard")  # what the names of tests have that measure latencies
FOLLOWED_BY = pytest.StashKey[str]()
CRDS = Path(__file__).parent.parent / "crds"


def uses_the_cluster(nodeid: str) -> bool:
    """Whether a test may use the cluster, as far as its name tells; a test that carries the marker always does."""
    of_contract = nodeid.startswith("tests/contract/") and ("[real" in nodeid or nodeid.endswith("-real]"))
    return nodeid.startswith("tests/e2e/") or of_contract


def pytest_itemcollected(item: pytest.Item) -> None:
    """Refuse a test whose name does not tell that it uses the cluster."""
    if item.get_closest_marker("cluster") and not uses_the_cluster(item.nodeid):
        raise pytest.UsageError(
            f"{item.nodeid} uses the cluster: it belongs into tests/e2e, or is a kind named 'real' of a contract"
        )


def runs_alone(nodeid: str) -> bool:
    """Whether a test has the cluster to itself. The contract suites play the operator's part, so that none may run."""
    if nodeid.startswith(IN_ORDER):
        return any(name in nodeid for name in LATENCIES)
    return uses_the_cluster(nodeid) and nodeid.startswith((*ALONE, "tests/contract/"))


def unit_of_work(nodeid: str) -> str:
    """What goes to one process as a whole: tests under the same name."""
    if not uses_the_cluster(nodeid):
        return "0 machine"
    if nodeid.startswith(IN_ORDER):
        return "2 in order"
    if runs_alone(nodeid):
        return "1 alone"
    return "2 without operator" if nodeid.startswith(WITHOUT_OPERATOR) else f"3 {nodeid}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest units first: these are what the processes begin with."""
    items.sort(key=lambda item: unit_of_work(item.nodeid)[0])


class ByPlace(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Units of work, in the order of the items; files, those with the most tests first, where none uses the cluster."""

    def schedule(self) -> None:
        self.config.option.loadscopereorder = not self._for_the_cluster()
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return unit_of_work(nodeid) if self._for_the_cluster() else nodeid.partition("::")[0]

    def _for_the_cluster(self) -> bool:
        return any(uses_the_cluster(nodeid) for nodeids in self.registered_collections.values() for nodeid in nodeids)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPlace:
    return ByPlace(config, log)


@pytest.fixture(scope="session")
def turns() -> Turns:
    """This process's turns on the shared cluster."""
    return Turns(places.folder("locks"))


@pytest.fixture(scope="session")
def kept() -> Iterator[ExitStack]:
    """The turn alone that a process keeps from one test to the next."""
    with ExitStack() as turn:
        yield turn


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Note which test comes after this one."""
    item.stash[FOLLOWED_BY] = nextitem.nodeid if nextitem is not None else ""


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that uses the operator waits for its turn, and keeps it until all it made is gone.

    Tests that run alone one after the other have one turn: between any two of them the others would have to end what
    they are at, and begin again, so that most of the time one process would work and the others wait.
    """
    nodeid = request.node.nodeid
    if not uses_the_cluster(nodeid) or nodeid.startswith(WITHOUT_OPERATOR):
        yield
        return
    turns: Turns = request.getfixturevalue("turns")
    kept: ExitStack = request.getfixturevalue("kept")
    with turns.alone() if runs_alone(nodeid) else turns.together():
        yield
        kept.close()
        if runs_alone(nodeid) and runs_alone(request.node.stash[FOLLOWED_BY]):
            kept.enter_context(turns.alone())


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster of `make cluster-up`. All tests share it."""
    shared = Cluster()
    if os.environ.get("CI") == "true":
        shared.up()
        return shared
    try:
        reason = shared.why_not_ready()
    except TestbedError as error:
        reason = str(error)
    if reason:
        pytest.skip(f"{reason}; do: make cluster-up")
    return shared


@pytest.fixture(scope="session")
def crd(cluster: Cluster) -> str:
    """The name of ModelDeployments' CustomResourceDefinition; it, and the others, are installed and served."""
    name = "modeldeployments.podium.dev"
    cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={CRDS}")
    for each in (name, "providers.podium.dev", "alerts.podium.dev", "podiumpolicies.podium.dev"):
        cluster.wait_for_crd(each)
    return name


@contextmanager
def a_namespace(cluster: Cluster) -> Iterator[str]:
    """A new namespace, where only pods with restricted security may run. It is removed afterwards."""
    name = f"test-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def namespace(cluster: Cluster, crd: str) -> Iterator[str]:
    """A namespace of the test's own."""
    with a_namespace(cluster) as name:
        yield name


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str) -> Kubectl:
    """kubectl in the test's own namespace."""
    return Kubectl(cluster, namespace)
