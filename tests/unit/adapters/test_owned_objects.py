"""Objects of Podium's own are written in spite of others who write their status, and not on old facts."""

from typing import Any

import pytest

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.owned import OwnedObjects, revision_of
from podium.errors import Conflict
from tests.unit.adapters.api_in_memory import Objects, served

OWNER = {"uid": "owner", "controller": True, "name": "churn"}
PATH = names.path(names.DEPLOYMENTS, "ml", "churn-a")


def deployment(replicas: int) -> dict[str, Any]:
    metadata = {"namespace": "ml", "name": "churn-a", "ownerReferences": [OWNER]}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}}


def stored() -> Objects:
    known = {**deployment(1)["metadata"], "uid": "made", "generation": 3, "resourceVersion": "7"}
    objects = Objects()
    objects.kept[PATH] = {**deployment(1), "metadata": known}
    return objects


@pytest.mark.parametrize("races", [0, 1, 2])
async def test_a_write_that_loses_a_race_with_a_status_is_tried_again(races: int) -> None:
    objects = stored()
    revision, objects.races = revision_of(objects.kept[PATH]), races
    async with served(objects) as api:
        await OwnedObjects(api).apply(names.DEPLOYMENTS, deployment(2), revision)
    assert objects.kept[PATH]["spec"]["replicas"] == 2


async def test_a_write_that_always_loses_is_decided_again() -> None:
    objects = stored()
    objects.races = 99
    async with served(objects) as api:
        with pytest.raises(Conflict, match="has been modified"):
            await OwnedObjects(api).apply(names.DEPLOYMENTS, deployment(2), revision_of(objects.kept[PATH]))


async def test_another_revision_is_not_written() -> None:
    objects = stored()
    async with served(objects) as api:
        with pytest.raises(Conflict, match="written since it was read"):
            await OwnedObjects(api).apply(names.DEPLOYMENTS, deployment(2), "made/2/")
    assert objects.kept[PATH]["spec"]["replicas"] == 1
