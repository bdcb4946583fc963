"""Gates: questions about the registry's facts, all of which must hold before any pod is started."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from podium.api.base import Value, rules

GateName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=40,
        description="Name of this gate or guard, as messages and metrics show it.",
    ),
]
_LIMITS = "at least one of atLeast, atMost and maxDropFromChampion is needed"
_KINDS = "exactly one of metric and tags is needed"


class MetricGate(
    Value,
    json_schema_extra=rules(
        ("has(self.atLeast) || has(self.atMost) || has(self.maxDropFromChampion)", _LIMITS),
    ),
):
    """A metric of the version's run against fixed limits, or against the champion's own value."""

    key: str = Field(min_length=1, max_length=250, description="Key of the metric, as the run logged it.")
    at_least: float | None = Field(None, description="The metric must be at least this.", allow_inf_nan=False)
    at_most: float | None = Field(None, description="The metric must be at most this.", allow_inf_nan=False)
    max_drop_from_champion: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="The metric may be lower than the champion's by at most this. Holds where there is no champion.",
    )

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.at_least is None and self.at_most is None and self.max_drop_from_champion is None:
            raise ValueError(_LIMITS)
        return self


class TagsGate(Value):
    """Tags that the model version, or its run, must carry with a value that is not empty."""

    required: list[Annotated[str, Field(min_length=1, max_length=250)]] = Field(
        min_length=1, max_length=32, description="Keys of the tags that must be there."
    )


class Gate(Value, json_schema_extra=rules(("has(self.metric) != has(self.tags)", _KINDS))):
    """One question about the registry's facts."""

    name: GateName
    metric: MetricGate | None = Field(None, description="Compare a metric of the version's run.")
    tags: TagsGate | None = Field(None, description="Require tags on the version or its run.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.metric is None) == (self.tags is None):
            raise ValueError(_KINDS)
        return self
