"""Views of the simulated world, one for each port, shipped for users' tests too.

Each is held to its port's contract by the suite in `tests/contract`, which runs against it and the real thing.
"""

from podium.simulation.world.clock import FakeClock, settle
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.gates import FakeGateJobs, FakeWebhooks, JobBehaviour
from podium.simulation.world.lease import FakeLease
from podium.simulation.world.metrics_store import FakeMetricsStore
from podium.simulation.world.pod_metrics import FakePodMetrics
from podium.simulation.world.pods import Behaviour
from podium.simulation.world.policies import FakePolicies
from podium.simulation.world.receivers import FakeAlerting, FakeNotifier
from podium.simulation.world.registry import PASSWORD, USERNAME, FakeModel, FakeRegistry, FakeVersion
from podium.simulation.world.router import FakeRouter

__all__ = [
    "PASSWORD",
    "USERNAME",
    "Behaviour",
    "FakeAlerting",
    "FakeClock",
    "FakeCluster",
    "FakeGateJobs",
    "FakeLease",
    "FakeMetricsStore",
    "FakeModel",
    "FakeNotifier",
    "FakePodMetrics",
    "FakePolicies",
    "FakeRegistry",
    "FakeRouter",
    "FakeVersion",
    "FakeWebhooks",
    "JobBehaviour",
    "settle",
]
