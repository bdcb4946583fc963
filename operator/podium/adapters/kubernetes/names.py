"""Names that the objects in the cluster carry: labels, annotations, the field manager, paths of the API."""

from typing import Final
from urllib.parse import quote

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.manifest import GROUP, LABEL, PLURAL, VERSION_NAME

FIELD_MANAGER: Final = "podium"
FINALIZER: Final = "podium.dev/route"  # on ModelDeployments that adopt a route: it is given back first

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
APP_NAME: Final = "app.kubernetes.io/name"
DEPLOYMENT: Final = LABEL
SLOT: Final = "podium.dev/slot"
VERSION: Final = "podium.dev/version"
REGISTRY: Final = "podium.dev/registry"
MODEL: Final = "podium.dev/model"
LOGIN: Final = "podium.dev/login"  # the Secret with the login for that registry
DIGEST: Final = "podium.dev/digest"
TRIAL_NUMBER: Final = "podium.dev/trial-number"  # of the trial that started the slot's pods
LATENCY_LIMITS: Final = "podium.dev/latency-limits"  # seconds, where the latency histogram has edges of its own
GATE: Final = "podium.dev/gate"
GATE_OF: Final = "podium.dev/gate-of"  # on pods of gates: the label of slots would make them endpoints
RENDERED: Final = "podium.dev/rendered"  # fingerprint of what was applied, so that a removed field is noticed
TEMPLATE: Final = "podium.dev/template"  # the pod template as Podium last made it, on slots
REVISION: Final = "podium.dev/template-revision"  # which one that is, as the status has it
POD_REVISION: Final = "podium.dev/pod-template-revision"  # which one a pod was made from, on pods
RELOAD: Final = "podium.dev/reload"  # InPlace on pods that load what their slot's ConfigMap names
RENEWED: Final = "podium.dev/renewed"  # in their template: the pod that could not, for which all were replaced
TOLD: Final = "podium.dev/told"  # on such pods: what the ConfigMap named, written so that kubelet brings it at once
DRAWN: Final = "x-podium-drawn"  # of a request: whether its side was drawn for it, and not by a cookie
PER_CONNECTION: Final = "x-podium-requests-per-connection"  # told to pods that are asked for their metrics
SHADOW: Final = "x-podium-shadow"  # told to them, too: what is copied to which challenger
SESSION_AFFINITY: Final = "podium.dev/session-affinity"  # the trial whose users stay on their side, on an HTTPRoute
TRIAL: Final = "podium.dev/trial"  # the trial that traffic was last written for, on a Service or HTTPRoute
WEIGHTS: Final = "podium.dev/weights"
PREVIEW: Final = "podium.dev/preview"  # the slot that testers reach, on an HTTPRoute
SERVICE_NAME: Final = "kubernetes.io/service-name"  # set by Kubernetes on EndpointSlices

CONTAINER: Final = "model"
GATE_CONTAINER: Final = "gate"
PORT: Final = 8080

DEPLOYMENTS: Final = "/apis/apps/v1/namespaces/{}/deployments"
AUTOSCALERS: Final = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"
JOBS: Final = "/apis/batch/v1/namespaces/{}/jobs"
DISRUPTION_BUDGETS: Final = "/apis/policy/v1/namespaces/{}/poddisruptionbudgets"
SERVICES: Final = "/api/v1/namespaces/{}/services"
PODS: Final = "/api/v1/namespaces/{}/pods"
CONFIG_MAPS: Final = "/api/v1/namespaces/{}/configmaps"
SECRETS: Final = "/api/v1/namespaces/{}/secrets"
HTTP_ROUTES: Final = "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes"
TRAFFIC_POLICIES: Final = "/apis/gateway.envoyproxy.io/v1alpha1/namespaces/{}/backendtrafficpolicies"
GATEWAY_API: Final = "/apis/gateway.networking.k8s.io/v1"
ENDPOINT_SLICES: Final = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
EVENTS: Final = "/apis/events.k8s.io/v1/namespaces/{}/events"
LEASES: Final = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
OF_GROUP: Final = f"/apis/{GROUP}/{VERSION_NAME}"
MODEL_DEPLOYMENTS: Final = f"/apis/{GROUP}/{VERSION_NAME}/namespaces/{{}}/{PLURAL}"
ALL_MODEL_DEPLOYMENTS: Final = f"/apis/{GROUP}/{VERSION_NAME}/{PLURAL}"


def path(collection: str, namespace: str, name: str = "", subresource: str = "") -> str:
    """The path of a collection or of one object in it, safe whatever the names hold."""
    parts = [collection.format(quote(namespace, safe="")), quote(name, safe=""), subresource]
    return "/".join(part for part in parts if part)


def slot_name(name: str, slot: Slot) -> str:
    """The name of the slot's Deployment, Service, PodDisruptionBudget, and of the ConfigMap that its pods follow."""
    return f"{name}-{slot}"


def job_name(name: str, request_id: str) -> str:
    """The name of the Job that answers a gate's request: at most 63 characters, for it becomes a label."""
    return f"{name}-{request_id[:12]}"
