"""How clients reach the model: the Service that always leads to the versions in service."""

from typing import Literal

from pydantic import Field

from podium.api.base import Value
from podium.api.pod import Annotations
from podium.api.rules import Rule

ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]


class MainService(Value):
    """The Service that clients use, with the fields of the Service API. Which pods it leads to is Podium's part."""

    RULES = (
        Rule(
            "!has(self.nodePort) || has(self.type) && self.type != 'ClusterIP'",
            "needs type NodePort or LoadBalancer: a ClusterIP Service has no port on the nodes",
            lambda it: it.node_port is None or it.type != "ClusterIP",
            field=".nodePort",
        ),
    )

    type: ServiceType = Field("ClusterIP", description="Type of the Service, as in a Service.")
    port: int = Field(80, ge=1, le=65535, description="Port of the Service.")
    node_port: int | None = Field(
        None, ge=1, le=65535, description="Port on every node, as in a Service. Default: Kubernetes picks one."
    )
    annotations: Annotations = Field({}, description="Annotations of the Service, for load balancers and the like.")


class Traffic(Value):
    """How clients reach the model."""

    service: MainService = Field(MainService(), description="The Service that clients use, of the same name.")
