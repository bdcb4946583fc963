"""Guards: criteria for served traffic, tested throughout the trial. Each becomes counts of bad answers among all."""

import json
import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from podium.api.v1alpha1.spec.gates import GateName
from podium.api.v1alpha1.values.base import Duration, Percent, Value, duration_between, percent_between
from podium.api.v1alpha1.values.one_of import OneOf
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

Limit = Annotated[Percent, percent_between("0.001%", "50%")]
Margin = Annotated[Percent, percent_between("0.01%", "50%")]

PLACEHOLDERS: Final = ("namespace", "name", "version", "slot")  # of a query; podium.core.analysis.promql fills them in
_FILLED = rf"\{{\{{ *(?:{'|'.join(PLACEHOLDERS)}) *\}}\}}"
_TEXT = "|".join(rf"{q}(?:[^{q}\\{{]|\\.|\{{[^{q}\\{{]|\{{\\.|{_FILLED})*\{{?{q}" for q in ('"', "'"))
_QUERY = rf"^(?:[^\"'`{{]|{_TEXT}|\{{(?:[^\"'`{{]|{_TEXT}))+$"

Query = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        examples=['sum(bad_total{namespace="{{namespace}}", podium_dev_slot="{{slot}}"})'],
    ),
    Rule(
        f"self.matches({json.dumps(_QUERY)})",
        "placeholders are {{namespace}}, {{name}}, {{version}} and {{slot}}, inside of quotes that are closed",
        lambda query: re.fullmatch(_QUERY, query) is not None,
    ),
]

_LIMITED = Rule(
    "has(self.atMost) || has(self.maxAboveChampion)",
    "at least one of atMost and maxAboveChampion is needed",
    lambda guard: guard.at_most is not None or guard.max_above_champion is not None,
    reason="FieldValueRequired",
)


class ErrorRateGuard(Value):
    """Share of the challenger's answers that fail through its own fault (5xx, timeouts; never 4xx)."""

    RULES = (_LIMITED,)

    at_most: Limit | None = Field(None, description="Largest share of failed answers that is tolerated, in percent.")
    max_above_champion: Margin | None = Field(
        None,
        description="The share of failed answers may be above the champion's, in the same time, by at most so many "
        "percentage points.",
    )


class LatencyGuard(Value):
    """Share of the challenger's answers that are slow."""

    RULES = (
        Rule(
            "has(self.atMost) || has(self.maxSlowerThanChampion)",
            "at least one of atMost and maxSlowerThanChampion is needed",
            lambda guard: guard.at_most is not None or guard.max_slower_than_champion is not None,
            reason="FieldValueRequired",
        ),
    )

    percentile: float = Field(95, ge=50, le=99.99, description="Percentile that is limited.")
    at_most: Annotated[Duration, duration_between("1ms", "10m")] | None = Field(
        None, description="The percentile must be at most this: that share of answers must be as quick as this."
    )
    max_slower_than_champion: Margin | None = Field(
        None,
        description="The share of answers that are slower than the champion's own percentile may be above the "
        "champion's, in the same time, by at most so many percentage points.",
    )
    warm_up_answers: int = Field(
        20, ge=0, le=10_000, description="First answers of a pod whose time does not count: caches are still cold."
    )


class InvalidOutputGuard(Value):
    """Share of the challenger's answers that are no predictions: NaN, infinite, or of the wrong shape."""

    RULES = (_LIMITED,)

    at_most: Limit | None = Field(None, description="Largest share of invalid answers that is tolerated, in percent.")
    max_above_champion: Margin | None = Field(
        None,
        description="The share of invalid answers may be above the champion's, in the same time, by at most so many "
        "percentage points.",
    )


class PredictionShiftGuard(Value):
    """The distribution of the challenger's predictions beside the champion's on the same traffic."""

    max_shift: Margin = Field(
        description="Largest gap between the two distribution functions, at the deciles of the champion, or for "
        "classes the largest gap of a class's share, in percentage points."
    )


class PrometheusGuard(Value):
    """Anything else that Prometheus counts: two PromQL expressions for totals that only rise.

    `{{namespace}}`, `{{name}}`, `{{version}}` and `{{slot}}` are filled in, inside quotes, for challenger and champion.
    Where a pod template is on trial, only `{{slot}}` tells the two apart: without it the guard is Inconclusive.
    """

    RULES = (_LIMITED,)

    bad: Query = Field(description="PromQL for the total of bad ones, one sample.")
    total: Query = Field(description="PromQL for the total of all, one sample.")
    at_most: Limit | None = Field(None, description="Largest share of bad ones that is tolerated, in percent.")
    max_above_champion: Margin | None = Field(
        None,
        description="The share of bad ones may be above the champion's, in the same time, by at most so many "
        "percentage points.",
    )


class ShadowGuard(Value):
    """Pairs of answers to the same request: the champion's to the user, and the challenger's to a copy.

    It judges the steps with a `shadow`, and no others.
    """

    RULES = (
        Rule(
            "has(self.maxAboveChampion) || has(self.maxDisagreement)",
            "at least one of maxAboveChampion and maxDisagreement is needed",
            lambda guard: guard.max_above_champion is not None or guard.max_disagreement is not None,
            reason="FieldValueRequired",
        ),
    )

    max_above_champion: Margin | None = Field(
        None,
        description="The share of pairs in which only the challenger's answer is bad (failed or invalid) may be above "
        "the share of those in which only the champion's is, by at most so many percentage points.",
    )
    max_disagreement: Limit | None = Field(
        None,
        description="Largest share of pairs with two good answers in which the predictions disagree, in percent. "
        "Without maxAboveChampion, pairs in which only the challenger's answer is bad disagree, too.",
    )
    tolerance: Annotated[Percent, percent_between("0%", "100%")] = Field(
        0.0,
        json_schema_extra={"default": "0%"},
        description="How far two numbers may be apart that agree, in percent of the champion's. Numbers that differ by "
        "rounding alone always do; classes agree where they are equal.",
    )


class Guard(OneOf):
    """One criterion for served traffic, tested throughout the trial."""

    name: GateName
    error_rate: ErrorRateGuard | None = Field(None, description="Limit the share of failed answers.")
    latency: LatencyGuard | None = Field(None, description="Limit the share of slow answers.")
    invalid_output: InvalidOutputGuard | None = Field(
        None, description="Limit the share of answers that are no predictions."
    )
    prediction_shift: PredictionShiftGuard | None = Field(
        None, description="Limit how far the predictions move from the champion's."
    )
    prometheus: PrometheusGuard | None = Field(None, description="Limit the share of what Prometheus counts.")
    shadow: ShadowGuard | None = Field(
        None, description="Compare answers to the same requests, in the steps with a shadow."
    )

    @property
    def latency_limit(self) -> timedelta | None:
        """The limit that a latency histogram needs an edge at."""
        return self.latency.at_most if self.latency else None

    @property
    def limits_alone(self) -> bool:
        """Whether it limits the version's own share, whatever another version answers."""
        return getattr(self.settings, "at_most", None) is not None


Guards = Annotated[list[Guard], KeyedBy("name")]
