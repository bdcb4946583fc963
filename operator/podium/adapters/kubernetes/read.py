"""What the API server sends, understood: JSON in, facts out. Pure.

Pods' messages are written by what runs in them, and so are data, cut to a bounded length.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, get_args

from pydantic import ValidationError

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.model_files import reloads
from podium.adapters.kubernetes.render import Owner, environment_of
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.model import Aliases
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, PodTemplate, Status
from podium.core.facts import Crash, Key, PodState
from podium.ports import AliasClaim, ModelDeployment

Json = Mapping[str, Any]
_MESSAGE_LIMIT: Final = 2000
_STARTING: Final = frozenset({"ContainerCreating", "PodInitializing", ""})  # why a healthy pod waits
_DIGITS: Final = 12  # of a number that is read
_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)


def model_deployment(found: Json) -> ModelDeployment:
    """A ModelDeployment; what cannot be read is said in its `flaw`, never raised: others must still be served."""
    metadata = found["metadata"]
    spec, flaw = _spec(found.get("spec"))
    status, status_flaw = _status(found.get("status"))
    return ModelDeployment(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata["generation"],
        resource_version=metadata["resourceVersion"],
        created=moment(metadata.get("creationTimestamp")),
        deleting="deletionTimestamp" in metadata,
        has_finalizer=names.FINALIZER in (metadata.get("finalizers") or []),
        spec=spec,
        status=status,
        flaw=status_flaw or flaw,
        written=found.get("spec") if flaw and isinstance(found.get("spec"), Mapping) else None,
        unreadable=bool(status_flaw),
    )


def claim(found: Json) -> AliasClaim | None:
    """The alias that a ModelDeployment writes, without reading the rest: a watch tells of thousands."""
    metadata, spec = found["metadata"], found.get("spec") or {}
    try:
        registry = spec.get("registry") or {}
        alias = (registry.get("aliases") or {}).get("champion") or Aliases().champion
        uri, model = registry.get("uri") or "", spec["model"]["name"]
    except (AttributeError, KeyError, TypeError):
        return None  # no spec of ours: nothing is written for it
    return AliasClaim(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        created=moment(metadata.get("creationTimestamp")),
        deleting="deletionTimestamp" in metadata,
        registry=str(uri),
        model=str(model),
        alias=str(alias),
    )


def owner_of(md: ModelDeployment) -> Owner:
    """The ModelDeployment as the owner of objects."""
    return Owner(md.key.namespace, md.key.name, md.uid)


def owned(found: Json, uid: str) -> bool:
    """Whether the object belongs to the ModelDeployment of this uid."""
    references = found.get("metadata", {}).get("ownerReferences") or []
    return any(reference.get("uid") == uid and reference.get("controller") for reference in references)


def pinned(found: Json) -> Pinned | None:
    """What a slot's Deployment is for, from its labels and annotations."""
    labels, annotations = metadata_of(found)
    version, digest, slot = labels.get(names.VERSION), annotations.get(names.DIGEST), labels.get(names.SLOT)
    if not version or not digest or slot not in get_args(Slot):
        return None
    limits = latency_limits(annotations.get(names.LATENCY_LIMITS, ""))
    return Pinned(
        registry=annotations.get(names.REGISTRY, ""),
        model=annotations.get(names.MODEL, ""),
        login=annotations.get(names.LOGIN),
        version=version,
        digest=digest,
        slot=slot,
        latency_limits=limits,
        trial_number=_number(annotations.get(names.TRIAL_NUMBER, "")),
        template=_revision(annotations),
    )


def _number(text: str) -> int:
    """0 where it is no number: an older Podium wrote none, and another client may write anything."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else 0


def _revision(annotations: Mapping[str, str]) -> PodTemplate | None:
    """Which template the Deployment carries; None where an older Podium made it, or another client changed it."""
    try:
        return PodTemplate.model_validate_json(annotations.get(names.REVISION, ""))
    except ValidationError:
        return None


def template(found: Json, of: Pinned) -> dict[str, Any] | None:
    """The pinned template of this version's pods; None where the Deployment carries another one, or none.

    One that an older Podium made carries no revision: what it has is what was pinned. One of pods that reload in place
    names no version, and is that of each one with the same environment.
    """
    try:
        kept = json.loads(metadata_of(found)[1].get(names.TEMPLATE, ""))
        labels, annotations = metadata_of(kept)
    except (ValueError, AttributeError):
        return None  # another client changed it
    same = (labels.get(names.VERSION), annotations.get(names.DIGEST)) == (of.version, of.digest)
    if reloads(kept):
        about = (names.REGISTRY, names.MODEL, names.LOGIN, names.LATENCY_LIMITS, names.TRIAL_NUMBER)
        same = {name: annotations[name] for name in about if name in annotations} == environment_of(of)
    known = _revision(metadata_of(found)[1])
    return kept if same and (known is None or of.template is None or known.revision == of.template.revision) else None


def rolled_out(deployment: Json) -> bool:
    """Whether its controller has seen what is asked, and all of its pods are of the newest template.

    Pods that are not ready yet are no part of it, other than in `kubectl rollout status`: the slot's pods say that.
    """
    spec, status = deployment.get("spec", {}), deployment.get("status", {})
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return False
    updated = int(status.get("updatedReplicas", 0))
    return updated == int(status.get("replicas", 0)) == int(spec.get("replicas", 1))


def stuck(deployment: Json) -> str:
    """Why its controller does not get on: a quota or webhook that refuses its pods, or its deadline has passed."""
    status = deployment.get("status", {})
    failure, progress = _condition(status, "ReplicaFailure"), _condition(status, "Progressing")
    for condition, bad in ((failure, "True"), (progress, "False")):
        if condition.get("status") == bad:
            text = f"{condition.get('reason', '')}: {condition.get('message', '')}"
            return text.strip(": ")[:_MESSAGE_LIMIT]
    return ""


def latency_limits(text: str) -> tuple[float, ...]:
    """The annotation `0.12,0.3` as seconds; nothing where it holds another text."""
    try:
        return tuple(float(part) for part in text.split(",") if part)
    except ValueError:
        return ()


def metadata_of(found: Json) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Labels and annotations."""
    metadata = found.get("metadata", {})
    return metadata.get("labels") or {}, metadata.get("annotations") or {}


def pods_of(found: Iterable[Json], slot: Slot) -> tuple[tuple[PodState, ...], int]:
    """The slot's living pods, oldest name first, and how many more are being deleted.

    A pod in phase Failed was evicted or lost with its node (its containers are always restarted otherwise): its place
    is taken by a new one, and its end says nothing of the version.
    """
    mine = [pod for pod in found if metadata_of(pod)[0].get(names.SLOT) == slot]
    there = [pod for pod in mine if pod.get("status", {}).get("phase") not in ("Failed", "Succeeded")]
    living = [pod for pod in there if not _leaving(pod)]
    return tuple(sorted(map(pod_seen, living), key=lambda pod: pod.name)), len(there) - len(living)


def _leaving(pod: Json) -> bool:
    """Whether it is being deleted, or is about to be: kubelet, a drain or a preemption says so before it ends it.

    A pod whose node is lost is deleted too, minutes later.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
    """
    return _is("DisruptionTarget", pod) or _lost_with_its_node(pod) or "deletionTimestamp" in pod["metadata"]


def _lost_with_its_node(pod: Json) -> bool:
    """Whether its node is not heard from: Kubernetes takes Ready from the pod, and what kubelet said last stays.

    A readiness gate looks the same. `MarkPodsNotReady` in
    https://github.com/kubernetes/kubernetes/blob/v1.34.4/pkg/controller/util/node/controller_utils.go
    """
    gated = bool(pod.get("spec", {}).get("readinessGates"))
    return _is("ContainersReady", pod) and not _is("Ready", pod) and not gated


def pod_seen(found: Json) -> PodState:
    """One pod, without identity and counters: those it says itself."""
    metadata, status = found["metadata"], found.get("status", {})
    container = _container(status.get("containerStatuses") or [])
    labels, annotations = metadata_of(found)
    return PodState(
        uid=metadata["uid"],
        name=metadata["name"],
        version=labels.get(names.VERSION, ""),
        ready=_is("Ready", found),
        crash=_crash(container),
        waiting=_waiting(container, _condition(status, "PodScheduled")),
        ip=status.get("podIP") or "",
        reloads=names.RELOAD in labels,
        told=annotations.get(names.TOLD, "")[:_MESSAGE_LIMIT],
        template=annotations.get(names.POD_REVISION, "")[:_MESSAGE_LIMIT],
    )


def end_of(found: Json, container: str) -> tuple[Crash | None, str]:
    """How the pod's container ended, if it has, and why it does not start, where kubelet says so."""
    status = found.get("status", {})
    seen = _container(status.get("containerStatuses") or [], container)
    return _crash(seen), _waiting(seen, _condition(status, "PodScheduled"))


def moment(text: object) -> datetime:
    """An RFC 3339 time; long ago where there is none or it cannot be read."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return _LONG_AGO


def _spec(found: object) -> tuple[Spec | None, str]:
    try:
        return Spec.model_validate(found), ""
    except ValidationError as error:
        return None, f"spec cannot be read: {_faults(error)}"


def _status(found: Any) -> tuple[Status, str]:
    try:
        return Status.model_validate(found or {}), ""
    except ValidationError as error:
        return _roles(found), f"status cannot be read, a newer Podium may have written it: {_faults(error)}"


def _roles(found: Any) -> Status:
    """Of a status that cannot be read, the versions that can: the way back needs no more."""
    return Status(**{role: _role(found, role) for role in ("champion", "challenger", "former")})


def _role(found: Any, role: str) -> Pinned | None:
    try:
        return Pinned.model_validate(found[role])
    except (ValidationError, KeyError, TypeError):
        return None  # that the status cannot be read, and why, is told by its flaw


def _faults(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    texts = (f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}" for fault in faults[:5])
    return "; ".join(texts)[:_MESSAGE_LIMIT]


def _container(statuses: Sequence[Json], name: str = names.CONTAINER) -> Json:
    return next((one for one in statuses if one.get("name") == name), {})


def _condition(status: Json, kind: str) -> Json:
    return next((one for one in status.get("conditions") or [] if one.get("type") == kind), {})


def _is(kind: str, pod: Json) -> bool:
    """Whether this condition of the pod holds."""
    return _condition(pod.get("status", {}), kind).get("status") == "True"


def _crash(container: Json) -> Crash | None:
    ends = ((container.get(state) or {}).get("terminated") for state in ("state", "lastState"))
    end = next(filter(None, ends), None)
    if end is None:
        return None
    return Crash(
        at=moment(end.get("finishedAt")),
        exit_code=int(end.get("exitCode", 0)),
        reason=str(end.get("reason", ""))[:128],
        message=str(end.get("message", "")).strip()[:_MESSAGE_LIMIT],
    )


def _waiting(container: Json, scheduled: Json) -> str:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if scheduled.get("status") == "False":
        reason, message = scheduled.get("reason", ""), scheduled.get("message", "")
    return "" if reason in _STARTING else f"{reason}: {message}".removesuffix(": ")[:_MESSAGE_LIMIT]
