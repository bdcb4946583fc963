"""docs/reference.md, made of the models: every field, its form, its default, its rules."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from podium.api.v1alpha1.schema.crd import structural, structural_schema

_HEAD: Final = """\
# Reference

<!-- Made of operator/podium/api by `make crds`. Change the models there, not this file. -->

Every field of a `ModelDeployment` (`podium.dev/v1alpha1`, short name `md`). A field in **bold** must be there; `[]` is
an item of a list. `kubectl explain md.spec` says the same, and `podium validate FILE…` checks it. At the end are
[Provider](#provider-spec), [Alert](#alert-spec) and [PodiumPolicy](#podiumpolicy-spec).
"""
_BESIDE: Final = ("Provider", "Alert", "PodiumPolicy")
_FORMS: Final = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


def reference() -> str:
    """The reference as Markdown."""
    properties = structural_schema()["properties"]
    sections = (_section(name, name, properties[name]) for name in ("spec", "status"))
    beside = (_section(f"{kind}: spec", "spec", structural(kind)["properties"]["spec"]) for kind in _BESIDE)
    return "\n".join([_HEAD, *sections, *beside])


def _section(title: str, name: str, schema: Mapping[str, Any]) -> str:
    rows = [f"| {path} | {_form(inner)} | {_meaning(inner)} |" for path, inner in _fields(name, schema)]
    head = ["| field | form | meaning |", "|---|---|---|"]
    return "\n".join([f"## {title}", "", schema["description"], "", *head, *rows, ""])


def _fields(path: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    needed = schema.get("required", [])
    for name, inner in schema.get("properties", {}).items():
        whole = f"{path}.{name}"
        yield f"**`{whole}`**" if name in needed else f"`{whole}`", inner
        yield from _fields(whole, inner)
        yield from _fields(f"{whole}[]", inner.get("items", {}))


def _form(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    if "x-kubernetes-int-or-string" in schema:
        return "quantity"
    if schema["type"] == "array":
        inner = schema["items"]
        return "list" if "properties" in inner else f"list of {_form(inner)}"
    if schema["type"] == "object":
        values = schema.get("additionalProperties")
        return f"map to {_form(values)}" if values else "object"
    return _FORMS[schema["type"]] + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", at least {least}" if least is not None else ""


def _meaning(schema: Mapping[str, Any]) -> str:
    rules = [
        f"Rule: {rule['message']}."
        for ruled in (schema, schema.get("items", {}))
        for rule in ruled.get("x-kubernetes-validations", [])
    ]
    return " ".join([schema["description"], *rules]).replace("|", "\\|")
