"""What the pods of a version log, line by line, as the API server has it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.cli.live import Connection
from podium.errors import NotFound, PodiumError, Unavailable

_WITHIN: Final = 60.0  # seconds for a log that is not followed
_FOLLOWED: Final = 3600.0  # seconds until a log is asked for again from its last line
_PAUSE: Final = 1.0  # seconds before that, where it ended


@dataclass(frozen=True)
class Line:
    """One line of one pod."""

    pod: str
    slot: str
    version: str
    time: str  # as kubelet wrote it, in RFC 3339 with nanoseconds; "" where it did not
    text: str


@dataclass(frozen=True)
class Asked:
    """What is asked of each pod."""

    container: str
    since: int | None = None  # seconds
    tail: int | None = None  # lines
    previous: bool = False

    def query(self, *, follow: bool, after: str = "") -> Mapping[str, str]:
        """The query of the API; `after` is the time of the last line that is known."""
        asked = {"container": self.container, "timestamps": "true"} | ({"follow": "true"} if follow else {})
        if self.previous:
            asked["previous"] = "true"
        if after:
            return asked | {"sinceTime": after}
        asked |= {"sinceSeconds": str(self.since)} if self.since is not None else {}
        return asked | ({"tailLines": str(self.tail)} if self.tail is not None else {})


@dataclass(frozen=True)
class Source:
    """One pod."""

    name: str
    uid: str
    slot: str
    version: str
    starts: bool = True  # False while its container waits: it has no log yet
    waits: str = ""  # why

    def line(self, raw: bytes) -> Line:
        """A line of its log; the time is what comes before the first space."""
        time, _, text = raw.decode(errors="replace").partition(" ")
        return Line(self.name, self.slot, self.version, time, text.rstrip("\r"))


def source(pod: Mapping[str, Any], container: str) -> Source:
    """A pod of a slot as the API server has it."""
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    states = (pod.get("status") or {}).get("containerStatuses") or []
    mine: Mapping[str, Any] = next((each for each in states if each.get("name") == container), {})
    waiting = (mine.get("state") or {}).get("waiting")
    started = bool(mine) and (waiting is None or bool(mine.get("restartCount")))
    why = str((waiting or {}).get("reason") or (pod.get("status") or {}).get("phase") or "Pending")
    about = (str(metadata["name"]), str(metadata.get("uid", "")), str(labels.get(names.SLOT, "")))
    return Source(*about, version=str(labels.get(names.VERSION, "")), starts=started, waits="" if started else why)


async def once(connection: Connection, one: Source, asked: Asked) -> Sequence[Line]:
    """Its log up to now. Raises the errors of `podium.errors`."""
    log = names.path(names.PODS, connection.namespace, one.name, "log")
    found = connection.api.stream(log, asked.query(follow=False), within=_WITHIN)
    return [one.line(raw) async for raw in found]


async def followed(connection: Connection, one: Source, asked: Asked) -> AsyncGenerator[Line]:
    """Its log from now on, over restarts of its container, until the pod is gone.

    Raises Rejected where the caller may not read it.
    """
    log, last = names.path(names.PODS, connection.namespace, one.name, "log"), ""
    while True:
        try:
            async for raw in connection.api.stream(log, asked.query(follow=True, after=last), within=_FOLLOWED):
                line = one.line(raw)
                if line.time > last or not last:  # sinceTime is of whole seconds: the last lines come again
                    yield line
                last = max(last, line.time)
        except NotFound:
            return
        except Unavailable:
            pass  # the connection was lost, or its time is over: on from the last line
        asked = replace(asked, previous=False)
        await asyncio.sleep(_PAUSE)


async def all_followed(
    connection: Connection, name: str, asked: Asked, wanted: Callable[[Source], bool], told: Callable[[Line], None]
) -> None:
    """Every pod's log as it comes, also of pods that start later. Raises what the first one raises."""
    tasks: dict[str, asyncio.Task[None]] = {}

    async def tell(one: Source) -> None:
        async with aclosing(followed(connection, one, asked)) as lines:
            async for line in lines:
                told(line)

    try:
        async with aclosing(connection.changes(name, with_pods=True)) as changes:
            async for _ in changes:
                pods = [source(pod, asked.container) for pod in await _pods(connection, name)]
                for one in pods:
                    if one.uid not in tasks and one.starts and wanted(one):
                        tasks[one.uid] = asyncio.create_task(tell(one))
                for task in tasks.values():
                    if task.done():
                        task.result()
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _pods(connection: Connection, name: str) -> Sequence[Mapping[str, Any]]:
    try:
        return await connection.pods(name)
    except Unavailable:
        return []  # the watch says so, and tells when the API server is back


def problem(one: Source, error: PodiumError | None) -> str:
    """Why a pod's log is not shown."""
    return f"pod {one.name} has no log yet: {one.waits}" if error is None else f"pod {one.name}: {error}"
