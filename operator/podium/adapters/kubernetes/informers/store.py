"""What is kept of the objects, by kind: compact JSON, packed where that is worth its time."""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.informers.kinds import Kind
from podium.core.facts import Key
from podium.ports import NotKnown

Json = dict[str, Any]
_PACKED: Final = 600  # bytes of JSON from which on it is packed: to a third, in some 20 microseconds
_LEVEL: Final = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """One object."""

    version: str  # its resourceVersion
    body: bytes
    owner: Key | None  # the ModelDeployment whose label it carries
    by: str  # the value of the label by which its kind is looked up


@dataclass
class Objects:
    """Those of one kind."""

    kind: Kind
    listed: set[str] = field(default_factory=set)  # the namespaces, or "" for all, that were listed
    served: bool = True  # whether the API server has the kind
    kept: dict[Key, Kept] = field(default_factory=dict)
    of: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)  # namespace and label -> names


class Store:
    """All kinds. A Key names an object here, of whatever kind."""

    def __init__(self, kinds: Iterable[Kind], namespaces: Iterable[str] = ("",)) -> None:
        self._namespaces = frozenset(namespaces)
        self._objects = {kind.collection: Objects(kind) for kind in kinds}

    def put(self, kind: Kind, found: Json) -> bool:
        """Keep this version of an object. Returns whether what is kept of it has changed."""
        objects, key = self._objects[kind.collection], key_of(found)
        before = objects.kept.get(key)
        version = found["metadata"].get("resourceVersion", "")
        if before is not None and before.version == version:
            return False
        labels = found["metadata"].get("labels") or {}
        owner, by = labels.get(names.DEPLOYMENT), labels.get(kind.by, "")
        body = _packed(kind.keep(found))
        after = Kept(version, body, Key(key.namespace, owner) if owner else None, by)
        if before is not None and before.by != by:
            self._unlist(objects, key, before.by)
        if before is None or before.by != by:
            place = key.namespace, by
            objects.of[place] = (*objects.of.get(place, ()), key.name)
        objects.kept[key] = after
        return before is None or before.body != body or before.owner != after.owner

    def remove(self, kind: Kind, key: Key) -> Kept | None:
        """It is gone. Returns what was kept of it."""
        objects = self._objects[kind.collection]
        before = objects.kept.pop(key, None)
        if before is not None:
            self._unlist(objects, key, before.by)
        return before

    def owner(self, kind: Kind, key: Key) -> Key | None:
        """The ModelDeployment that the object belongs to, by its label."""
        kept = self._objects[kind.collection].kept.get(key)
        return kept.owner if kept is not None else None

    def keys(self, kind: Kind, namespace: str = "") -> list[Key]:
        """Those that are kept, in one namespace or in all."""
        kept = self._objects[kind.collection].kept
        return [key for key in kept if namespace in {"", key.namespace}]

    def listed(self, kind: Kind, namespace: str, *, served: bool = True) -> None:
        """A list of all in the namespace, or everywhere, has been put; or the API server does not know the kind."""
        objects = self._objects[kind.collection]
        objects.listed.add(namespace)
        objects.served = served

    def complete(self, kind: Kind) -> bool:
        """Whether all have been listed."""
        return self._objects[kind.collection].listed >= self._namespaces

    def served(self, collection: str) -> bool:
        """Whether the API server has the kind. Raises NotKnown before it has been listed."""
        return self._of(collection).served

    def get(self, collection: str, key: Key) -> Json | None:
        """The object; None where there is none. Raises NotKnown where that is not known."""
        kept = self._of(collection).kept.get(key)
        return _unpacked(kept.body) if kept is not None else None

    def labelled(self, collection: str, namespace: str, label: str, values: Iterable[str]) -> Iterator[Json]:
        """The objects of the namespace whose label has one of these values. Raises NotKnown as `get` does."""
        objects = self._of(collection)
        if label != objects.kind.by:
            raise NotKnown(f"{objects.kind.plural} are not kept by their label {label}")
        for value in values:
            for name in objects.of.get((namespace, value), ()):
                yield _unpacked(objects.kept[Key(namespace, name)].body)

    def within(self, collection: str, namespace: str) -> Iterator[Json]:
        """All objects of the namespace. Raises NotKnown as `get` does."""
        objects = self._of(collection)
        for key in self.keys(objects.kind, namespace):
            yield _unpacked(objects.kept[key].body)

    def every(self, kind: Kind) -> Iterator[Json]:
        """All that is kept of a kind, complete or not."""
        for kept in tuple(self._objects[kind.collection].kept.values()):
            yield _unpacked(kept.body)

    def _of(self, collection: str) -> Objects:
        objects = self._objects.get(collection)
        if objects is None or not self.complete(objects.kind):
            raise NotKnown(f"{collection} is not listed yet, or not kept at all")
        return objects

    @staticmethod
    def _unlist(objects: Objects, key: Key, by: str) -> None:
        place = key.namespace, by
        left = tuple(name for name in objects.of.get(place, ()) if name != key.name)
        if left:
            objects.of[place] = left
        else:
            objects.of.pop(place, None)


def key_of(found: Json) -> Key:
    """The object's namespace and name."""
    return Key(found["metadata"].get("namespace", ""), found["metadata"]["name"])


def _packed(body: Json) -> bytes:
    text = json.dumps(body, separators=(",", ":")).encode()
    return zlib.compress(text, _LEVEL) if len(text) >= _PACKED else text


def _unpacked(body: bytes) -> Json:
    found: Json = json.loads(body if body[:1] == b"{" else zlib.decompress(body))
    return found
