"""All kinds together: one store, which tells its listener what is news, and is compared with lists now and then."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

from podium.adapters.kubernetes import names, read
from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.informers.informer import Informer
from podium.adapters.kubernetes.informers.kinds import KINDS, MODEL_DEPLOYMENTS, Kind
from podium.adapters.kubernetes.informers.store import Store
from podium.core.facts import Key
from podium.errors import PodiumError
from podium.ports import Clock, Listed, Listener

Json = dict[str, Any]
_log = logging.getLogger(__name__)


class Informers:
    """Keeps a store of all kinds."""

    def __init__(self, api: Api, clock: Clock, namespaces: Sequence[str] = (), kinds: Sequence[Kind] = KINDS) -> None:
        """`namespaces` are those that are watched; all where there is none."""
        watched = tuple(namespaces) or ("",)
        self.store = Store(kinds, watched)
        self._listener: Listener | None = None
        self._informers: Final = [
            Informer(api, clock, kind, namespace, store=self.store, told=self._told)
            for kind in kinds
            for namespace in watched
        ]

    @property
    def complete(self) -> bool:
        """Whether all ModelDeployments have been listed."""
        return self.store.complete(MODEL_DEPLOYMENTS)

    def listen(self, listener: Listener) -> None:
        """Tell what is news from now on, once all of its kind have been listed."""
        self._listener = listener

    async def run(self) -> None:
        """List and watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers:
                group.create_task(informer.run(), name=f"informer of {informer.path}")

    async def relist(self) -> None:
        """List the ModelDeployments, and tell those that differ from the store. Raises what the list raises."""
        for informer in self._informers:
            if informer.kind is MODEL_DEPLOYMENTS:
                await informer.relist()

    async def compare(self) -> None:
        """The same of all other kinds, one after another. What cannot be listed is left to its informer."""
        for informer in self._informers:
            if informer.kind is MODEL_DEPLOYMENTS:
                continue
            try:
                await informer.relist()
            except PodiumError as error:
                _log.info("could not compare %s with a list: %s", informer.kind.plural, error)

    def listed(self) -> Iterator[Listed]:
        """All ModelDeployments that are known."""
        for found in self.store.every(MODEL_DEPLOYMENTS):
            phase = str((found.get("status") or {}).get("phase", ""))
            metadata = found["metadata"]
            key = Key(metadata["namespace"], metadata["name"])
            yield Listed(key, read.claim(found), phase, deleting="deletionTimestamp" in metadata)

    def _told(self, kind: Kind, key: Key, owner: Key | None, found: Json | None) -> None:
        listener = self._listener
        if listener is None or not self.store.complete(kind):
            return  # of a first list, everything would be news
        if kind is MODEL_DEPLOYMENTS:
            listener.told(key, read.claim(found) if found is not None else None)
        elif kind.collection == names.HTTP_ROUTES:
            listener.routed(key)  # Podium's own bears the name of its ModelDeployment
        elif owner is not None:
            listener.changed(owner)
