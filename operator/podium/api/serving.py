"""How the versions run: size, image and the parts of the pods that pass through."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from podium.api.base import Duration, Value, duration_between
from podium.api.pod import (
    Affinity,
    Annotations,
    EnvFromPart,
    EnvPart,
    Labels,
    PullSecretsPart,
    ResourcesPart,
    TolerationsPart,
)


class Serving(Value):
    """How the versions run. Pod details have the fields of the Pod API."""

    replicas: int = Field(1, ge=1, le=1000, description="Pods that serve the champion.")
    image: str | None = Field(
        None,
        min_length=1,
        max_length=512,
        description="Image of the model server. Default: the operator's own setting.",
    )
    resources: ResourcesPart = Field({}, description="Resources of the model server's container, as in a Pod.")
    env: EnvPart = Field([], description="Environment of the container, as in a Pod.")
    env_from: EnvFromPart = Field([], description="Sources of environment, as in a Pod.")
    node_selector: Labels = Field({}, description="Labels of the nodes to run on, as in a Pod.")
    tolerations: TolerationsPart = Field([], description="Taints to tolerate, as in a Pod.")
    affinity: Affinity = Field({}, description="Affinity of the pods, as in a Pod.")
    image_pull_secrets: PullSecretsPart = Field([], description="Secrets to pull the image with, as in a Pod.")
    annotations: Annotations = Field({}, description="Further annotations of the pods.")
    drain: Annotated[Duration, duration_between("0s", "1h")] = Field(
        timedelta(seconds=5), description="How long a stopping pod still answers, so that traffic can move away."
    )
