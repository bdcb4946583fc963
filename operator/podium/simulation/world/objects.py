"""The objects of an API server that no pods belong to: ModelDeployments with resource versions, Events, Secrets."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from podium.api.v1alpha1.status import Status
from podium.core.actions import Event
from podium.core.facts import Key
from podium.errors import Conflict, NotFound, PodiumError
from podium.ports import ModelDeployment
from podium.simulation.world.stored import Stored


class FakeObjects(ABC):
    """What the port Cluster says of them."""

    def __init__(self) -> None:
        self.events: list[tuple[Key, Event]] = []
        self.secrets: dict[tuple[str, str], Mapping[str, str]] = {}
        self.writes: list[str] = []  # every write, as text
        self.identity = "9d3c1f0e-5a0b-4f0e-9b1e-0c8d7a6f5e4d"  # of the cluster
        self.failure: PodiumError | None = None  # raised by everything while it is set
        self._stored: dict[Key, Stored] = {}
        self._told: set[tuple[str, str]] = set()
        self._numbers = itertools.count(1)

    @abstractmethod
    def remove(self, key: Key) -> None:
        """Delete a ModelDeployment, once it is let go."""

    async def get(self, key: Key) -> ModelDeployment | None:
        self._may_fail()
        return self._seen(key) if key in self._stored else None

    async def cluster_id(self) -> str:
        self._may_fail()
        return self.identity

    async def served(self) -> None:
        self._may_fail()

    async def list_all(self) -> Sequence[ModelDeployment]:
        self._may_fail()
        return self.all_now()

    async def write_status(self, md: ModelDeployment, status: Status) -> None:
        self._may_fail()
        stored = self._stored.get(md.key)
        if stored is None:
            raise NotFound(f"{md.key} is not there")
        if (stored.uid, str(stored.version)) != (md.uid, md.resource_version):
            raise Conflict(f"{md.key}: the object has been modified")
        written = Status.model_validate(status.model_dump(mode="json", by_alias=True))
        if written == stored.status:
            return  # no write, though it was refused if the object were another one
        stored.status = written
        stored.version = next(self._numbers)
        self.writes.append(f"status of {md.key}: {status.phase}")

    async def add_finalizer(self, md: ModelDeployment) -> None:
        self._may_fail()
        stored = self._stored.get(md.key)
        if stored is not None and stored.uid == md.uid:
            stored.held, stored.version = True, next(self._numbers)
            self.writes.append(f"hold {md.key}")

    async def remove_finalizer(self, md: ModelDeployment) -> None:
        self._may_fail()
        stored = self._stored.get(md.key)
        if stored is None or stored.uid != md.uid:
            return
        stored.held, stored.version = False, next(self._numbers)
        self.writes.append(f"let go {md.key}")
        if stored.deleting:
            self.remove(md.key)

    async def emit_event(self, md: ModelDeployment, event: Event) -> None:
        self._may_fail()
        if (md.uid, event.identity) not in self._told:
            self._told.add((md.uid, event.identity))
            self.events.append((md.key, event))

    async def secret(self, namespace: str, name: str) -> Mapping[str, str]:
        self._may_fail()
        if (namespace, name) not in self.secrets:
            raise NotFound(f"Secret {namespace}/{name} is not there")
        return self.secrets[namespace, name]

    def all_now(self) -> list[ModelDeployment]:
        """All ModelDeployments as they are stored, whatever fails."""
        return [self._seen(key) for key in self._stored]

    def now(self, key: Key) -> ModelDeployment | None:
        """The ModelDeployment as it is stored, whatever fails."""
        return self._seen(key) if key in self._stored else None

    def _may_fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    @abstractmethod
    def _seen(self, key: Key) -> ModelDeployment: ...
