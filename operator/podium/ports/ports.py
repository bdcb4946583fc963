"""All ports of one operator, together."""

from dataclasses import dataclass

from podium.ports.clock import Clock
from podium.ports.cluster import Cluster
from podium.ports.gate_jobs import GateJobs
from podium.ports.hints import Hints
from podium.ports.lease import LeaseStore
from podium.ports.metrics_store import MetricsStore
from podium.ports.notifications import Alerting, Notifier
from podium.ports.pod_metrics import PodMetrics
from podium.ports.policies import Policies
from podium.ports.registry import Registry
from podium.ports.router import Router
from podium.ports.webhooks import Webhooks


@dataclass(frozen=True)
class Ports:
    """The outside systems: real ones in a process, those of the simulated world in tests and in `podium simulate`."""

    cluster: Cluster
    router: Router
    pod_metrics: PodMetrics
    metrics_store: MetricsStore | None  # None where the operator knows of no Prometheus
    registry: Registry
    lease: LeaseStore
    clock: Clock
    jobs: GateJobs
    webhooks: Webhooks
    alerting: Alerting
    notifier: Notifier
    policies: Policies
    hints: Hints | None = None  # None where nothing is watched: everything is read afresh then
