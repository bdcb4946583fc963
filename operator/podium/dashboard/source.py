"""The fleet from the API server: listed in parts, and watched from there for as long as the page is open."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlencode

from podium.adapters.kubernetes.api import Api
from podium.dashboard.kept import Kept, place_of
from podium.errors import Permanent, PodiumError

PART: Final = 500  # objects in one answer: a large fleet is shown while it is read
_LIST: Final = 60.0  # seconds for a part
_WATCH: Final = 300.0  # seconds until a watch is begun again
_PAUSES: Final = (1.0, 2.0, 5.0, 15.0)  # seconds before it is tried again, the last one for ever


Wait = Callable[[float], Awaitable[None]]  # `asyncio.sleep`, or what a test has in its place


async def follow(
    api: Api,
    path: str,
    kept: Kept,
    wait: Wait = asyncio.sleep,
    *,
    namespace: str | None = None,
    watch: float = _WATCH,
    forgets: bool = False,
) -> None:
    """Keep what is there at the collection's path, for ever. Each failure is told in `kept.problem`.

    `namespace`: what the path leads to, where others are kept as well. `watch`: seconds after which the API server is
    asked again whether all that may be read. `forgets`: nothing is kept that may not be read any more.
    """
    failed = 0
    while True:
        try:
            version = await _listed(api, path, kept, namespace)
            failed = 0
            await _watched(api, path, kept, version, watch)
        except PodiumError as error:
            if forgets and isinstance(error, Permanent):
                kept.listed(set(), namespace)
            kept.fail(str(error))
            await wait(_PAUSES[min(failed, len(_PAUSES) - 1)])
            failed += 1


async def _listed(api: Api, path: str, kept: Kept, namespace: str | None) -> str:
    """The resourceVersion of the whole list."""
    there, rest = set(), ""
    while True:
        query = {"limit": str(PART)} | ({"continue": rest} if rest else {})
        found = await api.get(f"{path}?{urlencode(query)}", within=_LIST)
        items = found.get("items") or []
        kept.put(items)
        there |= set(map(place_of, items))
        metadata = found.get("metadata") or {}
        rest = str(metadata.get("continue") or "")
        if not rest:
            kept.listed(there, namespace)
            return str(metadata.get("resourceVersion") or "")


async def _watched(api: Api, path: str, kept: Kept, version: str, watch: float) -> None:
    """Each change after this version. Raises PodiumError where the API server knows it no more: list again."""
    while True:
        async for event in api.watch(path, since=version, within=watch):
            found: dict[str, Any] = event["object"]
            version = str((found.get("metadata") or {}).get("resourceVersion") or version)
            if event["type"] == "DELETED":
                kept.remove(place_of(found))
            elif event["type"] != "BOOKMARK":
                kept.put([found])
