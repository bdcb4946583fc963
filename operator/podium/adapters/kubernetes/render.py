"""The objects that Podium owns, made from what Git says. Pure: the same input always gives the same object.

Shape: functions return JSON objects for server-side apply. Only fields that Podium has an opinion on are in them, so
that a person may set the others (the session affinity of the main Service, say) and keep them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.pod_specs import (
    Defaults,
    Json,
    Names,
    gate_pod,
    latency_limits,
    model_of,
    pod,
)
from podium.api.v1alpha1.evidence import ARM_SLOTS, Slot
from podium.api.v1alpha1.manifest import API_VERSION, KIND
from podium.api.v1alpha1.source import address
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.spec.traffic import MainService
from podium.api.v1alpha1.status import Pinned, PodTemplate
from podium.core.actions import RunJob
from podium.core.facts import other_than
from podium.core.fingerprints import template_hash

# Nothing in Kubernetes reads these, but the scrape configurations that most Prometheus servers come with do. On pods
# only: on Services too, those servers would count everything twice. spec.serving.annotations may say otherwise.
SCRAPE: Final = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": str(names.PORT),
    "prometheus.io/path": "/metrics",
}
_LABEL_LIMIT: Final = 63
_KEPT: Final = 86_400  # seconds that a finished Job is kept for its log


@dataclass(frozen=True)
class Owner:
    """The ModelDeployment that everything made for it belongs to, and is garbage-collected with."""

    namespace: str
    name: str
    uid: str


def template(owner: Owner, spec: Spec, pinned: Pinned, defaults: Defaults, champion: Pinned | None = None) -> Json:
    """The template of the slot's pods. Those that reload in place are not made again for another version."""
    labels, annotations = _labels_of_version(owner, spec, pinned), identity_of(pinned)
    if spec.serving.reload == "InPlace":
        labels[names.RELOAD] = "InPlace"
        del labels[names.VERSION], annotations[names.DIGEST]
    if pinned.template is not None:  # while Kubernetes replaces pods of an older one, each says which one it has
        annotations[names.POD_REVISION] = pinned.template.revision
    other = champion.slot if pinned.slot in ARM_SLOTS and champion is not None else other_than(pinned.slot)
    beside = names.slot_name(owner.name, other)
    made = pod(spec, pinned, defaults, Names(names.slot_name(owner.name, pinned.slot), beside))
    return {
        "metadata": {"labels": labels, "annotations": {**SCRAPE, **spec.serving.annotations, **annotations}},
        "spec": {**made, "topologySpreadConstraints": [_spread(owner, pinned.slot)]},
    }


def pod_template(owner: Owner, spec: Spec, defaults: Defaults) -> PodTemplate:
    """Which template the pods of any version are made from now: what is the version's own is left out.

    The address of the registry is no version's own: pods that load from another one are made from another template.
    """
    made = template(owner, spec, _any_version(spec, defaults), defaults)
    text = json.dumps(made, sort_keys=True, separators=(",", ":"), default=str)
    return PodTemplate(
        revision=hashlib.sha256(text.encode()).hexdigest()[:10],
        spec_hash=template_hash(spec),
        image=spec.serving.image or defaults.image,
    )


def _any_version(spec: Spec, defaults: Defaults) -> Pinned:
    registry = address(spec.registry.uri or defaults.registry_uri)
    source = {"registry": registry, "model": "any", "login": spec.registry.secret_name}
    return Pinned(**source, version="0", digest="", slot="a")


def deployment(owner: Owner, spec: Spec, pinned: Pinned, replicas: int, pods: Json) -> Json:
    """The slot's Deployment: this version, so many pods of this template.

    It carries the template a second time, and so does the slot's PodDisruptionBudget: the pods can be made again as
    they were when the spec, or what Podium would make of it, is another one, and when one of the two was deleted.
    """
    return owned_object(
        owner,
        names.slot_name(owner.name, pinned.slot),
        kind=("apps/v1", "Deployment"),
        labels=_labels_of_version(owner, spec, pinned),
        annotations={**identity_of(pinned), **_kept(pinned, pods)},
        spec={
            "replicas": replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": _of_slot(owner, pinned.slot)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": pods,
        },
    )


def slot_service(owner: Owner, spec: Spec, slot: Slot) -> Json:
    """The Service of one slot: for looking at one version, and for routers that weigh Services."""
    return _service(owner, names.slot_name(owner.name, slot), labels_of(owner, spec, slot), {}, _of_slot(owner, slot))


def disruption_budget(owner: Owner, spec: Spec, pinned: Pinned, pods: Json) -> Json:
    """Drains and evictions take one pod of the slot at a time. With one pod it forbids nothing."""
    return owned_object(
        owner,
        names.slot_name(owner.name, pinned.slot),
        kind=("policy/v1", "PodDisruptionBudget"),
        labels=labels_of(owner, spec, pinned.slot),
        annotations=_kept(pinned, pods),
        spec={
            "maxUnavailable": 1,
            "selector": {"matchLabels": _of_slot(owner, pinned.slot)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",  # a version that never gets ready must not hold up a drain
        },
    )


def _spread(owner: Owner, slot: Slot) -> Json:
    """A slot's pods go to different nodes as far as they can: one node's end is not the end of them all.

    It is there for one pod too, to which it says nothing: otherwise scaling from one to two would replace the first.
    """
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": _of_slot(owner, slot)},
    }


def main_service(owner: Owner, spec: Spec, weights: Mapping[Slot, int], trial: str = "") -> Json:
    """The Service that clients use: one slot's pods, or both slots' where both have a share."""
    service = spec.traffic.service
    annotations = {**service.annotations, names.WEIGHTS: format_weights(weights), **of_trial(trial)}
    selector = selector_for(owner.name, weights)
    return _service(owner, owner.name, labels_of(owner, spec), annotations, selector, main=service)


def of_trial(trial: str) -> Mapping[str, str]:
    """The annotation of a Service or HTTPRoute that is written for a trial."""
    return {names.TRIAL: trial} if trial else {}


def gate_job(owner: Owner, spec: Spec, action: RunJob, defaults: Defaults) -> Json:
    """The Job that answers a gate's request: the same pod as the model server's, as far as privileges go."""
    labels = labels_of(owner, spec) | {names.GATE: action.gate, names.VERSION: action.pinned.version}
    of_pods = {name: value for name, value in labels.items() if name != names.DEPLOYMENT} | {names.GATE_OF: owner.name}
    return owned_object(
        owner,
        names.job_name(owner.name, action.request_id),
        kind=("batch/v1", "Job"),
        labels=labels,
        annotations=identity_of(action.pinned),
        spec={
            "backoffLimit": action.job.retries,
            "activeDeadlineSeconds": ceil(action.job.timeout.total_seconds()),
            "ttlSecondsAfterFinished": _KEPT,
            "template": {
                "metadata": {"labels": of_pods, "annotations": identity_of(action.pinned)},
                "spec": gate_pod(spec, action, defaults),
            },
        },
    )


def _of_slot(owner: Owner, slot: Slot) -> dict[str, str]:
    """The labels by which the slot's pods are known."""
    return {names.DEPLOYMENT: owner.name, names.SLOT: slot}


def selector_for(name: str, weights: Mapping[Slot, int]) -> dict[str, str]:
    """The main Service's selector for these shares: it names a slot where all the traffic is on one."""
    slots = [slot for slot, weight in weights.items() if weight > 0]
    return {names.DEPLOYMENT: name} | ({names.SLOT: slots[0]} if len(slots) == 1 else {})


def format_weights(weights: Mapping[Slot, int]) -> str:
    """Weights as the annotation has them: `a=95,b=5`."""
    return ",".join(f"{slot}={weights[slot]}" for slot in sorted(weights))


def fingerprint(rendered: Json) -> str:
    """A short hash of an object without its replicas, which change with every step."""
    spec = {key: value for key, value in rendered["spec"].items() if key != "replicas"}
    text = json.dumps({**rendered, "spec": spec}, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def owned_object(
    owner: Owner, name: str, *, kind: tuple[str, str], labels: Json, annotations: Json, spec: Json
) -> Json:
    """An object that belongs to the ModelDeployment, and goes with it."""
    made: Json = {
        "apiVersion": kind[0],
        "kind": kind[1],
        "metadata": {
            "name": name,
            "namespace": owner.namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": spec,
    }
    made["metadata"]["annotations"] = {**annotations, names.RENDERED: fingerprint(made)}
    return made


def owner_reference(owner: Owner) -> Json:
    """What makes Kubernetes delete an object together with its ModelDeployment."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": False,  # true needs the right to set finalizers on ModelDeployments
    }


def _service(
    owner: Owner,
    name: str,
    labels: Json,
    annotations: Json,
    selector: dict[str, str],
    *,
    main: MainService = MainService(),  # noqa: B008  a frozen value
) -> Json:
    port: Json = {"name": "http", "port": main.port, "protocol": "TCP", "targetPort": "http"}
    if main.node_port is not None:  # where it is left out, the one that Kubernetes picked stays
        port["nodePort"] = main.node_port
    spec = {"type": main.type, "selector": selector, "ports": [port]}
    return owned_object(owner, name, kind=("v1", "Service"), labels=labels, annotations=annotations, spec=spec)


def labels_of(owner: Owner, spec: Spec, slot: Slot | None = None) -> dict[str, str]:
    """The labels of an object, and of a slot's where one is named."""
    labels = {
        names.MANAGED_BY: "podium",
        names.APP_NAME: _label_value(spec.model.name),
        names.DEPLOYMENT: owner.name,
    }
    return labels if slot is None else labels | {names.SLOT: slot}


def _labels_of_version(owner: Owner, spec: Spec, pinned: Pinned) -> dict[str, str]:
    of_version = {names.APP_NAME: _label_value(model_of(spec, pinned)), names.VERSION: pinned.version}
    return labels_of(owner, spec, pinned.slot) | of_version


def _label_value(text: str) -> str:
    """The text where a label may hold it, a stand-in where not: a model's name may hold almost anything."""
    kept = text[:_LABEL_LIMIT]
    allowed = kept.isascii() and kept[:1].isalnum() and kept[-1:].isalnum()
    return kept if allowed and all(letter.isalnum() or letter in "-_." for letter in kept) else "podium-model"


def _kept(pinned: Pinned, pods: Json) -> dict[str, str]:
    """The pods' template as text, and which one that is."""
    text = json.dumps(pods, sort_keys=True, separators=(",", ":"))
    known = {names.REVISION: pinned.template.model_dump_json(by_alias=True)} if pinned.template is not None else {}
    return {**known, names.TEMPLATE: text}


def identity_of(pinned: Pinned) -> dict[str, str]:
    """Which version it is, and what pods get of it beside that."""
    return {**environment_of(pinned), names.DIGEST: pinned.digest}


def environment_of(pinned: Pinned) -> dict[str, str]:
    """What pods get of their version in their environment, other than which one it is: no process changes that."""
    known = {
        names.REGISTRY: pinned.registry,
        names.MODEL: pinned.model,
        names.LOGIN: pinned.login,
        names.LATENCY_LIMITS: latency_limits(pinned),
        names.TRIAL_NUMBER: str(pinned.trial_number) if pinned.trial_number else "",
    }
    return {name: value for name, value in known.items() if value}
