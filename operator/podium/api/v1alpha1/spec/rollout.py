"""How a challenger earns its traffic: steps, guards, timeouts and the soak after promotion."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.after_soak import AfterSoak
from podium.api.v1alpha1.spec.experiment import Experiment
from podium.api.v1alpha1.spec.guards import ErrorRateGuard, Guard, Guards
from podium.api.v1alpha1.spec.steering import Abort, Promote
from podium.api.v1alpha1.values.base import Duration, Percent, Value, duration_between, percent_between
from podium.api.v1alpha1.values.rules import Rule

OnInconclusive = Literal["Wait", "Proceed", "RollBack"]


class Step(Value):
    """A share of the traffic for the challenger, or of copies of it, and the minimum time at it."""

    RULES = (
        Rule(
            "(has(self.weight) && self.weight > 0) != has(self.shadow)",
            "a step has either a weight of at least 1, or a shadow",
            lambda step: (step.weight > 0) != (step.shadow is not None),
            field=".weight",
            reason="FieldValueRequired",
        ),
    )

    weight: int = Field(
        0, ge=0, le=100, description="Percent of the traffic that the challenger gets; none of it in a shadow step."
    )
    shadow: Annotated[Percent, percent_between("0.1%", "100%")] | None = Field(
        None,
        description="Percent of the requests of which the challenger gets a copy, once the champion has answered. "
        "No user gets the answer to a copy: the two answers are compared by a guard of kind `shadow`.",
    )
    duration: Annotated[Duration, duration_between("0s", "168h")] = Field(
        timedelta(seconds=30),
        description="Minimum time at this step, measured once its weight is in force, before the next one.",
    )


_WEIGHTS = "self.map(step, has(step.weight) ? step.weight : 0)"  # the API server fills in no defaults
_RISING = Rule(
    f"{_WEIGHTS}.isSorted() && {_WEIGHTS}.all(one, one == 0 || {_WEIGHTS}.filter(other, other == one).size() == 1)",
    "each step must have a higher weight than the one before it; steps with a shadow come first",
    lambda steps: (
        all(one.weight < other.weight or other.weight == 0 for one, other in pairwise(steps))
        and [step.weight for step in steps] == sorted(step.weight for step in steps)
    ),
)
_SEEN_BY_USERS = Rule(
    f"{_WEIGHTS}.exists(weight, weight > 0)",
    "at least one step needs a weight: a shadow alone does not show what users get",
    lambda steps: any(step.weight > 0 for step in steps),
    reason="FieldValueRequired",
)


def _judged(steps: Sequence[Step], guards: Sequence[Guard]) -> bool:
    judges = sum(guard.shadow is not None for guard in guards)
    return judges == (1 if any(step.shadow is not None for step in steps) else 0)


class Rollout(Value):
    """The trial of a challenger."""

    RULES = (
        Rule(
            "(has(self.steps) && self.steps.exists(step, has(step.shadow))) == "
            "(has(self.guards) && self.guards.filter(guard, has(guard.shadow)).size() == 1)",
            "steps with a shadow need exactly one guard of kind shadow, and that guard such a step",
            lambda rollout: _judged(rollout.steps, rollout.guards),
            field=".guards",
        ),
        Rule(
            "!has(self.afterSoak) || !has(self.guards) || self.guards.exists(guard, "
            "(has(guard.errorRate) && has(guard.errorRate.atMost)) || "
            "(has(guard.latency) && has(guard.latency.atMost)) || "
            "(has(guard.invalidOutput) && has(guard.invalidOutput.atMost)) || "
            "(has(guard.prometheus) && has(guard.prometheus.atMost)))",
            "afterSoak needs a guard with atMost: no other version is there to compare the champion with",
            lambda rollout: rollout.after_soak is None or any(guard.limits_alone for guard in rollout.guards),
            field=".guards",
            reason="FieldValueRequired",
        ),
    )

    steps: Annotated[list[Step], _RISING, _SEEN_BY_USERS] = Field(
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
    after_soak: AfterSoak | None = Field(
        None,
        description="Watch the champion after its soak. Without it, no answer is judged then, and no pod is asked.",
    )
    experiment: Experiment | None = Field(
        None,
        description="Several challengers beside the champion, of which the best is tried. It begins once the version "
        "of `spec.model` is champion.",
    )
    retry: str | None = Field(
        None,
        max_length=64,
        description="Any change of this text gives rejected versions another trial, also one back to an earlier text.",
    )
    abort: Abort | None = Field(
        None,
        description="A version that is to be out of traffic: it is not rejected, and tried again without this field.",
    )
    promote: Promote | None = Field(
        None, description="A version whose trial may skip steps. It skips no gate, and no guard that is Failed."
    )
