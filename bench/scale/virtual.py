"""Virtual ModelDeployments at rest, each with all that Podium would have made for it, as an API server has it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from podium.adapters.kubernetes import names, render
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.adapters.kubernetes.render import Owner
from podium.api.v1alpha1.manifest import API_VERSION, KIND
from podium.api.v1alpha1.policy import POLICY_PLURAL
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned
from podium.core.digest import digest_of

Json = dict[str, Any]
ROOT: Final = Path(__file__).parents[2]
Rest = Literal["stable", "missing"]
NAMESPACE: Final = "bench"
POLICY: Final = ROOT / "manifests/policy.yaml"  # which every installation begins with
IMAGE: Final = "podium-runtime:bench"
PER_MODEL: Final = 5  # ModelDeployments of one registered model
FILES: Final = {"MLmodel": b"flavors: {}\n"}
DIGEST: Final = digest_of({path: hashlib.sha256(content).hexdigest() for path, content in FILES.items()})
_BEGAN: Final = "2026-01-05T09:00:00Z"


def model_of(number: int) -> str:
    """The registered model of this ModelDeployment."""
    return f"model-{number // PER_MODEL}"


def name_of(number: int) -> str:
    """Its own name."""
    return f"md-{number}"


def objects(number: int, rest: Rest, registry: str) -> Iterator[tuple[str, Json]]:
    """The collection and the object, for all that there is of this ModelDeployment.

    One that is `stable` serves version 1 with one pod. One that is `missing` names a model that is not in the registry.
    """
    name, uid = name_of(number), f"uid-{number}"
    given = {
        "model": {"name": model_of(number) if rest == "stable" else f"none-{number}", "version": "1"},
        "serving": {"replicas": 1},
        "registry": {"aliases": {"champion": f"champion-{name}"}},
        "gates": [],
    }
    status: Json = {}
    if rest == "stable":
        owner, spec, defaults = Owner(NAMESPACE, name, uid), Spec.model_validate(given), Defaults(IMAGE, registry)
        pinned = Pinned(
            registry=registry,
            model=model_of(number),
            version="1",
            digest=DIGEST,
            slot="a",
            template=render.pod_template(owner, spec, defaults),
        )
        status = {
            "phase": "Stable",
            "phaseSince": _BEGAN,
            "champion": _json(pinned.model_dump(mode="json", by_alias=True)),
        }
        yield from _owned(owner, spec, pinned, defaults)
    metadata = {"namespace": NAMESPACE, "name": name, "uid": uid, "generation": 1, "creationTimestamp": _BEGAN}
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": given, "status": status}
    yield names.MODEL_DEPLOYMENTS, body


def cluster() -> Iterator[tuple[str, Json]]:
    """The collection and the object, for what is there once: the namespace, and what an installation permits it."""
    yield "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {}}}
    yield f"{names.OF_GROUP}/{POLICY_PLURAL}", yaml.safe_load(POLICY.read_text())


def page_of(pod: str) -> str:
    """What the pod says of itself, at /metrics."""
    del pod  # each of them serves the same
    return f'podium_model_info{{version="1",digest="{DIGEST}"}} 1\npodium_requests_total{{outcome="ok"}} 100\n'


def _owned(owner: Owner, spec: Spec, pinned: Pinned, defaults: Defaults) -> Iterator[tuple[str, Json]]:
    pods = render.template(owner, spec, pinned, defaults)
    deployment = render.deployment(owner, spec, pinned, 1, pods)
    rolled_out = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    yield names.DEPLOYMENTS, _made(deployment, status=rolled_out)
    yield names.SERVICES, _made(render.slot_service(owner, spec, "a"))
    yield names.SERVICES, _made(render.main_service(owner, spec, {"a": 100, "b": 0}))
    yield names.DISRUPTION_BUDGETS, _made(render.disruption_budget(owner, spec, pinned, pods))
    pod = f"{owner.name}-a-pod"
    ready = [{"type": each, "status": "True"} for each in ("PodScheduled", "ContainersReady", "Ready")]
    metadata = {**_json(pods["metadata"]), "name": pod, "namespace": owner.namespace}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pods["spec"]}
    yield names.PODS, _made(body, status={"phase": "Running", "podIP": "10.0.0.1", "conditions": ready})
    slices = {names.SERVICE_NAME: owner.name, names.DEPLOYMENT: owner.name}
    yield (
        names.ENDPOINT_SLICES,
        _made(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": f"{owner.name}-1", "namespace": owner.namespace, "labels": slices},
                "addressType": "IPv4",
                "endpoints": [{"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "uid": f"uid-{pod}"}}],
            }
        ),
    )


def _made(rendered: Json, *, status: Json | None = None) -> Json:
    """As the API server has it: with a uid, and a generation."""
    made = _json(rendered)
    made["metadata"] = {**made["metadata"], "uid": f"uid-{made['metadata']['name']}", "generation": 1}
    return made if status is None else {**made, "status": status}


def _json(given: Any) -> Any:
    return json.loads(json.dumps(given, default=str))
