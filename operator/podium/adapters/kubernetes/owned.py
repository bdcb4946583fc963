"""Writing objects that belong to a ModelDeployment, and never those of another owner."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from podium.adapters.kubernetes import names, read
from podium.adapters.kubernetes.api import Api, Json
from podium.api.v1alpha1 import reasons
from podium.errors import Conflict, NotFound, Rejected

_RACES: Final = 2  # lost ones after which a write is decided again
_log = logging.getLogger(__name__)


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

    async def apply(self, collection: str, desired: Json, revision: str | None = None) -> None:
        """Make the object as desired. Raises Rejected where it has another owner, Conflict where it was replaced now.

        The uid in the patch makes the API server refuse (409) where the object that was looked at is gone. Where there
        was none, others' fields are not forced: an object that appears in between is not taken over.

        With a `revision`, Conflict is raised, too, where another one is there: it was written since it was read.
        """
        await persistent(lambda: self._apply(collection, desired, revision))

    async def _apply(self, collection: str, desired: Json, revision: str | None) -> None:
        metadata = desired["metadata"]
        found = await self.find(collection, metadata["namespace"], metadata["name"])
        await self.replace(collection, found, desired, revision)

    async def replace(self, collection: str, found: Json | None, desired: Json, revision: str | None = None) -> None:
        """Make the object that was found a moment ago as desired. Raises as `apply` does."""
        metadata, kept = desired["metadata"], ["uid"]
        path = names.path(collection, metadata["namespace"], metadata["name"])
        if found is not None and not read.owned(found, metadata["ownerReferences"][0]["uid"]):
            raise foreign_object(desired)
        if revision is not None:
            refuse_other(found, revision, f"{desired['kind']} {metadata['namespace']}/{metadata['name']}")
            kept.append("resourceVersion")  # the API server refuses what is written between now and then
        if found is None:
            await self._api.apply(path, desired, force=False)
            return
        same = {**desired, "metadata": {**metadata, **{name: found["metadata"][name] for name in kept}}}
        await self._api.apply(path, same, force=True)


async def persistent(write: Callable[[], Awaitable[None]]) -> None:
    """Write; once more, and once again, where that raises Conflict: another client may have written the status only.

    Each try has to read the object, and to compare its revision.
    """
    for _ in range(_RACES):
        try:
            return await write()
        except Conflict as error:
            _log.debug("write conflict, reading again: %s", error)
    return await write()


def revision_of(found: Json | None) -> str:
    """The revision of an object: another one after each write of its spec, and the same one after those of its status.

    A Service has no generation: each write makes another revision. The trial that a route is written for is no part of
    its spec, and so of its generation; nor is the version that a slot's pods load in place. Empty where there is none.
    """
    if found is None:
        return ""
    metadata, (labels, annotations) = found["metadata"], read.metadata_of(found)
    about = annotations.get(names.TRIAL, ""), labels.get(names.VERSION, ""), annotations.get(names.DIGEST, "")
    return "/".join([metadata["uid"], str(metadata.get("generation") or metadata["resourceVersion"]), *about])


def refuse_other(found: Json | None, revision: str, what: str) -> None:
    """Raise Conflict where this is another revision: it was written by another client since it was read."""
    if revision_of(found) != revision:
        raise Conflict(f"{what} was written since it was read, deciding again")


def foreign_object(desired: Json) -> Rejected:
    """The error for an object that stands where ours should be."""
    name = f"{desired['metadata']['namespace']}/{desired['metadata']['name']}"
    owner = desired["metadata"]["ownerReferences"][0]["name"]
    return Rejected(
        f"{desired['kind']} {name} exists and does not belong to ModelDeployment {owner}: "
        "delete or rename it, or rename the ModelDeployment",
        reason=reasons.NAME_CONFLICT,
    )
