"""How a challenger earns its traffic: steps, guards, timeouts and the soak after promotion."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.guards import ErrorRateGuard, Guard, Guards
from podium.api.v1alpha1.spec.steering import Abort, Promote
from podium.api.v1alpha1.values.base import Duration, Percent, Value, duration_between, percent_between
from podium.api.v1alpha1.values.rules import Rule

OnInconclusive = Literal["Wait", "Proceed", "RollBack"]


class Step(Value):
    """A share of the traffic for the challenger, and the minimum time at it."""

    weight: Annotated[int, Field(ge=1, le=100, description="Percent of the traffic that the challenger gets.")]
    duration: Annotated[Duration, duration_between("0s", "168h")] = Field(
        timedelta(seconds=30),
        description="Minimum time at this weight, measured once the traffic has it, before the next step.",
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
        description="Criteria for the challenger's answers; one that fails rolls the traffic back.",
    )
    false_rollback_rate: Annotated[Percent, percent_between("0.001%", "20%")] = Field(
        0.01,
        json_schema_extra={"default": "1%"},
        description="Probability of a false rollback in a whole trial, all guards together (the α of the literature).",
    )
    false_promotion_rate: Annotated[Percent, percent_between("0.01%", "20%")] = Field(
        0.05,
        json_schema_extra={"default": "5%"},
        description="Probability of a false promotion: a guard passes although its limit is exceeded "
        "(the β of the literature).",
    )
    detect: float = Field(
        10,
        ge=2,  # whole: the API server rounds the limits of whole numbers down
        le=1000,
        allow_inf_nan=False,
        description="A step has enough evidence once a challenger so many times worse than the limit would have been "
        "detected with a probability of 95 %.",
    )
    consecutive_failures: int = Field(
        10, ge=2, le=10_000, description="Number of consecutive bad answers of one pod that ends the trial at once."
    )
    on_inconclusive: OnInconclusive = Field(
        "Wait", description="What to do when the evidence is still inconclusive after `stepTimeout`."
    )
    step_timeout: Annotated[Duration, duration_between("1s", "720h")] = Field(
        timedelta(hours=1),
        description="Maximum time that a step waits for enough answers before `onInconclusive` applies.",
    )
    startup_timeout: Annotated[Duration, duration_between("1s", "24h")] = Field(
        timedelta(minutes=10), description="Maximum time until the challenger's pods are ready."
    )
    soak: Annotated[Duration, duration_between("0s", "720h")] = Field(
        timedelta(minutes=30), description="How long the former champion is kept warm after a promotion."
    )
    retry: str | None = Field(None, max_length=64, description="Any new text gives rejected versions another trial.")
    abort: Abort | None = Field(
        None,
        description="A version that is to be out of traffic: it is not rejected, and tried again without this field.",
    )
    promote: Promote | None = Field(
        None, description="A version whose trial may skip steps. It skips no gate, and no guard that is Failed."
    )
