"""The ModelDeployment itself: name, spec and status, as a file has them."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Status
from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import Rule

GROUP: Final = "podium.dev"
VERSION_NAME: Final = "v1alpha1"
API_VERSION: Final = "podium.dev/v1alpha1"
KIND: Final = "ModelDeployment"
PLURAL: Final = "modeldeployments"
LABEL: Final = "podium.dev/deployment"  # on everything that belongs to a ModelDeployment: its name
# Services are named <name>-a and -b, and labels hold the name: at most 63 characters, as in RFC 1035. What is left is
# for suffixes of objects that are still to come. (Names of pods are cut by Kubernetes itself.)
NAME_LIMIT = 50
NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"


def _nameable(metadata: Mapping[str, Any]) -> bool:
    """Whether the objects that belong to it can be named after it. With generateName, the API server makes the name."""
    name = metadata.get("name")
    if name is None:
        return bool(metadata.get("generateName"))
    return len(name) <= NAME_LIMIT and re.fullmatch(NAME_PATTERN, name) is not None


class ModelDeploymentManifest(Value):
    """A registered model in service: one champion, and a challenger while a new version is on trial."""

    RULES = (
        Rule(
            f"self.metadata.name.size() <= {NAME_LIMIT} && self.metadata.name.matches('{NAME_PATTERN}')",
            f"must be at most {NAME_LIMIT} of a-z, 0-9 and -, beginning with a letter: Services are named after it",
            lambda it: _nameable(it.metadata),
            field=".metadata.name",
        ),
    )

    api_version: Literal["podium.dev/v1alpha1"] = API_VERSION
    kind: Literal["ModelDeployment"] = KIND
    metadata: dict[str, Any]
    spec: Spec = Field(description="Desired state.")
    status: Status | None = Field(None, description="What Podium decided, and why.")
