"""The one ModelDeployment of a bench, as a user handles it: applied, followed, waited for."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from demo.clients import Clients
from demo.rollout import NAME, Seen, Watch
from testbed.cluster import Cluster

GENERATION = "--output=jsonpath={.metadata.generation}"
DEADLINE = 180.0  # seconds for whatever is waited for


def _unheard(_: Seen) -> None:
    """Hear of a change, and do nothing."""


@dataclass
class Subject:
    """What is applied last is what is waited for: a status that is about an older generation does not count."""

    cluster: Cluster
    told: Callable[[Seen], None] = _unheard
    namespace: str = "default"

    def __post_init__(self) -> None:
        kubectl = str(self.cluster.backend.kubectl())
        self.watch = Watch(kubectl, os.environ | self.cluster.env, self.told, self.namespace)

    @property
    def seen(self) -> Seen:
        """What the watch has seen last."""
        return self.watch.seen

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Hear of its status as long as the block runs."""
        watching = asyncio.create_task(self.watch.run())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def apply(self, spec: Mapping[str, Any]) -> int:
        """Apply the ModelDeployment with this spec, and return its generation. Raises CommandFailed where refused."""
        words = ("apply", f"--namespace={self.namespace}", "--server-side", "--filename=-", GENERATION)
        manifest = json.dumps(model_deployment(spec))
        return int(await asyncio.to_thread(self.cluster.kubectl, *words, input=manifest))

    async def until(self, what: str, holds: Callable[[Seen], bool]) -> Seen:
        """The status of which this holds. Raises RuntimeError where it does not come in time."""
        if not await self.watch.until(lambda seen: seen.current and holds(seen), DEADLINE):
            raise RuntimeError(
                f"not within {DEADLINE:g} s: {what}; the last word was {self.seen.phase}: {self.seen.message}"
            )
        return self.seen

    async def settled(self, version: str) -> Seen:
        """Once this version is champion and nothing is on trial."""

        def alone(seen: Seen) -> bool:
            return (seen.phase, seen.champion, seen.challenger) == ("Stable", version, "")

        return await self.until(f"version {version} is champion", alone)


@asynccontextmanager
async def traffic(subject: Subject, clients: Clients, settle: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Make the champion serve, and send requests as long as the block runs. Raises RuntimeError: none is answered."""
    stop = asyncio.Event()
    async with subject.followed():
        await settle()
        if not await clients.reached(DEADLINE):
            raise RuntimeError(f"no answer at {clients.host}:{clients.port} within {DEADLINE:g} s")
        sending = asyncio.create_task(clients.run(stop))
        try:
            yield
        finally:
            stop.set()
            await sending


def model_deployment(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with this spec."""
    return {
        "apiVersion": "podium.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": NAME},
        "spec": dict(spec),
    }
