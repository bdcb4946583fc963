"""`spec` as one value."""

from collections.abc import Sequence

from pydantic import Field

from podium.api.v1alpha1.spec.approvals import Approvals
from podium.api.v1alpha1.spec.experiment import ExperimentArm
from podium.api.v1alpha1.spec.gates import Gates
from podium.api.v1alpha1.spec.model import ModelRef, RegistryRef
from podium.api.v1alpha1.spec.rollout import Rollout
from podium.api.v1alpha1.spec.serving import Serving
from podium.api.v1alpha1.spec.traffic import Traffic
from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import Rule

_EXPERIMENT = "(has(self.rollout) && has(self.rollout.experiment))"


def arms_of(spec: "Spec") -> Sequence[ExperimentArm]:
    """The arms of the experiment; none where there is none."""
    return spec.rollout.experiment.arms if spec.rollout.experiment is not None else ()


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
        Rule(
            f"!{_EXPERIMENT} || has(self.model.version)",
            "rollout.experiment needs model.version: that is the champion which its arms are compared with",
            lambda spec: spec.rollout.experiment is None or spec.model.version is not None,
            field=".model",
            reason="FieldValueRequired",
        ),
        Rule(
            f"!{_EXPERIMENT} || !has(self.model.version) || "
            "!self.rollout.experiment.arms.exists(arm, arm.version == self.model.version)",
            "no arm of rollout.experiment may be model.version: the champion is compared with all of them",
            lambda spec: spec.model.version not in {arm.version for arm in arms_of(spec)},
            field=".rollout.experiment.arms",
        ),
        Rule(
            f"!{_EXPERIMENT} || (has(self.traffic) && has(self.traffic.gateway) && !has(self.traffic.sessionAffinity))",
            "rollout.experiment needs traffic.gateway, without sessionAffinity: the shares of several arms are exact "
            "by its route alone",
            lambda spec: (
                spec.rollout.experiment is None
                or (spec.traffic.gateway is not None and spec.traffic.session_affinity is None)
            ),
            field=".traffic",
        ),
        Rule(
            f"!{_EXPERIMENT} || !has(self.serving) || !has(self.serving.reload) || self.serving.reload != 'InPlace'",
            "rollout.experiment needs pods for each arm: serving.reload must not be InPlace",
            lambda spec: spec.rollout.experiment is None or spec.serving.reload != "InPlace",
            field=".serving",
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
