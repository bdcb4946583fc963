"""Who sets the size: an autoscaler of Podium's own, with the fields of Kubernetes' HorizontalPodAutoscaler."""

from typing import Annotated

from pydantic import Field

from podium.api.v1alpha1.spec.pod import PassedThrough
from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import Rule

MetricsPart = Annotated[list[PassedThrough], Field(min_length=1, max_length=16)]


class Autoscaling(Value):
    """A HorizontalPodAutoscaler that Podium owns. It sets the size of the ModelDeployment, never that of one slot."""

    RULES = (
        Rule(
            "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
            "must not be less than minReplicas",
            lambda it: it.min_replicas <= it.max_replicas,
            field=".maxReplicas",
        ),
    )

    min_replicas: int = Field(1, ge=1, le=1000, description="The champion never has fewer pods.")
    max_replicas: int = Field(ge=1, le=1000, description="The champion never has more pods.")
    metrics: MetricsPart | None = Field(
        None,
        description="What the size follows, as in a HorizontalPodAutoscaler. Default: CPU at 80 % of its requests.",
    )
    behavior: PassedThrough = Field({}, description="How fast it follows, as in a HorizontalPodAutoscaler.")

    def within(self, replicas: int) -> int:
        """The number of pods, brought between the limits."""
        return min(max(replicas, self.min_replicas), self.max_replicas)
