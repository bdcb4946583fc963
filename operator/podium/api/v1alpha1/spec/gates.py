"""Gates: checks of a version, all of which must pass before any pod of it starts."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.approvals import Person
from podium.api.v1alpha1.spec.pod import EnvFromPart, EnvPart, Labels, PullSecretsPart, ResourcesPart, TolerationsPart
from podium.api.v1alpha1.values.base import Duration, Value, duration_between
from podium.api.v1alpha1.values.one_of import OneOf
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

GateName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=40,
        examples=["accurate", "not-worse"],
        description="Name of this gate or guard, as messages and metrics show it.",
    ),
]
Key = Annotated[str, Field(min_length=1, max_length=250)]

# What a pattern for a tag is made of: characters, escapes and sets, each with how often it may come, and | between
# whole alternatives. No groups: it is matched in one pass, whatever the registry sends. See core.gates.patterns.
_ONE = r"(\\[-dwsnt.*+?|()\[\]{}^$\\/]|\[\^?(\\[-dws^\]\[\\]|[^\\\[\]])+\]|[^\\\[\](){}*+?|^$])"
_TIMES = r"([*+?]|\{[0-9]{1,3}(,([0-9]{1,3})?)?\})?"
TAG_PATTERN = rf"^({_ONE}{_TIMES})+(\|({_ONE}{_TIMES})+)*$"
Pattern = Annotated[str, Field(min_length=1, max_length=200, pattern=TAG_PATTERN, examples=["[0-9a-f]{40}"])]

Change = Literal[
    "columnRemoved",
    "columnAdded",
    "typeNarrowed",
    "typeChanged",
    "optionalMadeRequired",
    "shapeChanged",
    "outputsChanged",
    "paramsChanged",
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

    key: Key = Field(description="Key of the metric, as the run logged it.")
    at_least: float | None = Field(None, description="The metric must be at least this.", allow_inf_nan=False)
    at_most: float | None = Field(None, description="The metric must be at most this.", allow_inf_nan=False)
    max_drop_from_champion: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description=(
            "The metric may be lower than the champion's by at most this. Passes where there is no champion. "
            "Fails where MLflow knows that the two were measured on different datasets."
        ),
    )


class TagsGate(Value):
    """Tags that the model version, or its run, must carry."""

    RULES = (
        Rule(
            "has(self.required) || has(self.patterns)",
            "at least one of required and patterns is needed",
            lambda gate: bool(gate.required or gate.patterns),
            reason="FieldValueRequired",
        ),
    )

    required: Annotated[list[Key], Field(min_length=1)] | None = Field(
        None, max_length=32, description="Keys of the tags that must be there, with a value that is not empty."
    )
    patterns: Annotated[dict[str, Pattern], Field(min_length=1)] | None = Field(
        None,
        max_length=32,
        description=(
            "Keys of tags, each with the pattern that its whole value must match: a regular expression of characters, "
            "escapes, sets such as [0-9a-f] and repeats such as {40}, with | between alternatives, without groups."
        ),
    )


class SignatureGate(Value):
    """The version's signature, compared with the champion's as those who call it would notice."""

    compatible_with: Literal["champion"] = Field(
        description="Whose signature it must be compatible with. Passes where there is no champion."
    )
    allow: list[Change] = Field(
        [],
        max_length=8,
        description=(
            "Kinds of change that are tolerated. Columns are inputs; columnAdded is about required ones only, for an "
            "optional one breaks no caller. A wider type is no change."
        ),
    )


class SemverGate(Value):
    """What the version is for those who call the champion, by the difference between their signatures."""

    at_most: Literal["patch", "minor", "major"] = Field(
        description="Largest step: major breaks callers, minor takes or gives more. A tag podium.dev/semver on both "
        "must say no less. Passes where there is no champion."
    )


_LIMITED = Rule(
    "has(self.atLeast) || has(self.atMost)",
    "at least one of atLeast and atMost is needed",
    lambda limits: limits.at_least is not None or limits.at_most is not None,
    reason="FieldValueRequired",
)
_PASSABLE = Rule(
    "!has(self.atLeast) || !has(self.atMost) || self.atLeast <= self.atMost",
    "atLeast must not be above atMost: no value could pass",
    lambda limits: limits.at_least is None or limits.at_most is None or limits.at_least <= limits.at_most,
    field=".atLeast",
)


class Limits(Value):
    """A metric of an evaluation, and its limits."""

    RULES = (_LIMITED, _PASSABLE)

    key: Key = Field(description="Key of the metric, as the evaluation logged it.")
    at_least: float | None = Field(None, description="The metric must be at least this.", allow_inf_nan=False)
    at_most: float | None = Field(None, description="The metric must be at most this.", allow_inf_nan=False)


class EvaluationGate(Value):
    """An evaluation that MLflow has linked to the version's logged model, as `mlflow.models.evaluate` does."""

    dataset: Key | None = Field(
        None, description="Name of the dataset that it was made on. Without it: the newest evaluation on any dataset."
    )
    metrics: Annotated[list[Limits], KeyedBy("key")] = Field(
        min_length=1, max_length=32, description="Metrics of the evaluation, each with its limits."
    )


_LONG = duration_between("0s", "99999h")


class AgeGate(Value):
    """Time since the version was registered."""

    RULES = (
        _LIMITED,
        Rule(
            "!has(self.atLeast) || !has(self.atMost) || duration(self.atLeast) <= duration(self.atMost)",
            "atLeast must not be above atMost: no version could pass",
            lambda gate: gate.at_least is None or gate.at_most is None or gate.at_least <= gate.at_most,
            field=".atLeast",
        ),
    )

    at_least: Annotated[Duration, _LONG] | None = Field(None, description="A younger version waits until it is so old.")
    at_most: Annotated[Duration, _LONG] | None = Field(None, description="An older version does not pass.")


class AutoApproval(Value):
    """A metric that approves or refuses automatically. Between the two limits, a person decides."""

    RULES = (
        Rule(
            "has(self.autoAtLeast) != has(self.autoAtMost)",
            "exactly one of autoAtLeast and autoAtMost is needed",
            lambda metric: (metric.auto_at_least is None) != (metric.auto_at_most is None),
        ),
        Rule(
            "!has(self.refusedBelow) || (has(self.autoAtLeast) && self.refusedBelow <= self.autoAtLeast)",
            "refusedBelow goes with autoAtLeast, and must not be above it",
            lambda metric: (
                metric.refused_below is None
                or (metric.auto_at_least is not None and metric.refused_below <= metric.auto_at_least)
            ),
            field=".refusedBelow",
        ),
        Rule(
            "!has(self.refusedAbove) || (has(self.autoAtMost) && self.refusedAbove >= self.autoAtMost)",
            "refusedAbove goes with autoAtMost, and must not be below it",
            lambda metric: (
                metric.refused_above is None
                or (metric.auto_at_most is not None and metric.refused_above >= metric.auto_at_most)
            ),
            field=".refusedAbove",
        ),
    )

    key: Key = Field(description="Key of the metric, as the run logged it.")
    auto_at_least: float | None = Field(None, allow_inf_nan=False, description="Approved from this value on.")
    refused_below: float | None = Field(
        None,
        allow_inf_nan=False,
        description="Refused below this value. The same as autoAtLeast: no person is ever asked.",
    )
    auto_at_most: float | None = Field(
        None, allow_inf_nan=False, description="Approved up to this value, where less is better."
    )
    refused_above: float | None = Field(
        None,
        allow_inf_nan=False,
        description="Refused above this value. The same as autoAtMost: no person is ever asked.",
    )


class ApprovalGate(Value):
    """A person's approval in `spec.approvals`; with `metric`, only where the metric does not decide."""

    by: list[Person] = Field([], max_length=32, description="Who may approve. Empty: any person.")
    metric: AutoApproval | None = Field(None, description="A metric that approves or refuses automatically.")


class JobGate(Value):
    """A pod that checks the version and must succeed. It gets PODIUM_MODEL_URI, models:/<name>/<version>.

    The pod's other details have the fields of the Pod API. It runs as the model server does: without privileges,
    without a service account's token.
    """

    image: str | None = Field(
        None, min_length=1, max_length=512, description="Image of the container. Default: that of the model server."
    )
    command: list[Annotated[str, Field(max_length=32768)]] = Field(
        [], max_length=64, description="Command of the container, as in a Pod."
    )
    args: list[Annotated[str, Field(max_length=32768)]] = Field(
        [], max_length=64, description="Arguments of the command, as in a Pod."
    )
    env: EnvPart = Field([], description="Environment of the container, as in a Pod.")
    env_from: EnvFromPart = Field([], description="Sources of environment, as in a Pod.")
    resources: ResourcesPart = Field({}, description="Resources of the container, as in a Pod.")
    node_selector: Labels = Field({}, description="Labels of the nodes to run on, as in a Pod.")
    tolerations: TolerationsPart = Field([], description="Taints to tolerate, as in a Pod.")
    image_pull_secrets: PullSecretsPart = Field([], description="Secrets to pull the image with, as in a Pod.")
    timeout: Annotated[Duration, duration_between("1s", "168h")] = Field(
        timedelta(minutes=30), description="How long it may take, with all its tries."
    )
    retries: int = Field(0, ge=0, le=10, description="How often it is tried again when it fails.")


class WebhookGate(Value):
    """A service that is called with a CloudEvent and answers `{"allowed": true or false, "message": "…"}`."""

    url: str = Field(
        pattern=r"^https?://[^\s@]+$",
        max_length=1024,
        examples=["https://review.example.com/podium"],
        description="Where the CloudEvent is sent, by POST.",
    )
    timeout: Annotated[Duration, duration_between("100ms", "5m")] = Field(
        timedelta(seconds=10), description="How long a response may take before the call is repeated."
    )
    secret_name: str | None = Field(
        None,
        pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
        max_length=253,
        examples=["review-login"],
        description="Secret in the same namespace whose key `authorization` is sent as the header Authorization.",
    )


class Gate(OneOf):
    """One check of the version."""

    name: GateName
    metric: MetricGate | None = Field(None, description="Compare a metric of the version's run.")
    tags: TagsGate | None = Field(None, description="Require tags on the version or its run.")
    signature: SignatureGate | None = Field(None, description="Compare its signature with the champion's.")
    semver: SemverGate | None = Field(None, description="Limit what it may be for the champion's callers.")
    evaluation: EvaluationGate | None = Field(None, description="Require an evaluation, with limits for its metrics.")
    age: AgeGate | None = Field(None, description="Limit the time since it was registered.")
    approval: ApprovalGate | None = Field(None, description="Require a person's approval in spec.approvals.")
    job: JobGate | None = Field(None, description="Run a pod that must succeed.")
    webhook: WebhookGate | None = Field(None, description="Call a service.")


Gates = Annotated[list[Gate], Field(max_length=32), KeyedBy("name")]
