"""`Provider` and `Alert`: what they may hold, and which events an Alert tells of."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from podium.api.v1alpha1.alerting import AlertManifest, AlertSpec, ProviderManifest, ProviderSpec, told_by
from podium.api.v1alpha1.event_types import MODEL_EVENTS, PROMOTED, SERVICE_EVENTS
from podium.api.v1alpha1.schema.alerting import alerting_definition
from podium.api.v1alpha1.schema.jsonschema import json_schema

PROVIDER: dict[str, Any] = {"type": "generic", "address": "https://events.example.com/podium"}
MAIL: dict[str, Any] = {
    "type": "smtp",
    "address": "smtp://mail.example.com",
    "channel": "ml@example.com, on-call@example.com",
    "username": "podium@example.com",
}
ALERT: dict[str, Any] = {"providerRef": {"name": "bus"}, "eventSources": [{"name": "*"}]}
INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("Provider", {"type": "generic"}, "address is needed"),
    ("Provider", {"type": "nats", "address": "nats://nats.example.com"}, "channel"),
    ("Provider", {"type": "nats", "address": "nats://nats.example.com", "channel": "ml.*"}, "channel"),
    ("Provider", {"type": "nats", "address": "https://nats.example.com", "channel": "ml.news"}, "address"),
    ("Provider", {**PROVIDER, "address": "nats://events.example.com"}, "address"),
    ("Provider", {"type": "kafka", "address": "kafka://kafka.example.com"}, "kafka needs channel"),
    ("Provider", {"type": "kafka", "address": "kafka://kafka.example.com", "channel": "ml news"}, "kafka needs"),
    ("Provider", {"type": "kafka", "address": "kafka-ssl://kafka.example.com", "channel": "ml.news"}, "address"),
    ("Provider", {**MAIL, "channel": None}, "smtp needs channel"),
    ("Provider", {**MAIL, "channel": "ml@example.com;all@example.com"}, "smtp needs channel"),
    ("Provider", {**MAIL, "channel": "ml@example.com> NOTIFY=NEVER"}, "smtp needs channel"),
    ("Provider", {**MAIL, "username": None}, "smtp needs username"),
    ("Provider", {**MAIL, "username": "Podium <podium@example.com>"}, "smtp needs username"),
    ("Provider", {**MAIL, "address": "https://mail.example.com"}, "address must begin with smtp:// or smtps://"),
    ("Provider", {**PROVIDER, "address": "smtp://mail.example.com"}, "address must begin with smtp:// or smtps://"),
    ("Provider", {**PROVIDER, "type": "generic-hmac"}, "generic-hmac needs secretRef"),
    ("Provider", {**PROVIDER, "type": "pigeon"}, "type"),
    ("Provider", {**PROVIDER, "address": "ftp://events.example.com"}, "address"),
    ("Provider", {**PROVIDER, "address": "https://bob:secret@events.example.com"}, "address"),
    ("Provider", {**PROVIDER, "timeout": "0s"}, "between 1s and 60s"),
    ("Provider", {**PROVIDER, "timeout": "5m"}, "between 1s and 60s"),
    ("Provider", {**PROVIDER, "channel": "two\nlines"}, "channel"),
    ("Provider", {**PROVIDER, "secretRef": {"name": "UPPER"}}, "secretRef"),
    ("Provider", {**PROVIDER, "proxy": "http://proxy"}, "proxy"),
    ("Alert", {**ALERT, "eventSources": []}, "eventSources"),
    ("Alert", {**ALERT, "eventSources": [{"name": "a"}, {"name": "a"}]}, "is there twice"),
    ("Alert", {**ALERT, "eventSources": [{"kind": "HelmRelease", "name": "a"}]}, "kind"),
    ("Alert", {**ALERT, "eventSources": [{"name": "a*"}]}, "name"),
    ("Alert", {**ALERT, "eventSeverity": "warning"}, "eventSeverity"),
    ("Alert", {**ALERT, "inclusionList": ["ml.*.promoted"]}, "inclusionList"),
    ("Alert", {**ALERT, "inclusionList": ["(a+)+$"]}, "inclusionList"),
    ("Alert", {"eventSources": [{"name": "*"}]}, "providerRef"),
]


@pytest.mark.parametrize(("kind", "spec", "named"), INVALID, ids=[f"{each[0]}-{each[2]}" for each in INVALID])
def test_a_mistake_is_refused_and_named(kind: str, spec: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError) as caught:
        (ProviderSpec if kind == "Provider" else AlertSpec).model_validate(spec)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("patterns", "told"),
    [
        ([], True),
        (["*"], True),
        (["ml.model.*"], True),
        (["ml.model.promoted.v1"], True),
        (["ml.model.prom*"], True),
        (["ml.model.promoted"], False),
        (["dev.cdevents.*", "ml.model.rejected.v1"], False),
    ],
)
def test_types_are_named_in_full_or_by_their_beginning(patterns: list[str], told: bool) -> None:
    included = AlertSpec.model_validate({**ALERT, "inclusionList": patterns})
    assert included.wants("churn", PROMOTED, "info") is told
    excluded = AlertSpec.model_validate({**ALERT, "exclusionList": patterns})
    assert excluded.wants("churn", PROMOTED, "info") is (not told if patterns else True)


def test_error_leaves_out_what_was_asked_for_and_info_nothing() -> None:
    errors = AlertSpec.model_validate({**ALERT, "eventSeverity": "error"})
    assert errors.wants("churn", PROMOTED, "error")
    assert not errors.wants("churn", PROMOTED, "info")
    assert AlertSpec.model_validate(ALERT).wants("churn", PROMOTED, "error")


def test_an_alert_is_about_the_sources_that_it_names() -> None:
    alert = AlertSpec.model_validate({**ALERT, "eventSources": [{"kind": "ModelDeployment", "name": "churn"}]})
    assert alert.wants("churn", PROMOTED, "info")
    assert not alert.wants("churn-2", PROMOTED, "info")


def test_a_chat_is_told_of_a_promotion_once() -> None:
    for kind in MODEL_EVENTS:
        assert told_by("slack", kind)
        assert told_by("generic", kind)
    for kind in SERVICE_EVENTS:
        assert not told_by("msteams", kind)
        assert told_by("generic-hmac", kind)


@pytest.mark.parametrize(("kind", "spec"), [("Provider", PROVIDER), ("Alert", ALERT)])
def test_an_editor_knows_them(kind: str, spec: dict[str, Any]) -> None:
    value = {"apiVersion": "podium.dev/v1alpha1", "kind": kind, "metadata": {"name": "bus"}, "spec": spec}
    validator = Draft202012Validator(json_schema(kind))
    validator.validate(value)
    assert not validator.is_valid({**value, "spec": {**spec, "unknown": 1}})
    assert (ProviderManifest if kind == "Provider" else AlertManifest).model_validate(value).kind == kind


@pytest.mark.parametrize("kind", ["Provider", "Alert"])
def test_kubectl_shows_whether_events_can_be_delivered(kind: str) -> None:
    (version,) = alerting_definition(kind)["spec"]["versions"]
    columns = [column["name"] for column in version["additionalPrinterColumns"]]
    assert {"Ready", "Reason", "Age"} <= set(columns)
    assert version["subresources"] == {"status": {}}
