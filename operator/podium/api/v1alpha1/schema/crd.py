"""The CustomResourceDefinition, made of the models: what the API server knows of a ModelDeployment.

The schema is structural: no `$ref`, no null, no `additionalProperties: false` (unknown fields are pruned or, by
kubectl, refused). Two things are left out on purpose.

- Defaults, but for two: the size, which the scale subresource has to find, and the status of an object that Podium has
  not reconciled yet, which tools would take for ready. What Git says is what is stored, so that `kubectl diff` and
  GitOps tools see only fields of the manifest; inside lists others would be drift for ever. The operator reads a
  missing field as its default, and so do the descriptions here, which say it.
- In the status: rules and required fields. The API server checks the whole object whenever a person changes the spec;
  a status that an older operator wrote must never stand in the way of that.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from podium.api.v1alpha1.manifest import GROUP, KIND, PLURAL, VERSION_NAME
from podium.api.v1alpha1.schema.jsonschema import everywhere, plain, raw_schema
from podium.api.v1alpha1.spec.serving import Serving
from podium.api.v1alpha1.status import Status

NAME: Final = f"{PLURAL}.{GROUP}"
Column = tuple[str, str, str, bool]  # name, type, path, only with `-o wide`
# One number, the champion's; see docs/decisions/0011. All pods are found, for all of them carry the traffic.
_SCALE = {
    "specReplicasPath": ".spec.serving.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}
_READY = '.status.conditions[?(@.type=="Ready")]'
_COLUMNS: tuple[Column, ...] = (
    ("Champion", "string", ".status.champion.version", False),
    ("Challenger", "string", ".status.challenger.version", False),
    ("Phase", "string", ".status.phase", False),
    ("Weight", "integer", ".status.weight.desired", False),
    ("Ready", "string", f"{_READY}.status", False),
    ("Message", "string", ".status.message", False),
    ("Model", "string", ".spec.model.name", True),
    ("Share", "integer", ".status.weight.current", True),
    ("Reason", "string", f"{_READY}.reason", True),
    ("Age", "date", ".metadata.creationTimestamp", False),
)


def definition() -> dict[str, Any]:
    """The CustomResourceDefinition as an object for the API server."""
    return defined(KIND, PLURAL, _COLUMNS, structural_schema(), short=["md"], scale=_SCALE)


def defined(
    kind: str,
    plural: str,
    columns: Sequence[Column],
    schema: Mapping[str, Any],
    *,
    short: Sequence[str] = (),
    scale: Mapping[str, Any] | None = None,
    scope: str = "Namespaced",
    status: bool = True,
) -> dict[str, Any]:
    """A CustomResourceDefinition of the group."""
    version = {
        "name": VERSION_NAME,
        "served": True,
        "storage": True,
        **({"subresources": {"status": {}, **({"scale": scale} if scale is not None else {})}} if status else {}),
        "additionalPrinterColumns": [
            {"name": name, "type": form, "jsonPath": path} | ({"priority": 1} if wide else {})
            for name, form, path, wide in columns
        ],
        "schema": {"openAPIV3Schema": dict(schema)},
    }
    names = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        **({"shortNames": list(short)} if short else {}),
        # `kubectl get podium` in a namespace shows what is there, and not what is of the cluster
        **({"categories": ["podium"]} if scope == "Namespaced" else {}),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": scope, "names": names, "versions": [version]},
    }


def structural_schema() -> dict[str, Any]:
    """The models' schema in the API server's dialect."""
    schema = structural(KIND)
    _stored_size(schema["properties"]["spec"]["properties"])
    schema["properties"]["status"]["default"] = {"observedGeneration": Status().observed_generation}
    return schema


def structural(kind: str) -> dict[str, Any]:
    """The schema of a kind in the API server's dialect, without any default."""
    raw = raw_schema(kind)
    definitions = raw.pop("$defs")
    schema = everywhere(lambda inner: _structural(inner, definitions), raw)
    properties = schema["properties"]
    # The API server lets a CRD say no more about metadata than that it has a name, for rules to speak of.
    properties["metadata"] = {"type": "object", "properties": {"name": {"type": "string"}}}
    properties["spec"] = everywhere(_in_words, properties["spec"])
    if "status" in properties:
        properties["status"] = everywhere(_keys_required, everywhere(_undemanding, properties["status"]))
    properties |= {name: everywhere(_without_annotations, inner) for name, inner in properties.items()}
    return {"type": "object"} | schema | {"required": ["spec"]}


def _stored_size(spec: dict[str, Any]) -> None:
    """The scale subresource answers with an error without its field. The inner default needs the outer one."""
    spec["serving"]["default"] = {}
    spec["serving"]["properties"]["replicas"]["default"] = Serving().replicas


def _structural(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    schema = plain(schema)
    if "$ref" in schema:
        target = definitions[schema.pop("$ref").removeprefix("#/$defs/")]
        schema = _structural({**target, **schema}, definitions)
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if schema.get("additionalProperties") is False:
        del schema["additionalProperties"]
    return schema


def _in_words(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its examples and its default in the description."""
    words = [schema["description"]] if "description" in schema else []
    if "examples" in schema:
        words.append(f"For example {' or '.join(schema['examples'])}.")
    default = schema.get("default")
    if default not in (None, "", [], {}) and schema.get("type") != "object":  # an object's own fields say theirs
        words.append(f"Default: {default if isinstance(default, str) else json.dumps(default)}.")
    return schema | ({"description": " ".join(words)} if words else {})


def _without_annotations(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in {"default", "examples"}}


def _undemanding(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in {"x-kubernetes-validations", "required"}}


def _keys_required(schema: dict[str, Any]) -> dict[str, Any]:
    """The keys of a keyed list are the one thing that its items must have."""
    keys = schema.get("x-kubernetes-list-map-keys")
    return schema | {"items": schema["items"] | {"required": keys}} if keys else schema
