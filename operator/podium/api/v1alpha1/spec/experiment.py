"""Several challengers at once: which versions, how much traffic each gets, and by what the best of them is chosen."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from podium.api.v1alpha1.spec.guards import Query
from podium.api.v1alpha1.spec.model import VersionNumber
from podium.api.v1alpha1.values.base import Duration, Value, duration_between
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

MOST_ARMS: Final = 8
MOST_WEIGHT: Final = 90  # percent of all arms together: the champion keeps a share to be compared with


class ExperimentArm(Value):
    """One challenger of an experiment."""

    version: VersionNumber = Field(description="Version of the model.")
    weight: int = Field(ge=1, le=50, description="Percent of the traffic that it gets.")


class ExperimentMetric(Value):
    """What more is better of: two PromQL expressions for totals that only rise.

    `{{namespace}}`, `{{name}}`, `{{version}}` and `{{slot}}` are filled in, inside quotes, for each arm.
    """

    good: Query = Field(description="PromQL for the total of good ones, one sample: orders, clicks.")
    total: Query = Field(description="PromQL for the total of all, one sample.")


class Experiment(Value):
    """Several challengers beside the champion. The best that fails no guard is tried as any version is."""

    RULES = (
        Rule(
            f"self.arms.map(arm, arm.weight).sum() <= {MOST_WEIGHT}",
            f"the arms may get {MOST_WEIGHT} % together: the champion keeps the rest",
            lambda experiment: sum(arm.weight for arm in experiment.arms) <= MOST_WEIGHT,
            field=".arms",
        ),
    )

    arms: Annotated[list[ExperimentArm], KeyedBy("version")] = Field(
        min_length=1,
        max_length=MOST_ARMS,
        description="The challengers. Of two that are equally good, the first is chosen.",
    )
    duration: Annotated[Duration, duration_between("10s", "720h")] = Field(
        timedelta(hours=1), description="How long all arms have their weights before the best one is chosen."
    )
    metric: ExperimentMetric | None = Field(
        None,
        description="What decides which arm is the best: the largest share that is proved to be exceeded. Without it, "
        "the first arm that has not failed is.",
    )
