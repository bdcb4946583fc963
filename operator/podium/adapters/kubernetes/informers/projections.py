"""What is kept of an object: the fields that `read`, the routers and the comparisons with what is rendered look at."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from podium.adapters.kubernetes import names

Json = dict[str, Any]
_METADATA: Final = (
    "namespace",
    "name",
    "uid",
    "generation",
    "resourceVersion",
    "labels",
    "annotations",
    "ownerReferences",
    "deletionTimestamp",
)
_POD_ANNOTATIONS: Final = (names.TOLD, names.POD_REVISION)
_POD_CONDITIONS: Final = frozenset({"Ready", "ContainersReady", "PodScheduled", "DisruptionTarget"})
_STUCK: Final = frozenset({"ReplicaFailure", "Progressing"})


def model_deployment(found: Json) -> Json:
    """All but who wrote which field."""
    metadata = _some(found["metadata"], (*_METADATA, "creationTimestamp", "finalizers"))
    metadata.pop("annotations", None)
    return {"metadata": metadata, **_some(found, ("spec", "status"))}


def deployment(found: Json) -> Json:
    """Of its status, what says whether Kubernetes gets on: it changes with each pod, and its times with each look."""
    status = found.get("status") or {}
    kept = _some(status, ("observedGeneration", "replicas", "updatedReplicas"))
    return {**as_written(found), "status": kept | {"conditions": _conditions(status, _STUCK)}}


def as_written(found: Json) -> Json:
    """What someone asked for: metadata and spec, without its status."""
    return {"metadata": _metadata(found), **_some(found, ("spec",))}


def route(found: Json) -> Json:
    """With its status, and with who wrote the spec last."""
    metadata = _metadata(found) | _some(found["metadata"], ("managedFields",))
    return {"metadata": metadata, **_some(found, ("spec", "status"))}


def pod(found: Json) -> Json:
    """What kubelet and the scheduler say of it; not what runs in it."""
    metadata, status = _metadata(found), found.get("status") or {}
    metadata["annotations"] = _some(metadata.get("annotations") or {}, _POD_ANNOTATIONS)
    kept = _some(status, ("phase", "podIP"))
    kept["conditions"] = _conditions(status, _POD_CONDITIONS)
    kept["containerStatuses"] = [
        _some(container, ("name", "state", "lastState")) for container in status.get("containerStatuses") or []
    ]
    gates = _some(found.get("spec") or {}, ("readinessGates",))
    metadata.pop("resourceVersion", None)  # of a heartbeat: nothing that is kept differs by it
    return {"metadata": metadata, "spec": gates, "status": kept}


def endpoint_slice(found: Json) -> Json:
    """Which pods take requests."""
    endpoints = [
        {"conditions": _some(one.get("conditions") or {}, ("ready",)), "targetRef": _some(one["targetRef"], ("uid",))}
        for one in found.get("endpoints") or []
        if one.get("targetRef")
    ]
    return {"metadata": _some(found["metadata"], ("namespace", "name")), "endpoints": endpoints}


def job(found: Json) -> Json:
    """Only that there is another version of it: a gate's Job is read when it is asked about."""
    return {"metadata": _some(found["metadata"], ("namespace", "name", "uid", "resourceVersion"))}


def _metadata(found: Json) -> Json:
    return _some(found["metadata"], _METADATA)


def _some(given: Mapping[str, Any], kept: Iterable[str]) -> Json:
    return {name: given[name] for name in kept if name in given}


def _conditions(status: Json, kinds: frozenset[str]) -> list[Json]:
    return [
        _some(one, ("type", "status", "reason", "message"))
        for one in status.get("conditions") or []
        if one.get("type") in kinds
    ]
