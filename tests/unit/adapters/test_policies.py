"""PodiumPolicies on the API server."""

from typing import Any

import pytest

from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.policies import KubernetesPolicies
from podium.errors import Rejected
from tests.unit.adapters.api_in_memory import Objects

GROUP = "/apis/podium.dev/v1alpha1"


def put(objects: Objects, **specs: dict[str, Any]) -> None:
    items = [{"metadata": {"name": name}, "spec": spec} for name, spec in specs.items()]
    objects.kept[f"{GROUP}/podiumpolicies"] = {"metadata": {"resourceVersion": "7"}, "items": items}


async def test_they_are_read_by_name_and_one_that_cannot_be_read_grants_nothing(
    objects: Objects, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    first, last = {"namespaceSelector": {"matchNames": ["a"]}}, {"namespaceSelector": {"matchNames": ["b"]}}
    put(objects, b=last, a=first, bad={"namespaceSelector": {}, "jobs": {"enabled": "perhaps"}})
    found = await KubernetesPolicies(api).policies()
    assert found is not None
    assert [one.namespace_selector.match_names for one in found] == [["a"], ["b"]]
    assert "PodiumPolicy bad grants nothing: spec.jobs.enabled cannot be read" in caplog.text


async def test_without_the_kind_there_are_none(api: Api) -> None:
    assert await KubernetesPolicies(api).policies() is None


async def test_labels_are_by_namespace(objects: Objects, api: Api) -> None:
    objects.kept["/api/v1/namespaces"] = {
        "items": [{"metadata": {"name": "ml", "labels": {"team": "churn"}}}, {"metadata": {"name": "x"}}]
    }
    assert await KubernetesPolicies(api).namespaces() == {"ml": {"team": "churn"}, "x": {}}


async def test_without_the_kind_there_is_no_right_to_it_either(objects: Objects, api: Api) -> None:
    """An API server asks for rights before it looks whether the kind is there: so after an upgrade."""
    objects.forbidden.add(f"{GROUP}/podiumpolicies")
    objects.kept[GROUP] = {"resources": [{"name": "modeldeployments"}]}
    assert await KubernetesPolicies(api).policies() is None


async def test_a_kind_that_is_there_and_may_not_be_read_is_an_error(objects: Objects, api: Api) -> None:
    objects.forbidden.add(f"{GROUP}/podiumpolicies")
    objects.kept[GROUP] = {"resources": [{"name": "modeldeployments"}, {"name": "podiumpolicies"}]}
    with pytest.raises(Rejected):
        await KubernetesPolicies(api).policies()
