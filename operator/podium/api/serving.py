"""How the versions run: size, image and the pod details that pass through unchanged."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from podium.api.base import Duration, Value

PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}
PodFragment = Annotated[dict[str, Any], Field(json_schema_extra=PRESERVE)]


class Serving(Value):
    """How the versions run. Pod details have the fields of the Pod API and are checked by the API server."""

    replicas: int = Field(1, ge=1, le=1000, description="Pods that serve the champion.")
    image: str | None = Field(
        None, max_length=512, description="Image of the model server. Default: the operator's own setting."
    )
    resources: PodFragment = Field({}, description="Resources of the model server's container, as in a Pod.")
    env: list[PodFragment] = Field([], max_length=128, description="Environment of the container, as in a Pod.")
    env_from: list[PodFragment] = Field([], max_length=32, description="Sources of environment, as in a Pod.")
    node_selector: dict[str, str] = Field({}, description="Labels of the nodes to run on, as in a Pod.")
    tolerations: list[PodFragment] = Field([], max_length=32, description="Taints to tolerate, as in a Pod.")
    affinity: PodFragment = Field({}, description="Affinity of the pods, as in a Pod.")
    image_pull_secrets: list[PodFragment] = Field([], max_length=8, description="Pull secrets, as in a Pod.")
    annotations: dict[str, str] = Field({}, description="Further annotations of the pods.")
    drain: Duration = Field(
        timedelta(seconds=5), description="How long a stopping pod still answers, so that traffic can move away."
    )
