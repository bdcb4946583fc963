"""The servers of bench.scale answer the operator's own clients as real ones do."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from kubernetes.aio.client import Configuration

from bench.scale.__main__ import served
from bench.scale.api_server import ApiServer
from bench.scale.mlflow_server import MlflowServer
from bench.scale.virtual import DIGEST, FILES, IMAGE, NAMESPACE, Rest, model_of, name_of, objects, page_of
from podium.adapters.clock import RealClock
from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.cluster import KubernetesCluster
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.adapters.registries.mlflow import MlflowRegistry
from podium.adapters.routers.choice import Routers
from podium.core.facts import Key
from podium.ports import RegistryLogin, RegistryQuery

URI = "http://mlflow.test"


@asynccontextmanager
async def client_of(server: ApiServer) -> AsyncIterator[Api]:
    async with served(server.application()) as address:
        configuration = Configuration()
        configuration.host = address
        api = Api(configuration)
        try:
            yield api
        finally:
            await api.close()


def with_objects(numbers: Sequence[int], rest: Rest = "stable") -> ApiServer:
    server = ApiServer(page_of)
    for number in numbers:
        for collection, body in objects(number, rest, URI):
            server.put(collection, body)
    return server


async def test_virtual_objects_are_as_podium_would_have_made_them() -> None:
    server = with_objects(range(3))
    async with client_of(server) as api:
        cluster = KubernetesCluster(api, RealClock(), Defaults(IMAGE, URI), "test")
        md = await cluster.get(Key(NAMESPACE, name_of(1)))
        assert md is not None
        slots = await cluster.slots(md)
        traffic = await Routers(api, RealClock()).observe(md, slots)
    assert (slots["a"].runs, slots["a"].up_to_date) == (md.status.champion, True)
    assert slots["a"].ready(md.status.champion) == 1
    assert (traffic.desired, traffic.in_sync) == ({"a": 100, "b": 0}, True)
    assert server.requests["get modeldeployments"] == 1
    assert name_of(1) in server.first_read


async def test_a_change_is_told_to_who_watches_and_waits_to_be_read() -> None:
    server = with_objects(range(2), "missing")
    async with client_of(server) as api:
        watched = api.watch(names.ALL_MODEL_DEPLOYMENTS, within=5)
        assert isinstance(watched, AsyncGenerator)
        told = asyncio.ensure_future(anext(watched))
        async with asyncio.timeout(5):
            while not server.requests["watch modeldeployments"]:  # noqa: ASYNC110  the server counts, and tells no one
                await asyncio.sleep(0.01)
        server.change(name_of(1), {"paused": True})
        event = await told
        await watched.aclose()
        await api.get(names.path(names.MODEL_DEPLOYMENTS, NAMESPACE, name_of(1)))
        assert await server.read_again(name_of(1), within=0) > 0
    assert (event["type"], event["object"]["metadata"]["name"]) == ("MODIFIED", name_of(1))
    assert (event["object"]["spec"]["paused"], event["object"]["metadata"]["generation"]) == (True, 2)


async def test_the_registry_counts_two_thousand_models_as_two_pages() -> None:
    models = {f"model-{number}" for number in range(2000)}
    server, registry = MlflowServer(models, FILES), MlflowRegistry()
    async with served(server.application()) as address:
        login = RegistryLogin(address, {})
        found = await registry.revisions(login, models)
        assert found.keys() == models
        assert server.requests["registered-models/search"] == 2
        query = RegistryQuery(login, model_of(0), "1", None, None, "champion")
        answer = await registry.query(query)
        await registry.close()
    assert answer.desired is not None
    assert answer.desired.digest == DIGEST
    assert answer.revision == found[model_of(0)]
