"""The models as JSON Schema (draft 2020-12), for editors and for `podium validate`: strict, unknown fields are refused.

The API server's own form of it, which is another dialect, is made of this one in `podium.api.v1alpha1.schema.crd`.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from podium.api.v1alpha1.alerting import AlertManifest, ProviderManifest
from podium.api.v1alpha1.manifest import KIND, NAME_LIMIT, NAME_PATTERN, ModelDeploymentManifest
from podium.api.v1alpha1.policy import POLICY_KIND, PodiumPolicyManifest
from podium.api.v1alpha1.values.base import format_duration

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string"}
# What `kubectl get -o yaml` shows besides. The API server refuses any other field of metadata.
_OF_THE_API_SERVER = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
_NAMES: Mapping[str, Mapping[str, Any]] = {
    "ModelDeployment": {
        "description": "Name of the ModelDeployment. The objects that Podium makes are named after it.",
        "maxLength": NAME_LIMIT,
        "pattern": NAME_PATTERN,
        "examples": ["churn", "fraud-eu"],
    },
    "Provider": {"description": "Name of the Provider.", "maxLength": 253, "examples": ["slack", "event-bus"]},
    "Alert": {"description": "Name of the Alert.", "maxLength": 253, "examples": ["promotions", "on-call"]},
    POLICY_KIND: {"description": "Name of the PodiumPolicy.", "maxLength": 253, "examples": ["default", "team-churn"]},
}
MANIFESTS: Mapping[str, type[BaseModel]] = {
    "ModelDeployment": ModelDeploymentManifest,
    "Provider": ProviderManifest,
    "Alert": AlertManifest,
    POLICY_KIND: PodiumPolicyManifest,
}


_OF_THE_CLUSTER = frozenset({POLICY_KIND})


def _namespace(kind: str) -> dict[str, Any]:
    return {"type": "string", "description": f"Namespace of the {kind}."}


def _metadata(kind: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Name, namespace, labels and annotations, as of every Kubernetes object.",
        "properties": {
            "name": {"type": "string", **_NAMES[kind]},
            **({} if kind in _OF_THE_CLUSTER else {"namespace": _namespace(kind)}),
            "labels": {
                "type": "object",
                "description": f"Labels of the {kind}.",
                "additionalProperties": {"type": "string"},
            },
            "annotations": {
                "type": "object",
                "description": f"Annotations of the {kind}.",
                "additionalProperties": {"type": "string"},
            },
            "generateName": {"type": "string", "description": "Beginning of a name that the API server completes."},
            "finalizers": {"type": "array", "description": "What must be done before it is gone.", "items": _TEXT},
            "ownerReferences": {
                "type": "array",
                "description": "Objects that it belongs to.",
                "items": {"type": "object"},
            },
            **{name: {"description": "Written by the API server.", "readOnly": True} for name in _OF_THE_API_SERVER},
        },
        "additionalProperties": False,
    }


def json_schema(kind: str = KIND) -> dict[str, Any]:
    """The JSON Schema of an object as people write it. Whatever a status holds is let through."""
    schema = everywhere(plain, raw_schema(kind))
    schema = everywhere(_without_kubernetes, schema)
    schema["properties"]["metadata"] = _metadata(kind)
    if kind not in _OF_THE_CLUSTER:
        schema["properties"]["status"] = {
            "type": "object",
            "description": "What Podium decided. It is not written by hand.",
        }
    schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
    schema["$defs"] = _reachable(schema)
    return {"$schema": DIALECT, "title": kind, **schema}


def raw_schema(kind: str = KIND) -> dict[str, Any]:
    """What pydantic makes of the models."""
    return MANIFESTS[kind].model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)


class _Generator(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Defaults as people would write them: pydantic's own form of a duration is ISO 8601."""
        return format_duration(dft) if isinstance(dft, timedelta) else _given(super().encode_default(dft))


def _given(value: Any) -> Any:
    """The value with only those fields that a person would write."""
    if isinstance(value, dict):
        return {key: _given(inner) for key, inner in value.items() if inner is not None}
    return [_given(inner) for inner in value] if isinstance(value, list) else value


def everywhere(change: Callable[[dict[str, Any]], dict[str, Any]], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with `change` made to it and to every schema inside it, outermost first."""
    done = change(dict(schema))
    for key in ("properties", "$defs"):
        if key in done:
            done[key] = {name: everywhere(change, inner) for name, inner in done[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(done.get(key), Mapping):
            done[key] = everywhere(change, done[key])
    return done


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Without pydantic's generated titles, and without null: a field is there or it is not."""
    schema.pop("title", None)
    if schema.get("default", ...) is None:
        del schema["default"]
    choices = schema.get("anyOf", [])
    if {"type": "null"} in choices:
        (only,) = (choice for choice in choices if choice != {"type": "null"})
        del schema["anyOf"]
        schema = plain({**only, **schema})
    return schema


def _without_kubernetes(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-")}


def _reachable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the schema's definitions that are still in use."""
    used: dict[str, Any] = {}

    def follow(inner: dict[str, Any]) -> dict[str, Any]:
        name = str(inner.get("$ref", "")).removeprefix("#/$defs/")
        if name and name not in used:
            used[name] = schema["$defs"][name]
            everywhere(follow, used[name])
        return inner

    everywhere(follow, {key: value for key, value in schema.items() if key != "$defs"})
    return dict(sorted(used.items()))
