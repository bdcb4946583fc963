"""How a challenger earns its traffic: steps, guards, timeouts and the soak after promotion."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from podium.api.base import Duration, Percent, Value, duration_between, percent_between
from podium.api.guards import ErrorRateGuard, Guard, Guards
from podium.api.rules import Rule

OnInconclusive = Literal["Wait", "Proceed", "RollBack"]


class Step(Value):
    """A share of the traffic for the challenger, and how long it must be seen in force."""

    weight: Annotated[int, Field(ge=1, le=100, description="Percent of the traffic that the challenger gets.")]
    duration: Annotated[Duration, duration_between("0s", "168h")] = Field(
        timedelta(seconds=30),
        description="How long this weight must have been in force, at the least, before the next step.",
    )


_RISING = Rule(
    "self.map(step, step.weight).isSorted() && "
    "self.all(one, self.filter(other, other.weight == one.weight).size() == 1)",
    "each step must have a higher weight than the one before it",
    lambda steps: all(one.weight < other.weight for one, other in pairwise(steps)),
)


class Rollout(Value):
    """The trial of a challenger."""

    steps: Annotated[list[Step], _RISING] = Field(
        default=[Step(weight=5), Step(weight=25), Step(weight=50)],
        min_length=1,
        max_length=20,
        description="Growing shares of traffic for the challenger; after the last one it is promoted.",
    )
    guards: Guards = Field(
        default=[Guard(name="errors", error_rate=ErrorRateGuard(at_most=0.01))],
        max_length=16,
        description="Questions about the challenger's answers; one that is broken takes the traffic back.",
    )
    false_rollback_rate: Annotated[Percent, percent_between("0.001%", "20%")] = Field(
        0.01,
        json_schema_extra={"default": "1%"},
        description="Chance of a false rollback in a whole trial, all guards together.",
    )
    false_promotion_rate: Annotated[Percent, percent_between("0.01%", "20%")] = Field(
        0.05,
        json_schema_extra={"default": "5%"},
        description="Chance that a guard which does not hold is said to hold: of a false promotion.",
    )
    detect: float = Field(
        10,
        ge=2,  # whole: the API server rounds the limits of whole numbers down
        le=1000,
        allow_inf_nan=False,
        description="A step has seen enough once a challenger so many times worse than the limit would have been "
        "found out, with a probability of 95 %.",
    )
    consecutive_failures: int = Field(
        10, ge=2, le=10_000, description="So many bad answers of a pod, one after the other, end the trial at once."
    )
    on_inconclusive: OnInconclusive = Field(
        "Wait", description="What to do when there was too little traffic to tell after `stepTimeout`."
    )
    step_timeout: Annotated[Duration, duration_between("1s", "720h")] = Field(
        timedelta(hours=1), description="How long a step may wait for enough answers before `onInconclusive` applies."
    )
    startup_timeout: Annotated[Duration, duration_between("1s", "24h")] = Field(
        timedelta(minutes=10), description="How long the challenger may take until its pods are ready."
    )
    soak: Annotated[Duration, duration_between("0s", "720h")] = Field(
        timedelta(minutes=30), description="How long the old champion is kept warm after a promotion."
    )
    retry: str | None = Field(
        None, max_length=64, description="Any new text here gives rejected versions another trial."
    )
