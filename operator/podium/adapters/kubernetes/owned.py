"""Writing objects that belong to a ModelDeployment, and never those of another owner."""

from podium.adapters.kubernetes import names, read
from podium.adapters.kubernetes.api import Api, Json
from podium.api.v1alpha1 import reasons
from podium.errors import NotFound, Rejected


class OwnedObjects:
    """Reads and applies Podium's own objects: Deployments, Services and the like of one ModelDeployment."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def find(self, collection: str, namespace: str, name: str) -> Json | None:
        """The object of this name, whoever owns it; None where there is none."""
        try:
            return await self._api.get(names.path(collection, namespace, name))
        except NotFound:
            return None

    async def apply(self, collection: str, desired: Json) -> None:
        """Make the object as desired. Raises Rejected where it has another owner, Conflict where it was replaced now.

        The uid in the patch makes the API server refuse (409) where the object that was looked at is gone. Where there
        was none, others' fields are not forced: an object that appears in between is not taken over.
        """
        metadata = desired["metadata"]
        await self.replace(collection, await self.find(collection, metadata["namespace"], metadata["name"]), desired)

    async def replace(self, collection: str, found: Json | None, desired: Json) -> None:
        """Make the object that was found a moment ago as wanted. Raises as `apply` does."""
        metadata = desired["metadata"]
        path = names.path(collection, metadata["namespace"], metadata["name"])
        if found is None:
            await self._api.apply(path, desired, force=False)
            return
        uid = metadata["ownerReferences"][0]["uid"]
        if not read.owned(found, uid):
            raise foreign_object(desired)
        same = {**desired, "metadata": {**metadata, "uid": found["metadata"]["uid"]}}
        await self._api.apply(path, same, force=True)


def foreign_object(desired: Json) -> Rejected:
    """The error for an object that stands where ours should be."""
    name = f"{desired['metadata']['namespace']}/{desired['metadata']['name']}"
    owner = desired["metadata"]["ownerReferences"][0]["name"]
    return Rejected(
        f"{desired['kind']} {name} exists and does not belong to ModelDeployment {owner}: "
        "delete or rename it, or rename the ModelDeployment",
        reason=reasons.NAME_CONFLICT,
    )
