"""An API server in memory, for what suites on a cluster cannot bring about: refusals, foreign objects, leftovers."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from tests.unit.adapters.local_server import client_of

_LISTED: Final = (
    names.DEPLOYMENTS,
    names.DISRUPTION_BUDGETS,
    names.SERVICES,
    names.PODS,
    names.ENDPOINT_SLICES,
    names.TRAFFIC_POLICIES,
)
_COLLECTIONS: Final = {path.rpartition("/")[2] for path in _LISTED}


class Objects:
    """Objects by path, with the verbs that are needed of it; a collection is a list of those below it."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.refuses = ""
        self.races = 0  # so many of the next writes are lost to another client
        self.unreadable: set[str] = set()  # collections
        self.forbidden: set[str] = set()  # paths that may not be read

    async def answer(self, request: web.Request) -> web.Response:
        if request.method in {"PATCH", "POST", "PUT"} and self.refuses:
            return web.json_response({"message": self.refuses, "reason": "Invalid"}, status=422)
        if request.method in {"PATCH", "POST", "PUT"} and self.races:
            self.races -= 1
            return web.json_response({"message": "the object has been modified", "reason": "Conflict"}, status=409)
        if request.method in {"PATCH", "POST", "PUT"}:
            body = json.loads(await request.text())
            path = f"{request.path}/{body['metadata']['name']}" if request.method == "POST" else request.path
            return web.json_response(self._written(path, body))
        if request.path in self.forbidden:
            return web.json_response({"message": "no right to list", "reason": "Forbidden"}, status=403)
        found = self.kept.get(request.path) or self._collection(request.path)
        if found is None:
            return web.json_response({"message": "not found", "reason": "NotFound"}, status=404)
        if request.method == "DELETE":
            del self.kept[request.path]
        return web.json_response(found)

    def _written(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """As server-side apply has it: what was there stays, and a write is a new generation."""
        found = self.kept.get(path, {})
        known = {"uid": "made", **found.get("metadata", {})}
        metadata = {**known, **body["metadata"], "generation": known.get("generation", 0) + 1}
        self.kept[path] = {**found, **body, "metadata": metadata}
        return self.kept[path]

    def _collection(self, path: str) -> dict[str, Any] | None:
        if path.rpartition("/")[2] not in _COLLECTIONS or path in self.unreadable:
            return None
        return {"items": [found for at, found in self.kept.items() if at.rpartition("/")[0] == path]}


@asynccontextmanager
async def served(objects: Objects) -> AsyncIterator[Api]:
    """A client of a server that has these objects."""
    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", objects.answer)])
    async with client_of(app) as api:
        yield api
