"""ModelDeployments as the API server sent them, and word of each change."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from podium.core.status.summary import Summary, summary

Json = Mapping[str, Any]


class Place(NamedTuple):
    """Which object."""

    namespace: str
    name: str


@dataclass(frozen=True, eq=False)
class Entry:
    """One object. It is kept as text, a tenth of the size of what is read from it, and explained when it is shown."""

    place: Place
    phase: str
    searched: str  # names, model, versions and message, without case
    text: str  # JSON

    @property
    def value(self) -> dict[str, Any]:
        """The object."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @cached_property
    def summary(self) -> Summary:
        """Its line in the fleet."""
        return summary(self.value)


def entry(value: Json) -> Entry:
    """What is kept of an object. Its fields may hold anything: nothing is said of them here."""
    metadata, spec, status = (_mapping(value.get(part)) for part in ("metadata", "spec", "status"))
    kept = {**value, "metadata": {key: part for key, part in metadata.items() if key != "managedFields"}}
    place = place_of(value)
    versions = [_mapping(status.get(role)).get("version", "") for role in ("champion", "challenger", "former")]
    words = [*place, _mapping(spec.get("model")).get("name", ""), *versions, status.get("message", "")]
    phase = str(status.get("phase", "Pending"))
    return Entry(place, phase, " ".join(map(str, words)).casefold(), json.dumps(kept))


def place_of(value: Json) -> Place:
    """Namespace and name."""
    metadata = _mapping(value.get("metadata"))
    return Place(str(metadata.get("namespace", "")), str(metadata.get("name", "")))


class Kept:
    """All of them. `problem` says why they may be older than the cluster's; `complete` that all were listed once."""

    def __init__(self) -> None:
        self.revision = 0  # of what is kept
        self.complete = False
        self.problem = ""
        self.closed = False
        self._entries: dict[Place, Entry] = {}
        self._sorted: Sequence[Entry] | None = None
        self._viewers: set[asyncio.Event] = set()

    def __getitem__(self, place: Place) -> Entry:
        return self._entries[place]

    def __contains__(self, place: Place) -> bool:
        return place in self._entries

    @property
    def entries(self) -> Sequence[Entry]:
        """All, by namespace and name."""
        if self._sorted is None:
            self._sorted = [self._entries[place] for place in sorted(self._entries)]
        return self._sorted

    def put(self, values: Sequence[Json]) -> None:
        """These are there, or are so now."""
        self._entries |= {each.place: each for each in map(entry, values)}
        self._changed()

    def remove(self, *places: Place) -> None:
        """These are gone."""
        for place in places:
            self._entries.pop(place, None)
        self._changed()

    def listed(self, places: set[Place], namespace: str | None = None) -> None:
        """All were put, or all of the namespace; what is not among them is gone."""
        self.complete, self.problem = True, ""
        gone = self._entries.keys() - places
        self.remove(*(each for each in gone if namespace in {None, each.namespace}))

    def fail(self, problem: str) -> None:
        """No news arrive, and why."""
        self.problem = problem
        self._changed()

    def close(self) -> None:
        """The page ends: no viewer waits any longer."""
        self.closed = True
        self._changed()

    @contextmanager
    def changes(self) -> Iterator[asyncio.Event]:
        """An event that is set at each change; who waits for it clears it."""
        changed = asyncio.Event()
        self._viewers.add(changed)
        try:
            yield changed
        finally:
            self._viewers.discard(changed)

    @property
    def viewers(self) -> int:
        """How many wait for changes."""
        return len(self._viewers)

    def _changed(self) -> None:
        self.revision += 1
        self._sorted = None
        for viewer in self._viewers:
            viewer.set()


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}
