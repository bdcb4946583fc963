"""The ModelDeployment itself and its spec."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field

from podium.api.base import Value
from podium.api.gates import Approvals, Gates
from podium.api.model import ModelRef, RegistryRef
from podium.api.rollout import Rollout
from podium.api.rules import Rule
from podium.api.serving import Serving
from podium.api.status import Status
from podium.api.traffic import Traffic

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


class Spec(Value):
    """The desired state: the version, the gates it must pass, how it runs and how it is tried."""

    RULES = (
        Rule(
            "!has(self.model.alias) || self.model.alias != (has(self.registry) && has(self.registry.aliases) && "
            "has(self.registry.aliases.champion) ? self.registry.aliases.champion : 'champion')",
            "must differ from registry.aliases.champion: Podium writes that one",
            lambda spec: spec.model.alias != spec.registry.aliases.champion,
            field=".model.alias",
        ),
    )

    model: ModelRef = Field(description="The model version to serve as champion.")
    registry: RegistryRef = Field(RegistryRef(), description="The MLflow registry. Default: the operator's setting.")
    gates: Gates = Field([], description="Checks of the version in the registry; all must pass before a pod starts.")
    approvals: Approvals = Field([], description="Versions that a person approves, for the gates that ask for it.")
    serving: Serving = Field(Serving(), description="How the versions run.")
    traffic: Traffic = Field(Traffic(), description="How clients reach the model.")
    rollout: Rollout = Field(Rollout(), description="The trial of a challenger.")
    paused: bool = Field(False, description="Stops all progress. A rollback is never stopped.")


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
