"""How a challenger earns its traffic: steps, guards, patience and the watch after promotion."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from podium.api.base import Duration, Percent, Value, rules
from podium.api.gates import GateName

_RISING = "the weights of the steps must rise"
_SHARE = "atMost must lie between 0.001% and 50%"

SMALLEST_SHARE, LARGEST_SHARE = 0.00001, 0.5

OnSilence = Literal["hold", "proceed", "rollback"]


class Step(Value):
    """A share of the traffic for the challenger, and how long it must be seen in force."""

    weight: Annotated[int, Field(ge=1, le=100, description="Percent of the traffic that the challenger gets.")]
    hold: Duration = Field(
        timedelta(seconds=30),
        description="How long this weight must have been in force, at the least, before the next step.",
    )


class ErrorRateGuard(
    Value,
    json_schema_extra=rules(
        ("double(self.atMost.replace('%','')) >= 0.001 && double(self.atMost.replace('%','')) <= 50.0", _SHARE),
    ),
):
    """Share of the challenger's answers that fail through its own fault (5xx, timeouts; never 4xx)."""

    at_most: Percent = Field(description="Largest share of failed answers that is tolerated, in percent.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not SMALLEST_SHARE <= self.at_most <= LARGEST_SHARE:
            raise ValueError(_SHARE)
        return self


class Guard(Value):
    """One question about served traffic, asked all through the trial."""

    name: GateName
    error_rate: ErrorRateGuard = Field(description="Limit the share of failed answers.")


class Rollout(
    Value,
    json_schema_extra=rules(
        (
            "!has(self.steps) || self.steps.size() < 2 || "
            "self.steps.map(s, s.weight).isSorted() && "
            "self.steps.all(s, self.steps.filter(t, t.weight == s.weight).size() == 1)",
            _RISING,
        ),
    ),
):
    """The trial of a challenger."""

    steps: list[Step] = Field(
        default=[Step(weight=5), Step(weight=25), Step(weight=50)],
        min_length=1,
        max_length=20,
        description="Growing shares of traffic for the challenger; after the last one it is promoted.",
    )
    guards: list[Guard] = Field(
        default=[Guard(name="errors", error_rate=ErrorRateGuard(at_most=0.01))],
        max_length=16,
        description="Questions about the challenger's answers; one that is broken takes the traffic back.",
    )
    on_silence: OnSilence = Field(
        "hold", description="What to do when there was too little traffic to tell after `patience`."
    )
    patience: Duration = Field(
        timedelta(hours=1), description="How long a step may wait for enough answers before `onSilence` applies."
    )
    warm_up: Duration = Field(
        timedelta(minutes=10), description="How long the challenger may take until its pods are ready."
    )
    watch: Duration = Field(
        timedelta(minutes=30), description="How long the old champion is kept warm after a promotion."
    )
    retry: str | None = Field(
        None, max_length=64, description="Any new text here gives rejected versions another trial."
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        weights = [step.weight for step in self.steps]
        if weights != sorted(set(weights)):
            raise ValueError(_RISING)
        return self
