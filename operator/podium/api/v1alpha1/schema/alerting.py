"""The CustomResourceDefinitions of `Provider` and `Alert`; the module `crd` says what such a schema may hold."""

from collections.abc import Mapping
from typing import Any, Final

from podium.api.v1alpha1.schema.crd import Column, defined, structural

_READY: Final = '.status.conditions[?(@.type=="Ready")]'
_ENDS: Final[tuple[Column, ...]] = (
    ("Ready", "string", f"{_READY}.status", False),
    ("Reason", "string", f"{_READY}.reason", False),
    ("Message", "string", f"{_READY}.message", True),
    ("Age", "date", ".metadata.creationTimestamp", False),
)
_COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    "Provider": (("Type", "string", ".spec.type", False),),
    "Alert": (
        ("Provider", "string", ".spec.providerRef.name", False),
        ("Severity", "string", ".spec.eventSeverity", True),
    ),
}
PLURALS: Final = {"Provider": "providers", "Alert": "alerts"}


def alerting_definition(kind: str) -> dict[str, Any]:
    """The CustomResourceDefinition of the kind. Flux has kinds of the same names: none of them has a short one."""
    return defined(kind, PLURALS[kind], (*_COLUMNS[kind], *_ENDS), structural(kind))
