"""The outside world as the controller needs it: small Protocols, one module a subject.

Fakes of each ship in `podium.testing`. What belongs here: the Protocols and the values that only they exchange.
What does not: any implementation (`podium.adapters`), any decision.
"""

from podium.ports.clock import Clock
from podium.ports.cluster import AliasClaim, Cluster, ModelDeployment
from podium.ports.gate_jobs import GateJobs
from podium.ports.hints import Hints, Listed, Listener, NotKnown
from podium.ports.lease import LeaseState, LeaseStore
from podium.ports.metrics_store import MetricsStore, Totals
from podium.ports.notifications import Alert, Alerting, Notification, Notifier, Provider
from podium.ports.pod_metrics import PodMetrics, PodReport
from podium.ports.policies import Policies
from podium.ports.ports import Ports
from podium.ports.registry import NO_MODEL, Registry, RegistryLogin, RegistryQuery
from podium.ports.router import Router
from podium.ports.webhooks import WebhookCall, Webhooks, WebhookVerdict

__all__ = [
    "NO_MODEL",
    "Alert",
    "Alerting",
    "AliasClaim",
    "Clock",
    "Cluster",
    "GateJobs",
    "Hints",
    "LeaseState",
    "LeaseStore",
    "Listed",
    "Listener",
    "MetricsStore",
    "ModelDeployment",
    "NotKnown",
    "Notification",
    "Notifier",
    "PodMetrics",
    "PodReport",
    "Policies",
    "Ports",
    "Provider",
    "Registry",
    "RegistryLogin",
    "RegistryQuery",
    "Router",
    "Totals",
    "WebhookCall",
    "WebhookVerdict",
    "Webhooks",
]
