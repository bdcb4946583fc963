"""ModelDeployments from the cluster of the kubeconfig: read, and watched."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from kubernetes.aio.config import list_kube_config_contexts

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api, in_cluster, kubeconfig
from podium.api.v1alpha1.manifest import KIND
from podium.cli.objects import InputError
from podium.cli.options import Place
from podium.core.printable import plain
from podium.errors import NotFound, Permanent, PodiumError, Rejected
from podium.steering.caller import caller

_IN_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_MANY: Final = 60.0  # seconds for a list of thousands
_WATCH: Final = 60.0  # seconds until a watch is begun again
_NAMED: Final = 5  # ModelDeployments that are named where another one is asked for
_PAUSE: Final = 1.0  # seconds before a watch that broke is begun again
Result = TypeVar("Result")


class Missing(NotFound):
    """The namespace has no ModelDeployment of this name; the message is for the person who named it."""


@dataclass(frozen=True)
class Connection:
    """An API server, and the namespace that a verb is about."""

    api: Api
    namespace: str

    async def model_deployment(self, name: str) -> Mapping[str, Any]:
        """The object as the API server has it. Raises the errors of `podium.errors`, and Missing where it is not."""
        try:
            return await self.api.get(names.path(names.MODEL_DEPLOYMENTS, self.namespace, name))
        except NotFound as error:
            raise Missing(await self._not_found(name)) from error

    async def _not_found(self, name: str) -> str:
        """Which name was expected, which ones are there, and what to do. Who may not list them reads no names."""
        said = f"{KIND} {name} not found in namespace {self.namespace}"
        advice = "podium list -A, and then name the namespace with -n"
        try:
            found = await self.api.list(names.path(names.MODEL_DEPLOYMENTS, self.namespace), most=_NAMED + 1)
        except NotFound:
            return f"{said}: the API server serves no {KIND}s; do: install the CRD, or name another --context"
        except PodiumError:
            return f"{said}; do: {advice}"
        there = [str(one["metadata"]["name"]) for one in found]
        listed = ", ".join(there[:_NAMED]) + (" …" if len(there) > _NAMED else "")
        return f"{said}: expected one of that name, found {listed or 'none'}; do: {advice}"

    async def user(self) -> str:
        """For whom the API server takes the caller; "" where it does not say."""
        return await caller(self.api)

    async def pods(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The pods of both slots."""
        return await self.api.list(names.path(names.PODS, self.namespace), selector=f"{names.DEPLOYMENT}={name}")

    async def events(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The Events about the object that the API server still has."""
        fields = f"regarding.kind={KIND},regarding.name={name}"
        return await self.api.list(names.path(names.EVENTS, self.namespace), fields=fields, within=_MANY)

    async def changes(self, name: str, *, with_pods: bool) -> AsyncGenerator[None]:
        """Now, and after each change of the object, and of its pods. What changed is to be read again.

        Raises Permanent where the caller may not watch it.
        """
        changed = asyncio.Event()
        mine = names.path(names.MODEL_DEPLOYMENTS, self.namespace)
        watches = [self._notify(changed, mine, fields=f"metadata.name={name}")]
        if with_pods:
            pods = names.path(names.PODS, self.namespace)
            watches.append(self._pods_notify(changed, pods, selector=f"{names.DEPLOYMENT}={name}"))
        tasks = [asyncio.create_task(watch) for watch in watches]
        for task in tasks:
            task.add_done_callback(lambda _: changed.set())
        try:
            yield
            while True:
                await changed.wait()
                changed.clear()
                if tasks[0].done():
                    tasks[0].result()
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pods_notify(self, changed: asyncio.Event, collection: str, **selected: str) -> None:
        with suppress(Permanent):  # who may not watch pods is told so where they are read
            await self._notify(changed, collection, **selected)

    async def _notify(self, changed: asyncio.Event, collection: str, **selected: str) -> None:
        """Sets the flag at each change, for ever. A watch that broke is begun again: it tells of all that is there."""
        told = False
        while True:
            try:
                async for _ in self.api.watch(collection, within=_WATCH, **selected):
                    told = False
                    changed.set()
            except Permanent:
                raise
            except PodiumError as error:
                if not told:
                    click.echo(f"lost the watch, trying again: {plain(str(error))}", err=True)
                told = True
                await asyncio.sleep(_PAUSE)


@asynccontextmanager
async def connected(place: Place) -> AsyncIterator[Connection]:
    """A connection. Raises the errors of `podium.errors`."""
    namespace = place.namespace or _namespace(place.context)
    api = await Api.connect(place.context, place.user)
    try:
        yield Connection(api, namespace)
    finally:
        await api.close()


async def model_deployment(name: str, place: Place) -> Mapping[str, Any]:
    """The object as the API server has it. Raises the errors of `podium.errors`."""
    async with connected(place) as connection:
        return await connection.model_deployment(name)


async def model_deployments(place: Place, *, everywhere: bool) -> Sequence[Mapping[str, Any]]:
    """All of a namespace, or of the cluster. Raises the errors of `podium.errors`."""
    async with connected(place) as connection:
        path = names.path(names.MODEL_DEPLOYMENTS, connection.namespace)
        return await connection.api.list(names.ALL_MODEL_DEPLOYMENTS if everywhere else path, within=_MANY)


def run(asking: Coroutine[Any, Any, Result], name: str | None) -> Result:
    """What the cluster says of the ModelDeployment of this name, or of many. Raises InputError where it cannot."""
    try:
        return asyncio.run(asking)
    except Missing as error:
        raise InputError(str(error)) from error
    except NotFound as error:
        if name is not None:
            raise InputError(f"{KIND} {name} was deleted before podium had done with it; do: podium list -A") from error
        raise InputError(f"{KIND}s not found (is the CRD installed?): {error}") from error
    except PodiumError as error:
        raise InputError(f"could not read {name or f'{KIND}s'}: {error}") from error


def _namespace(context: str | None) -> str:
    """The namespace that kubectl would take."""
    if context is None and in_cluster():
        return _IN_POD.read_text(encoding="utf-8").strip() if _IN_POD.exists() else "default"
    try:
        known, active = list_kube_config_contexts(kubeconfig())
    except Exception as error:  # kubeconfig loaders raise whatever a broken file makes them raise
        raise Rejected(f"{kubeconfig()} is no kubeconfig ({error}); do: set KUBECONFIG to one") from error
    if context is not None:
        active = next((one for one in known if one.get("name") == context), None)
    if active is None:
        there = ", ".join(str(one.get("name")) for one in known) or "none"
        raise Rejected(f"{kubeconfig()}: expected a context {context}, found {there}; do: name one of them")
    return str((active.get("context") or {}).get("namespace") or "default")
