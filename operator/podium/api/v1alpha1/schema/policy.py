"""The CustomResourceDefinition of `PodiumPolicy`; the module `crd` says what such a schema may hold."""

from typing import Any, Final

from podium.api.v1alpha1.policy import POLICY_KIND, POLICY_PLURAL
from podium.api.v1alpha1.schema.crd import Column, defined, structural

_COLUMNS: Final[tuple[Column, ...]] = (
    ("Models", "string", ".spec.operatorLogin.models", False),
    ("Registries", "string", ".spec.registries", True),
    ("Age", "date", ".metadata.creationTimestamp", False),
)


def policy_definition() -> dict[str, Any]:
    """The CustomResourceDefinition: of the cluster, so that no one grants to a namespace from within it."""
    return defined(POLICY_KIND, POLICY_PLURAL, _COLUMNS, structural(POLICY_KIND), scope="Cluster", status=False)
