"""The ModelDeployment itself: what Git says."""

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from podium.api.base import Value, rules
from podium.api.gates import Gate
from podium.api.model import ModelRef, RegistryRef
from podium.api.rollout import Rollout
from podium.api.serving import Serving
from podium.api.status import Status

GROUP: Final = "podium.dev"
VERSION_NAME: Final = "v1alpha1"
API_VERSION: Final = "podium.dev/v1alpha1"
KIND: Final = "ModelDeployment"
PLURAL: Final = "modeldeployments"
NAME_LIMIT = 50  # Services are named <name>-a and -b, pods <name>-a-<10>-<5>: all within 63 characters
_NAME = f"metadata.name must be at most {NAME_LIMIT} characters and a DNS label: Services are named after it"
_ALIAS = "model.alias must differ from registry.aliases.champion: Podium writes that one"


class Spec(
    Value,
    json_schema_extra=rules(
        (
            "!has(self.model.alias) || self.model.alias != (has(self.registry) && has(self.registry.aliases) && "
            "has(self.registry.aliases.champion) ? self.registry.aliases.champion : 'champion')",
            _ALIAS,
        ),
    ),
):
    """What Git wants: the version, the gates it must pass, how it runs and how it is tried."""

    model: ModelRef = Field(description="The model version that Git wants as champion.")
    registry: RegistryRef = Field(RegistryRef(), description="The MLflow registry. Default: the operator's setting.")
    gates: list[Gate] = Field(
        [], max_length=32, description="Questions about the registry's facts; all hold, or no pod is started."
    )
    serving: Serving = Field(Serving(), description="How the versions run.")
    rollout: Rollout = Field(Rollout(), description="The trial of a challenger.")
    paused: bool = Field(False, description="Holds all progress. A rollback is never held.")

    @model_validator(mode="after")
    def _own_alias(self) -> Self:
        if self.model.alias == self.registry.aliases.champion:
            raise ValueError(_ALIAS)
        return self


class ModelDeployment(Value):
    """A registered model in service: one champion, and a challenger while a new version is on trial."""

    api_version: Literal["podium.dev/v1alpha1"] = API_VERSION
    kind: Literal["ModelDeployment"] = KIND
    metadata: dict[str, Any]
    spec: Spec = Field(description="What Git wants.")
    status: Status | None = Field(None, description="What Podium decided, and why.")
