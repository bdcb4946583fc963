"""The pods that Podium starts: what runs in them, with which rights, and what their containers are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.api.v1alpha1.spec.gates import JobGate
from podium.api.v1alpha1.spec.serving import Serving
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned
from podium.core.actions import RunJob

Json = dict[str, Any]
_GRACE: Final = 30  # seconds beyond the drain: for requests that still come, and to finish those that the pod holds


@dataclass(frozen=True)
class Defaults:
    """The operator's own settings for what a ModelDeployment leaves out."""

    image: str
    registry_uri: str
    user: int | None = 65532  # of every pod; None where the cluster assigns it, as OpenShift's restricted-v2 does


@dataclass(frozen=True)
class Names:
    """What a slot's pod refers to by name."""

    file: str  # the ConfigMap that names the model of one that reloads in place
    beside: str  # the other slot's Service


def pod(spec: Spec, pinned: Pinned, defaults: Defaults, known: Names) -> Json:
    """The pod of a model server."""
    serving = spec.serving
    named = [{"name": "model", "configMap": {"name": known.file}}] if serving.reload == "InPlace" else []
    return {
        **_unprivileged(defaults.user),
        "terminationGracePeriodSeconds": round(serving.drain.total_seconds()) + _GRACE,
        "containers": [_container(spec, pinned, defaults, known.beside)],
        "volumes": [*_VOLUMES, *named, *serving.volumes],
        **_passed_through(serving),
        **_named(serving),
    }


def gate_pod(spec: Spec, action: RunJob, defaults: Defaults) -> Json:
    """The pod that answers a gate's request."""
    return {
        **_unprivileged(defaults.user),
        "restartPolicy": "Never",
        "containers": [_gate_container(spec, action, defaults)],
        "volumes": _VOLUMES,
        **_passed_through(action.job),
    }


def _unprivileged(user: int | None) -> Json:
    """What every pod that Podium makes has: no user gets a right by writing a ModelDeployment."""
    ids = {} if user is None else {"runAsUser": user, "runAsGroup": user, "fsGroup": user}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            **ids,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def _named(serving: Serving) -> Json:
    fields = {
        "serviceAccountName": serving.service_account_name,
        "runtimeClassName": serving.runtime_class_name,
        "priorityClassName": serving.priority_class_name,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _passed_through(pod: Serving | JobGate) -> Json:
    fields: Json = {
        "nodeSelector": pod.node_selector,
        "tolerations": pod.tolerations,
        "affinity": pod.affinity if isinstance(pod, Serving) else {},
        "imagePullSecrets": pod.image_pull_secrets,
    }
    return {name: value for name, value in fields.items() if value}


def _container(spec: Spec, pinned: Pinned, defaults: Defaults, beside: str) -> Json:
    serving = spec.serving
    made = {
        "name": names.CONTAINER,
        "image": serving.image or defaults.image,
        "ports": [{"name": "http", "containerPort": names.PORT, "protocol": "TCP"}],
        "env": environment(spec, pinned, defaults, beside),
        "envFrom": _sources(spec, pinned, serving.env_from),
        "resources": serving.resources,
        "startupProbe": _probe("/readyz", periodSeconds=1, failureThreshold=3600),
        "readinessProbe": _probe("/readyz", periodSeconds=1, failureThreshold=2),
        "livenessProbe": _probe("/healthz", periodSeconds=10, failureThreshold=6),
        **_CONFINED,
    }
    of_file = [{"name": "model", "mountPath": _MODEL, "readOnly": True}] if serving.reload == "InPlace" else []
    made["volumeMounts"] = [*_CONFINED["volumeMounts"], *of_file, *serving.volume_mounts]
    return {name: value for name, value in made.items() if value}


MODEL_FILE: Final = "model.json"
_MODEL: Final = "/podium/model"  # a path in the pod, where that file is
_VOLUMES: Final[list[Json]] = [{"name": "tmp", "emptyDir": {}}]
_CONFINED: Final[Json] = {
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    },
    "terminationMessagePolicy": "File",
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  a path in the pod
}


def _probe(path: str, **timing: int) -> Json:
    return {"httpGet": {"path": path, "port": "http"}, "timeoutSeconds": 3, **timing}


def _sources(spec: Spec, pinned: Pinned, given: Sequence[Json]) -> list[Json]:
    secret = pinned.login if pinned.model else spec.registry.secret_name
    login: list[Json] = [{"secretRef": {"name": secret}}] if secret else []
    return [*given, *login]


def environment(spec: Spec, pinned: Pinned, defaults: Defaults, beside: str) -> list[Json]:
    """The container's variables. The rule: a name that Podium sets is Podium's, whatever the user's list says.

    They are what a pod proves its identity against. In Kubernetes `env` wins over `envFrom`: that way in is shut too.
    """
    in_place = spec.serving.reload == "InPlace"  # the file wins over what the user's list may name
    named = {"PODIUM_MODEL_FILE": f"{_MODEL}/{MODEL_FILE}"} if in_place else _model_variables(spec, pinned)
    ours = named | {
        "PODIUM_DRAIN_SECONDS": f"{spec.serving.drain.total_seconds():g}",
        "PODIUM_PORT": str(names.PORT),
        "MLFLOW_TRACKING_URI": pinned.registry or spec.registry.uri or defaults.registry_uri,
    }
    if pinned.latency_limits:
        ours["PODIUM_LATENCY_LIMITS"] = latency_limits(pinned)
    if (preview := spec.traffic.preview) is not None:
        ours["PODIUM_PREVIEW_HEADER"] = preview.header
        ours |= {"PODIUM_PREVIEW_VALUE": preview.value} if preview.value is not None else {}
    if keys := spec.serving.public_keys:
        ours["PODIUM_VERIFY_KEYS"] = "".join(f"{key.strip()}\n" for key in keys)
    return _with_ours(spec.serving.env, ours | _beside(spec, pinned, beside))


def _beside(spec: Spec, pinned: Pinned, beside: str) -> dict[str, str]:
    """Where a request goes that this version fails, or a copy of one in a shadow step, which needs no fallback.

    What stood in an earlier trial's pods is of no use to these.
    """
    fallback, url = spec.traffic.fallback, f"http://{beside}"
    if not pinned.trial_number:
        return {}
    number = {"PODIUM_TRIAL_NUMBER": str(pinned.trial_number)}
    if not fallback.enabled:
        return number | {"PODIUM_SHADOW_URL": url}
    after = {"PODIUM_FALLBACK_AFTER": f"{fallback.after.total_seconds():g}"} if fallback.after is not None else {}
    return number | {"PODIUM_FALLBACK_URL": url} | after


def _model_variables(spec: Spec, pinned: Pinned) -> dict[str, str]:
    return {
        "PODIUM_MODEL_URI": model_uri(spec, pinned),
        "PODIUM_MODEL_DIGEST": pinned.digest,
    }


def model_uri(spec: Spec, pinned: Pinned) -> str:
    """Where the version is, as MLflow names it."""
    return f"models:/{model_of(spec, pinned)}/{pinned.version}"


def _with_ours(given: Sequence[Json], ours: Mapping[str, str]) -> list[Json]:
    kept = [variable for variable in given if variable.get("name") not in ours]
    return [*kept, *({"name": name, "value": _literal(value)} for name, value in ours.items())]


def _literal(value: str) -> str:
    """A value in which Kubernetes replaces no $(VARIABLE): a model's name may hold one."""
    return value.replace("$", "$$")


def _gate_container(spec: Spec, action: RunJob, defaults: Defaults) -> Json:
    job, pinned = action.job, action.pinned
    ours = _model_variables(spec, pinned) | {
        "PODIUM_MODEL_NAME": model_of(spec, pinned),
        "PODIUM_MODEL_VERSION": pinned.version,
        "MLFLOW_TRACKING_URI": pinned.registry or spec.registry.uri or defaults.registry_uri,
    }
    made = {
        "name": names.GATE_CONTAINER,
        "image": job.image or spec.serving.image or defaults.image,
        "command": job.command,
        "args": job.args,
        "env": _with_ours(job.env, ours),
        "envFrom": _sources(spec, pinned, job.env_from),
        "resources": job.resources,
        **_CONFINED,
    }
    return {name: value for name, value in made.items() if value}


def model_of(spec: Spec, pinned: Pinned) -> str:
    """The registered model: what Git names now may be another one than what runs."""
    return pinned.model or spec.model.name


def latency_limits(pinned: Pinned) -> str:
    """Seconds, as the annotation and the model server's variable have them: `0.12,0.3`."""
    return ",".join(f"{limit:g}" for limit in pinned.latency_limits)
