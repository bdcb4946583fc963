"""An API server in memory whose lists come in parts and whose watches can be cut, fall behind and lose events."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from podium.adapters.kubernetes.api import Api
from tests.unit.adapters.local_server import client_of

Json = dict[str, Any]


class WatchedApi:
    """One collection of one namespace, with the history that watches are told."""

    def __init__(self, namespace: str = "ml") -> None:
        self.namespace = namespace
        self.asked: Counter[str] = Counter()
        self.versions: list[str] = []  # the resourceVersions that watches began at
        self.answers: list[web.Response] = []  # instead of the next ones
        self.served = True
        self.loses = False  # whether what happens now is told to no watch
        self._kept: dict[str, Json] = {}
        self._history: list[tuple[int, Json]] = []
        self._lists: dict[int, list[Json]] = {}
        self._version, self._oldest = 10, 0
        self._watches: set[asyncio.Queue[bytes | None]] = set()

    def put(self, name: str, labels: dict[str, str], value: str = "1") -> None:
        """Create or change an object."""
        known = name in self._kept
        self._version += 1
        metadata = {
            "namespace": self.namespace,
            "name": name,
            "labels": labels,
            "resourceVersion": str(self._version),
            "uid": f"uid-{name}",
        }
        self._kept[name] = {"metadata": metadata, "data": {"value": value}}
        self._tell("MODIFIED" if known else "ADDED", self._kept[name])

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._version += 1
        gone = self._kept.pop(name)
        self._tell("DELETED", {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self._version)}})

    def pass_by(self) -> None:
        """Something else is written: the version rises, and the watches hear of it by a bookmark."""
        self._version += 1
        self._tell("BOOKMARK", {"metadata": {"resourceVersion": str(self._version)}})

    def compact(self) -> None:
        """Nothing before now is known any more."""
        self._oldest, self._history = self._version, []

    def restore(self, version: int) -> None:
        """All is as it was long ago, by its resourceVersions, too: the store was restored from a backup."""
        self._version, self._oldest, self._history = version, 0, []
        self._lists.clear()
        for each in self._kept.values():
            each["metadata"]["resourceVersion"] = str(version)

    def cut(self) -> None:
        """The connections of all watches are reset."""
        for watch in tuple(self._watches):
            watch.put_nowait(None)

    def fail(self, code: int) -> None:
        """All watches are told an error in their middle."""
        said = {"code": code, "reason": "Expired" if code == 410 else "InternalError", "message": "told by the test"}
        self._send({"type": "ERROR", "object": said})

    @property
    def watched(self) -> int:
        """Watches that are open."""
        return len(self._watches)

    def _tell(self, kind: str, body: Json) -> None:
        if self.loses:
            return
        event = {"type": kind, "object": body}
        self._history.append((self._version, event))
        self._send(event)

    def _send(self, event: Json) -> None:
        for watch in self._watches:
            watch.put_nowait(json.dumps(event).encode() + b"\n")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        verb = "watch" if "watch" in request.query else "list"
        self.asked[verb] += 1
        if self.answers:
            return self.answers.pop(0)
        if not self.served:
            return web.json_response({"reason": "NotFound", "message": "not served"}, status=404)
        return await self._watch(request) if verb == "watch" else self._list(request)

    def _list(self, request: web.Request) -> web.Response:
        begin, version = 0, self._version
        if token := request.query.get("continue"):
            version, begin = json.loads(base64.b64decode(token))
            if version < self._oldest:
                return web.json_response({"reason": "Expired", "message": "the token is too old"}, status=410)
        now = sorted(self._kept.values(), key=lambda each: str(each["metadata"]["name"]))
        items = self._lists.setdefault(version, now)  # all parts are of one moment
        most = int(request.query.get("limit", "0")) or len(items)
        metadata = {"resourceVersion": str(version)}
        if begin + most < len(items):
            metadata["continue"] = base64.b64encode(json.dumps([version, begin + most]).encode()).decode()
        return web.json_response({"metadata": metadata, "items": items[begin : begin + most]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        since, told = int(request.query["resourceVersion"]), asyncio.Queue[bytes | None]()
        self.versions.append(str(since))
        if since < self._oldest:
            return web.json_response({"reason": "Expired", "message": "too old resource version"}, status=410)
        response = web.StreamResponse()
        await response.prepare(request)
        for version, event in self._history:
            if version > since:
                await response.write(json.dumps(event).encode() + b"\n")
        self._watches.add(told)
        try:
            while (line := await told.get()) is not None:
                version = json.loads(line)["object"].get("metadata", {}).get("resourceVersion")
                if version is None or int(version) > since:  # a real one tells nothing of what is older, either
                    await response.write(line)
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._watches.discard(told)
        return response


@asynccontextmanager
async def served(server: WatchedApi) -> AsyncIterator[Api]:
    """A client of it."""
    app = web.Application()
    app.add_routes([web.get("/{path:.*}", server.answer)])
    async with client_of(app) as api:
        try:
            yield api
        finally:
            server.cut()
