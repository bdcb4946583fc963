"""Which registered model, which version of it, and in which registry."""

import re
from typing import Annotated

from pydantic import Field

from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import Rule

# What MLflow itself takes, so that CRD, registry and model server have one rule. MLflow forbids "/" and ":" and
# what reads like a folder in the name of a registered model, and an alias that reads like a version.
ModelName = Annotated[
    str,
    Field(min_length=1, max_length=256, pattern=r"^[^/:\s][^/:]*$"),
    Rule(
        "self != '.' && self != '..'",
        "must not be . or ..: MLflow refuses such names",
        lambda name: name not in {".", ".."},
    ),
]
VersionNumber = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}$", max_length=10, examples=["7"])]
AliasName = Annotated[
    str,
    Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$", examples=["champion"]),
    Rule(
        "self != 'latest' && !self.matches('^[vV][0-9]+$')",
        "must not read like a version, as v7 or latest do: MLflow refuses such aliases",
        lambda alias: alias != "latest" and not re.fullmatch("[vV][0-9]+", alias),
    ),
]


class ModelRef(Value):
    """The model version to serve as champion."""

    RULES = (
        Rule(
            "has(self.version) != has(self.alias)",
            "exactly one of version and alias is needed",
            lambda model: (model.version is None) != (model.alias is None),
        ),
    )

    name: ModelName = Field(description="Name of the registered model in MLflow.")
    version: VersionNumber | None = Field(None, description="Version of the model to serve as champion.")
    alias: AliasName | None = Field(
        None, description="Alias to follow instead of a version: when it moves in the registry, a rollout begins."
    )


class Aliases(Value):
    """Names of the aliases that Podium writes."""

    champion: AliasName = Field("champion", description="Alias that points to the promoted version.")


class RegistryRef(Value):
    """The MLflow server that holds the model, and the login for it."""

    uri: str | None = Field(
        None,
        description="MLflow tracking URI. Default: the operator's own setting. Another address is tried as another pod "
        "template is, with the champion's own version.",
        pattern=r"^https?://[^\s@]+$",
        examples=["https://mlflow.example.com"],  # a login in the URI would end up in Events and status
        max_length=1024,
    )
    secret_name: str | None = Field(
        None,
        description=(
            "Secret in the same namespace whose keys MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD or "
            "MLFLOW_TRACKING_TOKEN hold the login. The operator and the serving pods use it. Where artifacts are in S3 "
            "without a proxy: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and MLFLOW_S3_ENDPOINT_URL, too."
        ),
        pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
        examples=["mlflow-login"],
        max_length=253,
    )
    aliases: Aliases = Field(Aliases(), description="Names of the aliases that Podium writes.")
    take_over_from: str | None = Field(
        None,
        description="ModelDeployment of another cluster, cluster/namespace/name, that has claimed the alias in the "
        "registry and is to write it no more: the condition AliasConflict names it. Any other claim stands.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[a-z0-9][-.a-z0-9]*/[a-z0-9][-.a-z0-9]*$",
        examples=["9d3c1f0e-5a0b-4f0e-9b1e-0c8d7a6f5e4d/ml/churn"],
        max_length=381,
    )
