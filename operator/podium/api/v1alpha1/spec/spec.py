"""`spec` as one value."""

from pydantic import Field

from podium.api.v1alpha1.spec.approvals import Approvals
from podium.api.v1alpha1.spec.gates import Gates
from podium.api.v1alpha1.spec.model import ModelRef, RegistryRef
from podium.api.v1alpha1.spec.rollout import Rollout
from podium.api.v1alpha1.spec.serving import Serving
from podium.api.v1alpha1.spec.traffic import Traffic
from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import Rule


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
