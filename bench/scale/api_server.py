"""An API server in memory that counts what it is asked: lists, watches, and the few writes of an operator at rest.

It keeps no rules: whatever is written is taken. What is watched is told at once, and to a watch that begins at an
older resourceVersion what was between.
"""

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from podium.adapters.kubernetes import names
from podium.api.v1alpha1.manifest import GROUP, KIND, PLURAL, VERSION_NAME

Json = dict[str, Any]
_KINDS: Final = {
    ("", "v1"): [
        ("pods", "Pod"),
        ("services", "Service"),
        ("configmaps", "ConfigMap"),
        ("events", "Event"),
        ("namespaces", "Namespace"),
    ],
    ("apps", "v1"): [("deployments", "Deployment")],
    ("batch", "v1"): [("jobs", "Job")],
    ("discovery.k8s.io", "v1"): [("endpointslices", "EndpointSlice")],
    ("policy", "v1"): [("poddisruptionbudgets", "PodDisruptionBudget")],
    ("autoscaling", "v2"): [("horizontalpodautoscalers", "HorizontalPodAutoscaler")],
    (GROUP, VERSION_NAME): [(PLURAL, KIND)],
}
_PATH: Final = re.compile(
    r"(?P<group>/api/v1|/apis/[^/]+/[^/]+)(/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[^/]+)(/(?P<name>[^/]+)(/(?P<sub>.+))?)?"
)
_TERM: Final = re.compile(r"(?P<key>[^=\s!,]+)(\s+in\s+\((?P<any>[^)]*)\)|=+(?P<value>[^,]*))?")


class ApiServer:
    """Objects by collection, and a count of requests by verb and resource."""

    def __init__(self, page_of: Callable[[str], str]) -> None:
        self.requests: Counter[str] = Counter()
        self.first_read: dict[str, float] = {}  # when a ModelDeployment was read by name, since it was changed last
        self._page_of = page_of
        self._kept: defaultdict[str, dict[tuple[str, str], Json]] = defaultdict(dict)
        self._labelled: defaultdict[tuple[str, str], dict[tuple[str, str], None]] = defaultdict(dict)
        self._watchers: defaultdict[str, set[asyncio.Queue[bytes]]] = defaultdict(set)
        self._version = 1000
        self._told: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)  # for watches that begin late

    # --- objects ------------------------------------------------------------------------------------------------------

    def put(self, collection: str, body: Json) -> Json:
        """Store an object; it is told to those who watch."""
        return self._store(_resource(collection), body)

    def change(self, name: str, spec: Json) -> None:
        """A commit: another spec of a ModelDeployment, and another generation."""
        kept = self._kept[_resource(names.MODEL_DEPLOYMENTS)]
        key = next(each for each in kept if each[1] == name)
        found = kept[key]
        metadata = {**found["metadata"], "generation": found["metadata"]["generation"] + 1}
        self.first_read.pop(name, None)
        self._store(_resource(names.MODEL_DEPLOYMENTS), {**found, "metadata": metadata, "spec": found["spec"] | spec})

    async def read_again(self, name: str, within: float) -> float:
        """When the ModelDeployment was read after its last change; or now, after so many seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while name not in self.first_read and loop.time() < end:  # noqa: ASYNC110  so many wait for none
            await asyncio.sleep(0.002)
        return self.first_read.get(name, loop.time())

    def _store(self, resource: str, body: Json) -> Json:
        metadata = body["metadata"]
        key, known = (metadata.get("namespace", ""), metadata["name"]), None
        known = self._kept[resource].get(key)
        self._version += 1
        kept = {"uid": f"uid-{self._version}", "generation": 1, **((known or {}).get("metadata") or {}), **metadata}
        stored = {**(known or {}), **body, "metadata": {**kept, "resourceVersion": str(self._version)}}
        self._kept[resource][key] = stored
        owner = (stored["metadata"].get("labels") or {}).get(names.DEPLOYMENT)
        if owner is not None:
            self._labelled[resource, owner][key] = None
        self._tell(resource, "MODIFIED" if known else "ADDED", stored)
        return stored

    def _tell(self, resource: str, kind: str, body: Json) -> None:
        line = json.dumps({"type": kind, "object": body}).encode() + b"\n"
        if self.requests[f"list {resource.rpartition('/')[2]}"]:  # before that, there is no version to go on from
            self._told[resource].append((self._version, line))
        for watcher in self._watchers[resource]:
            watcher.put_nowait(line)

    # --- requests -----------------------------------------------------------------------------------------------------

    def application(self) -> web.Application:
        """What is served."""
        app = web.Application(client_max_size=2**26)
        app.add_routes([web.route("*", "/{path:.*}", self._answer)])
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        found = _PATH.fullmatch(request.path)
        if found is None or found["plural"] is None:
            return self._discovery(request.path)
        resource, name, sub = f"{found['group']}/{found['plural']}", found["name"], found["sub"] or ""
        if sub.startswith("proxy/"):
            self.requests["scrape"] += 1
            return web.Response(text=self._page_of((name or "").partition(":")[0]))
        watched = request.query.get("watch") == "true"
        verb = "watch" if watched else "list" if request.method == "GET" and name is None else request.method.lower()
        self.requests[f"{verb} {found['plural']}"] += 1
        if watched:
            return await self._watch(request, resource)
        if request.method == "GET":
            return self._read(request, resource, found["namespace"] or "", name)
        body = json.loads(await request.text() or "{}")
        if request.method == "DELETE":
            self._kept[resource].pop((found["namespace"] or "", name or ""), None)
            return web.json_response({"kind": "Status", "status": "Success"})
        metadata = {"namespace": found["namespace"] or "", "name": name, **(body.get("metadata") or {})}
        metadata.pop("resourceVersion", None)
        return web.json_response(self._store(resource, {**body, "metadata": metadata}))

    def _read(self, request: web.Request, resource: str, namespace: str, name: str | None) -> web.Response:
        if name is not None:
            found = self._kept[resource].get((namespace, name))
            if resource == _resource(names.MODEL_DEPLOYMENTS):
                self.first_read.setdefault(name, asyncio.get_running_loop().time())
            if found is None:
                return web.json_response({"message": "not found", "reason": "NotFound", "code": 404}, status=404)
            return web.json_response(found)
        found_all = list(self._selected(resource, namespace, request.query.get("labelSelector", "")))
        begin, most = int(request.query.get("continue", "0")), int(request.query.get("limit", "0")) or len(found_all)
        page, rest = found_all[begin : begin + most], max(0, len(found_all) - begin - most)
        metadata = {"resourceVersion": str(self._version)}
        if rest:
            metadata |= {"continue": str(begin + most)}
        return web.json_response({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": page})

    def _selected(self, resource: str, namespace: str, selector: str) -> Iterator[Json]:
        terms = [(each["key"], each["value"], each["any"]) for each in _TERM.finditer(selector)]
        owners = [value for key, value, _ in terms if key == names.DEPLOYMENT and value is not None]
        keys = list(self._labelled[resource, owners[0]] if owners else self._kept[resource])
        wanted = [
            (key, {value} if value is not None else set((some or "").split(",")) - {""}) for key, value, some in terms
        ]
        for key in keys:
            found = self._kept[resource][key]
            labels = found["metadata"].get("labels") or {}
            fits = all(name in labels and (not values or labels[name] in values) for name, values in wanted)
            if fits and namespace in {"", key[0]}:
                yield found

    async def _watch(self, request: web.Request, resource: str) -> web.StreamResponse:
        response, told = web.StreamResponse(), asyncio.Queue[bytes]()
        response.content_type = "application/json"
        since, loop = int(request.query.get("resourceVersion", "0")), asyncio.get_running_loop()
        for version, line in self._told[resource]:
            if version > since:
                told.put_nowait(line)
        self._watchers[resource].add(told)
        end = loop.time() + float(request.query.get("timeoutSeconds", "3600"))
        try:
            await response.prepare(request)
            with suppress(ConnectionError, TimeoutError):  # the client has gone, or its time is over
                while True:
                    async with asyncio.timeout_at(end):
                        line = await told.get()
                    await response.write(line)
        finally:
            self._watchers[resource].discard(told)
        return response

    @staticmethod
    def _discovery(path: str) -> web.Response:
        if path == "/api":
            return web.json_response({"kind": "APIVersions", "versions": ["v1"]})
        if path == "/apis":
            groups = [
                {
                    "name": group,
                    "versions": [version := {"groupVersion": f"{group}/{of}", "version": of}],
                    "preferredVersion": version,
                }
                for group, of in _KINDS
                if group
            ]
            return web.json_response({"kind": "APIGroupList", "groups": groups})
        for (group, of), kinds in _KINDS.items():
            if path == (f"/apis/{group}/{of}" if group else "/api/v1"):
                verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
                resources = [
                    {"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": True, "verbs": verbs}
                    for plural, kind in kinds
                ]
                return web.json_response(
                    {"kind": "APIResourceList", "groupVersion": f"{group}/{of}", "resources": resources}
                )
        return web.json_response({"message": "not found", "reason": "NotFound", "code": 404}, status=404)


def _resource(collection: str) -> str:
    group, namespaced, plural = collection.partition("/namespaces/{}/")
    return f"{group}/{plural}" if namespaced else collection
