"""Gates: questions about the registry's facts, all of which must hold before any pod is started."""

from typing import Annotated

from pydantic import Field

from podium.api.base import Value
from podium.api.rules import KeyedBy, Rule

GateName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=40,
        examples=["accurate", "not-worse"],
        description="Name of this gate or guard, as messages and metrics show it.",
    ),
]


class MetricGate(Value):
    """A metric of the version's run against fixed limits, or against the champion's own value."""

    RULES = (
        Rule(
            "has(self.atLeast) || has(self.atMost) || has(self.maxDropFromChampion)",
            "at least one of atLeast, atMost and maxDropFromChampion is needed",
            lambda gate: {gate.at_least, gate.at_most, gate.max_drop_from_champion} != {None},
            reason="FieldValueRequired",
        ),
        Rule(
            "!has(self.atLeast) || !has(self.atMost) || self.atLeast <= self.atMost",
            "atLeast must not be above atMost: no value could pass",
            lambda gate: gate.at_least is None or gate.at_most is None or gate.at_least <= gate.at_most,
            field=".atLeast",
        ),
    )

    key: str = Field(min_length=1, max_length=250, description="Key of the metric, as the run logged it.")
    at_least: float | None = Field(None, description="The metric must be at least this.", allow_inf_nan=False)
    at_most: float | None = Field(None, description="The metric must be at most this.", allow_inf_nan=False)
    max_drop_from_champion: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="The metric may be lower than the champion's by at most this. Holds where there is no champion.",
    )


class TagsGate(Value):
    """Tags that the model version, or its run, must carry with a value that is not empty."""

    required: list[Annotated[str, Field(min_length=1, max_length=250)]] = Field(
        min_length=1, max_length=32, description="Keys of the tags that must be there."
    )


class Gate(Value):
    """One question about the registry's facts."""

    RULES = (
        Rule(
            "has(self.metric) != has(self.tags)",
            "exactly one of metric and tags is needed",
            lambda gate: (gate.metric is None) != (gate.tags is None),
        ),
    )

    name: GateName
    metric: MetricGate | None = Field(None, description="Compare a metric of the version's run.")
    tags: TagsGate | None = Field(None, description="Require tags on the version or its run.")


Gates = Annotated[list[Gate], Field(max_length=32), KeyedBy("name")]
