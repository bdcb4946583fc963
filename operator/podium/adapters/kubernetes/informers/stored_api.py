"""The store behind the methods by which `cluster` and the routers read the API server."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import TIMEOUT, Api
from podium.adapters.kubernetes.informers.store import Store
from podium.core.facts import Key
from podium.errors import NotFound
from podium.ports import NotKnown

Json = dict[str, Any]
_PLACE: Final = re.compile(r"(/apis/[^/]+|/api)/([^/]+)/namespaces/([^/]+)/([^/]+)(?:/([^/]+))?")
_EQUAL: Final = re.compile(r"([^=!\s,]+)=([^,]*)")
_AMONG: Final = re.compile(r"(\S+) in \(([^)]*)\)")


class StoredApi(Api):
    """Reads as `Api` does, and raises NotKnown where the store cannot say, and for every request that is not a read."""

    def __init__(self, store: Store) -> None:  # no connection: nothing is ever sent
        self._store = store

    async def close(self) -> None:
        """There is nothing to close."""

    def _answer(self, method: str, target: str, **_: Any) -> Any:
        """What every other method asks through."""
        raise NotKnown(f"{method} {target}: the store answers no requests")

    async def get(self, path: str, *, within: float = TIMEOUT) -> Json:
        """The object as it was told of last. Raises NotFound where there is none."""
        del within
        if path == names.GATEWAY_API and self._store.served(names.HTTP_ROUTES):
            return {}
        collection, namespace, name = _parts(path)
        found = self._store.get(collection, Key(namespace, name)) if name else None
        if found is None:
            raise NotFound(f"GET {path}: not in the store")
        return found

    async def list(
        self, path: str, *, selector: str = "", fields: str = "", most: int | None = None, within: float = TIMEOUT
    ) -> Sequence[Json]:
        """The objects, by the one label that their kind is kept by, or all of a namespace."""
        del most, within
        collection, namespace, _ = _parts(path)
        if fields:
            raise NotKnown(f"{path} is not kept by fields")
        if not selector:
            return list(self._store.within(collection, namespace))
        if found := _EQUAL.fullmatch(selector):
            return list(self._store.labelled(collection, namespace, found[1], [found[2]]))
        if found := _AMONG.fullmatch(selector):
            return list(self._store.labelled(collection, namespace, found[1], found[2].split(",")))
        raise NotKnown(f"{path} is not kept by {selector}")


def _parts(path: str) -> tuple[str, str, str]:
    """The collection as in `names`, the namespace and the name."""
    found = _PLACE.fullmatch(path)
    if found is None:
        raise NotKnown(f"{path} is not kept")
    group, version, namespace, plural, name = found.groups()
    return f"{group}/{version}/namespaces/{{}}/{plural}", unquote(namespace), unquote(name or "")
