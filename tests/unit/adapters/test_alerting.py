"""Alerts and Providers on the API server."""

from datetime import UTC, datetime
from typing import Any

import pytest

from podium.adapters.kubernetes.alerting import KubernetesAlerting
from podium.adapters.kubernetes.api import Api
from podium.api.v1alpha1.alerting import AlertingStatus
from podium.api.v1alpha1.status import Condition
from podium.core.facts import Key
from podium.errors import Rejected
from tests.unit.adapters.api_in_memory import Objects

GROUP = "/apis/podium.dev/v1alpha1"


def kept(name: str, spec: dict[str, Any], namespace: str = "ml", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-of-{name}", "generation": 2}
    return {"metadata": {**metadata, "creationTimestamp": "2026-01-05T08:00:00Z"}, "spec": spec, **more}


def put(objects: Objects, plural: str, *found: dict[str, Any], at: str = GROUP) -> None:
    objects.kept[f"{at}/{plural}"] = {"items": list(found)}


SPEC = {"providerRef": {"name": "slack"}, "eventSources": [{"kind": "ModelDeployment", "name": "*"}]}


async def test_they_are_read_with_what_they_say(objects: Objects, api: Api) -> None:
    put(objects, "alerts", kept("ops", SPEC))
    put(objects, "providers", kept("slack", {"type": "slack", "secretRef": {"name": "slack"}}))
    (alert,), (provider,) = await KubernetesAlerting(api).alerts(), await KubernetesAlerting(api).providers()
    assert (alert.key, alert.uid, alert.generation) == (Key("ml", "ops"), "uid-of-ops", 2)
    assert alert.created == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert alert.spec is not None
    assert alert.spec.wants("churn", "ml.model.promoted.v1", "info")
    assert provider.spec is not None
    assert (provider.spec.type, provider.spec.timeout.total_seconds()) == ("slack", 15)


async def test_without_their_crds_there_are_none(api: Api) -> None:
    assert await KubernetesAlerting(api).alerts() == []
    assert await KubernetesAlerting(api).providers() == []


async def test_without_the_right_to_list_them_it_is_not_known_that_there_are_none(objects: Objects, api: Api) -> None:
    objects.forbidden.add(f"{GROUP}/alerts")
    with pytest.raises(Rejected, match="no right to list"):
        await KubernetesAlerting(api).alerts()


async def test_an_operator_of_some_namespaces_lists_those(objects: Objects, api: Api) -> None:
    for namespace in ("ml", "fraud"):
        put(objects, "alerts", kept("ops", SPEC, namespace), at=f"{GROUP}/namespaces/{namespace}")
    found = await KubernetesAlerting(api, ("ml", "fraud")).alerts()
    assert [each.key.namespace for each in found] == ["ml", "fraud"]


async def test_one_that_cannot_be_read_says_why_and_the_others_are_there(objects: Objects, api: Api) -> None:
    status = {"conditions": "none", "observedGeneration": "?"}
    put(
        objects,
        "providers",
        kept("pigeon", {"type": "pigeon"}),
        kept("bus", {"type": "generic", "address": "http://b"}),
    )
    put(objects, "alerts", kept("ops", {**SPEC, "newer": 1}, status=status))
    pigeon, bus = await KubernetesAlerting(api).providers()
    assert pigeon.spec is None
    assert pigeon.flaw.startswith("spec.type cannot be read: ")
    assert bus.spec is not None
    (alert,) = await KubernetesAlerting(api).alerts()
    assert (alert.spec, alert.status) == (None, AlertingStatus())


async def test_a_status_is_written_to_this_very_object(objects: Objects, api: Api) -> None:
    put(objects, "alerts", kept("ops", SPEC))
    (alert,) = await KubernetesAlerting(api).alerts()
    ready = Condition(
        type="Ready",
        status="True",
        reason="Succeeded",
        message="events go to Provider slack",
        observed_generation=2,
        last_transition_time=datetime(2026, 1, 5, 9, tzinfo=UTC),
    )
    await KubernetesAlerting(api).write_status(alert, AlertingStatus(observed_generation=2, conditions=[ready]))
    written = objects.kept[f"{GROUP}/namespaces/ml/alerts/ops/status"]
    assert written["metadata"]["uid"] == "uid-of-ops"
    assert written["status"] == {
        "observedGeneration": 2,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Succeeded",
                "message": "events go to Provider slack",
                "observedGeneration": 2,
                "lastTransitionTime": "2026-01-05T09:00:00Z",
            }
        ],
    }
