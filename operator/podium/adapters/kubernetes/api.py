"""The API server as JSON over HTTP: the few verbs that Podium uses, each bounded in time.

It stands on the transport and the login of `kubernetes.aio`, and leaves out its generated models: an object that is
read, compared and applied is a dict all the way, so no field is lost that the models do not know yet.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config
from multidict import CIMultiDict

from podium.adapters.kubernetes.errors import FOREIGN, from_exception, from_status
from podium.adapters.kubernetes.names import FIELD_MANAGER
from podium.errors import Rejected, Unavailable

Json = dict[str, Any]
TIMEOUT: Final = 10.0  # seconds for one request; a reconcile is tried again rather than waited for
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_JSON = "application/json"
_ERROR_LIMIT: Final = 2**16  # bytes of an answer that refuses: pods are asked through this, too
_ONCE: Final = frozenset({"POST", "PUT"})  # a repeat could meet the first try's own result; their callers look again
_PAUSES: Final = (0.02, 0.05, 0.1, 0.2)  # seconds between tries
_SPREAD: Final = 0.5  # of what Retry-After says is added at the most


async def login(context: str | None = None) -> Configuration:
    """The service account in a pod, otherwise the kubeconfig, or its named context. Raises Rejected without either."""
    configuration = Configuration()
    try:
        if context is None and in_cluster():
            load_incluster_config(configuration)
        else:
            await load_kube_config(
                config_file=kubeconfig(), context=context, client_configuration=configuration, persist_config=False
            )
    except Exception as error:  # kubeconfig loaders raise whatever a broken file makes them raise
        raise Rejected(f"no credentials for the API server: set KUBECONFIG, or run in a pod ({error})") from error
    return configuration


def in_cluster() -> bool:
    """Whether this process runs in a pod, with a kubeconfig not said to be used instead."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and not os.environ.get("KUBECONFIG")


def kubeconfig() -> str:
    """Where kubectl's configuration is."""
    return os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())


class Api:
    """A connection to the API server. All methods raise the errors of `podium.errors`.

    `within` is the time for the whole exchange in seconds, reading included.
    """

    def __init__(
        self, configuration: Configuration, user: str | None = None, more: Sequence[tuple[str, str]] = ()
    ) -> None:
        """`more` are headers of every request, of which several may have one name: of impersonation, each group."""
        self.configuration = configuration
        self._more = tuple(more)
        self._client = ApiClient(configuration)
        self._client.user_agent = "podium"
        if user is not None:
            self._client.set_default_header("Impersonate-User", user)

    @classmethod
    async def connect(cls, context: str | None = None, user: str | None = None) -> Self:
        """Log in, by the pod's service account or by kubeconfig; as another user where one is named."""
        return cls(await login(context), user)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def get(self, path: str, *, within: float = TIMEOUT) -> Json:
        """Return one object, fresh from etcd. Raises the errors of `_json`: NotFound where it does not exist."""
        return await self._json("GET", path, within=within)

    async def list(
        self, path: str, *, selector: str = "", fields: str = "", most: int | None = None, within: float = TIMEOUT
    ) -> Sequence[Json]:
        """All objects of the collection that match the selectors, or the first ones, fresh from etcd."""
        query = _selected(selector, fields) | ({"limit": str(most)} if most else {})
        return (await self._json("GET", path, query=query, within=within)).get("items") or []

    async def page(self, path: str, *, selector: str = "", token: str = "", most: int, within: float = TIMEOUT) -> Json:
        """A part of a list, as the API server sends it: `items`, and in `metadata` the resourceVersion and `continue`.

        `token` is the `continue` of the part before. Raises Expired where that has grown too old.
        """
        query = (
            _selected(selector, "") | ({"limit": str(most)} if most else {}) | ({"continue": token} if token else {})
        )
        return await self._json("GET", path, query=query, within=within)

    async def watch(
        self, path: str, *, selector: str = "", fields: str = "", since: str = "", within: float
    ) -> AsyncIterator[Json]:
        """What is there and each change of it (`type`, `object`), until the API server ends it after `within` seconds.

        An end says nothing of the objects: watch again. After the resourceVersion `since`, only changes are told, and
        in `BOOKMARK`s newer versions; raises Unavailable where the API server knows it no more.
        """
        query = {"watch": "true", "timeoutSeconds": str(round(within))} | _selected(selector, fields)
        query |= {"resourceVersion": since, "allowWatchBookmarks": "true"} if since else {}
        bound = aiohttp.ClientTimeout(total=within + TIMEOUT, sock_connect=TIMEOUT)
        async with self._answer("GET", f"{path}?{urlencode(query)}", bound=bound) as answer:
            async for line in lines(answer.content):
                event = json.loads(line)
                if event.get("type") == "ERROR":
                    found = event["object"]
                    raise from_status(int(found.get("code", 500)), found, f"GET {path} (watch)")
                yield event

    async def create(self, path: str, body: Json) -> Json:
        """Create an object. Raises Conflict where one of its name is there."""
        return await self._json("POST", path, query={"fieldManager": FIELD_MANAGER}, body=body)

    async def replace(self, path: str, body: Json) -> Json:
        """PUT: refused with Conflict where `metadata.resourceVersion` is no longer the newest."""
        return await self._json("PUT", path, query={"fieldManager": FIELD_MANAGER}, body=body)

    async def apply(self, path: str, body: Json, *, force: bool) -> Json:
        """Server-side apply. With `force`, fields that others have taken come back to us."""
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        return await self._json("PATCH", path, query=query, body=body, content_type=_APPLY)

    async def merge(self, path: str, body: Json, *, manager: str = FIELD_MANAGER) -> Json:
        """Change an object by a merge patch. Raises NotFound, and Conflict where it names another resourceVersion."""
        return await self._json("PATCH", path, query={"fieldManager": manager}, body=body, content_type=_MERGE)

    async def patch(self, path: str, operations: Sequence[Json]) -> Json:
        """JSON Patch (RFC 6902). Rejected where one of its tests does not hold: then nothing of it is done."""
        query = {"fieldManager": FIELD_MANAGER}
        return await self._json("PATCH", path, query=query, body=operations, content_type=_JSON_PATCH)

    async def delete(self, path: str, uid: str) -> None:
        """Delete this very object, and not another one of its name. Raises Conflict where it is another one."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        await self._json("DELETE", path, body=options)

    async def text(self, path: str, *, limit: int, within: float, headers: Mapping[str, str] | None = None) -> str:
        """At most `limit` bytes of what is there, as text: for what pods say through the API server's proxy."""
        content = await self._call("GET", path, limit=limit, within=within, headers=headers)
        return content.decode(errors="replace")

    async def stream(self, path: str, query: Mapping[str, str], *, within: float) -> AsyncIterator[bytes]:
        """The lines of what is there, as they come, until its end or for so many seconds. The last one may be cut."""
        bound = aiohttp.ClientTimeout(total=within, sock_connect=TIMEOUT)
        async with self._answer("GET", f"{path}?{urlencode(query)}", bound=bound) as answer:
            async for line in lines(answer.content, cut=True):
                yield line

    async def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | Sequence[Json] | None = None,
        content_type: str = _JSON,
        within: float = TIMEOUT,
    ) -> Json:
        target = f"{path}?{urlencode(query)}" if query else path
        call = partial(self._call, method, target, body=body, content_type=content_type)
        content = await (call(within=within) if method in _ONCE else _persistent(call, within))
        found = _payload(content)
        if not isinstance(found, dict):
            raise Unavailable(f"{method} {path}: expected a JSON object, found {found!r:.200}")
        return found

    async def _call(
        self,
        method: str,
        target: str,
        *,
        within: float,
        body: Json | Sequence[Json] | None = None,
        content_type: str = _JSON,
        limit: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        bound = aiohttp.ClientTimeout(total=within)
        async with self._answer(
            method, target, body=body, content_type=content_type, bound=bound, headers=headers
        ) as answer:
            content: bytes = await answer.read() if limit is None else await read_at_most(answer.content, limit)
        return content

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        target: str,
        *,
        bound: aiohttp.ClientTimeout,
        body: Json | Sequence[Json] | None = None,
        content_type: str = _JSON,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer of a request that succeeded. What fails while it is read is translated, too."""
        doing = f"{method} {target.partition('?')[0]}"
        sent = {"Accept": "application/json, */*", "Content-Type": content_type, **(headers or {})}
        try:
            verb, url, signed, *rest = await self._client.param_serialize(
                method, target, header_params=sent, body=body, auth_settings=["BearerToken"]
            )
            given = CIMultiDict([*signed.items(), *self._more]) if self._more else signed
            answer = (await self._client.call_api(verb, url, given, *rest, _request_timeout=bound)).response
            async with answer:
                if not 200 <= answer.status < 300:  # noqa: PLR2004  the successes of HTTP
                    said = await read_at_most(answer.content, _ERROR_LIMIT)
                    later = answer.headers.get("Retry-After", "")
                    raise from_status(answer.status, _payload(said), doing, later)
                yield answer
        except FOREIGN as error:
            raise from_exception(error, doing) from error


def _selected(selector: str, fields: str) -> dict[str, str]:
    query = {"labelSelector": selector, "fieldSelector": fields}
    return {name: value for name, value in query.items() if value}


async def _persistent(call: Callable[..., Awaitable[bytes]], within: float) -> bytes:
    """What the call gives; asked again, soon and not often, while the API server is too busy to answer it.

    A look makes some ten calls: where every second one fails, hardly a look would ever come to its end otherwise.
    """
    end = time.monotonic() + within
    for least in _PAUSES:
        pause = least
        try:
            return await call(within=max(0.0, end - time.monotonic()))
        except Unavailable as error:
            # Those that were sent away together do not come back together.
            pause = max(pause, error.retry_after * (1 + _SPREAD * random.random()))  # noqa: S311  not for secrets
            if time.monotonic() + pause >= end:
                raise
        await asyncio.sleep(pause)
    return await call(within=max(0.0, end - time.monotonic()))


async def read_at_most(stream: aiohttp.StreamReader, limit: int) -> bytes:
    """The first `limit` bytes of an answer's body, however they are cut into packets."""
    content = b""
    while len(content) < limit and (chunk := await stream.read(limit - len(content))):
        content += chunk
    return content


async def lines(stream: aiohttp.StreamReader, *, cut: bool = False) -> AsyncIterator[bytes]:
    """The lines of an answer's body, of any length; what no newline ends is not whole, and left out unless `cut`."""
    rest = b""
    async for chunk in stream.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line:
                yield line
    if rest and cut:
        yield rest


def _payload(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
