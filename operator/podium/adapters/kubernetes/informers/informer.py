"""One kind, listed once and then watched: the store has what is there, and each change of it is told.

The rules:

1. A list comes in parts, so that neither side holds it all at once. A `continue` that has grown too old is asked for
   again without parts; the list is whole, or it is none.
2. The watch goes on from the list's resourceVersion, and after it ends from the last one that was seen: that of an
   event, or of a bookmark. What changes between a list and its watch is told by the watch.
3. Where the API server knows that version no more (410), all is listed again, and what differs from the store is told.
   So it is after some failures: the version itself may be what is refused. A version that is above that of a later list
   is given up: etcd was restored from a backup, and a watch from there would tell nothing until it is reached again.
4. What fails is tried again with backoff and jitter, and not before the API server's `Retry-After`.
5. A kind that is not served (a CRD that is not installed) is asked for again after minutes.
6. What the store keeps of an object tells what is news: a heartbeat that changes nothing of it is none.
7. An event that was told while a list was under way is newer than the list.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any, Final

from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.errors import Expired
from podium.adapters.kubernetes.informers.kinds import Kind
from podium.adapters.kubernetes.informers.store import Store, key_of
from podium.core.facts import Key
from podium.errors import NotFound, PodiumError, Temporary, Unavailable
from podium.ports import Clock

Json = dict[str, Any]
Told = Callable[[Kind, Key, Key | None, Json | None], None]  # kind, object, its ModelDeployment; None where it is gone
PART: Final = 500  # objects in one part of a list
WITHIN: Final = 60.0  # seconds that a part may take; a list without parts, too
WATCHED: Final = 300.0  # seconds after which the API server is asked to end a watch; up to twice as long
FIRST_RETRY: Final = 0.5
LAST_RETRY: Final = 30.0
UNSERVED: Final = 300.0
DOUBTED: Final = 5  # failures in a row, after which a version is given up
RECENT: Final = 10.0  # seconds: a list that began so short a time ago is as good as another one
_log = logging.getLogger(__name__)


class Informer:
    """Feeds the store with one kind, of one namespace or of all."""

    def __init__(self, api: Api, clock: Clock, kind: Kind, namespace: str = "", *, store: Store, told: Told) -> None:
        """`told` hears of each object of which something that is kept has changed."""
        self._api = api
        self.kind = kind
        self._namespace = namespace
        self.path = kind.path(namespace)
        self._store = store
        self._clock = clock
        self._told = told
        self._newer: set[Key] = set()  # told of by the watch since the list under way began
        self._listing = asyncio.Lock()
        self._began, self._listed = 0.0, False  # when the last list began, and whether one has come to its end
        self._since = ""  # the resourceVersion that the next watch goes on from; "" where all is to be listed first
        self._chance = Random(self.path)  # noqa: S311  not for secrets

    async def run(self) -> None:
        """List and watch until cancelled."""
        self._since, failures = "", 0
        while True:
            began = self._clock.monotonic()
            error: Exception | None = None
            try:
                self._since = self._since or await self.list()
                async for seen in self._watch(self._since):
                    self._since, failures = seen, 0
            except Expired as found:
                self._since, error = "", found
            except NotFound as found:
                self._since, error = "", found
                self._store.listed(self.kind, self._namespace, served=False)
            except Exception as found:  # noqa: BLE001  a watch must outlive whatever it is told
                error = found
            if error is not None:
                failures += 1
                if failures % DOUBTED == 0:
                    self._since = ""
                await self._clock.sleep(self._failed(failures, error))
            elif self._clock.monotonic() - began < FIRST_RETRY:
                await self._clock.sleep(FIRST_RETRY)  # whatever stands between ends watches at once

    def _failed(self, failures: int, error: Exception) -> float:
        """Say what failed. Returns the seconds until it is tried again: with jitter, so that not all come at once."""
        asked = error.retry_after if isinstance(error, Temporary) else 0.0
        longest = min(LAST_RETRY, FIRST_RETRY * 2.0 ** min(failures - 1, 10))
        optional = self.kind.optional and isinstance(error, NotFound)
        pause = asked + (UNSERVED if optional else longest) * (0.5 + self._chance.random() / 2)
        if optional or isinstance(error, Expired):
            _log.info("listing %s again in %.1f s: %s", self.kind.plural, pause, error)
        else:
            foreseen = isinstance(error, PodiumError)
            _log.warning(
                "could not watch %s, retrying in %.1f s: %s",
                self.kind.plural, pause, error, exc_info=None if foreseen else error,
            )  # fmt: skip
        return pause

    async def list(self) -> str:
        """List all, and tell what differs from the store. Returns the resourceVersion to watch from.

        Raises what the API server's answer is; the store is left as it was then, but for what was listed already.
        """
        async with self._listing:
            self._began = self._clock.monotonic()
            self._newer.clear()
            found: set[Key] = set()
            version = await self._parts(found)
            for key in self._store.keys(self.kind, self._namespace):
                if key not in found and key not in self._newer:
                    self._gone(key)
            self._store.listed(self.kind, self._namespace)
            self._listed = True
            if not version:
                raise Unavailable(f"GET {self.path}: expected a list with a resourceVersion, found none")
            if version.isdecimal() and self._since.isdecimal() and int(version) < int(self._since):
                _log.warning("%s: version %s comes after %s: etcd was restored", self.path, version, self._since)
                self._since = version
            return version

    async def relist(self) -> None:
        """The same, unless a list has begun just now: that one is waited for. Raises as `list` does."""
        async with self._listing:
            recent = self._listed and self._clock.monotonic() - self._began < RECENT
        if not recent:
            await self.list()

    async def _parts(self, found: set[Key]) -> str:
        token, most = "", PART
        while True:
            try:
                part = await self._api.page(
                    self.path, selector=self.kind.selector, token=token, most=most, within=WITHIN
                )
            except Expired:
                if not token:
                    raise
                found.clear()  # what was listed before may be gone by the new list
                token, most = "", 0
                continue
            for each in part.get("items") or []:
                key = key_of(each)
                found.add(key)
                if key not in self._newer:
                    self._put(each)
            metadata = part.get("metadata") or {}
            token = metadata.get("continue") or ""
            if not token:
                return str(metadata.get("resourceVersion", ""))

    async def _watch(self, since: str) -> AsyncIterator[str]:
        """The resourceVersions of what is told, until the API server ends the watch."""
        within = WATCHED * (1 + self._chance.random())
        async for event in self._api.watch(self.path, selector=self.kind.selector, since=since, within=within):
            found = event["object"]
            if event["type"] in ("ADDED", "MODIFIED"):
                self._newer.add(key_of(found))
                self._put(found)
            elif event["type"] == "DELETED":
                self._newer.add(key_of(found))
                self._gone(key_of(found))
            yield str(found["metadata"]["resourceVersion"])

    def _put(self, found: Json) -> None:
        key = key_of(found)
        before = self._store.owner(self.kind, key)
        if not self._store.put(self.kind, found):
            return
        owner = self._store.owner(self.kind, key)
        if before is not None and before != owner:
            self._told(self.kind, key, before, found)  # another client moved it to another ModelDeployment
        self._told(self.kind, key, owner, found)

    def _gone(self, key: Key) -> None:
        kept = self._store.remove(self.kind, key)
        if kept is not None:
            self._told(self.kind, key, kept.owner, None)
