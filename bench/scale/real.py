"""The same on a real API server, by KUBECONFIG: `python -m bench.scale.real`.

So many ModelDeployments whose models are not in the registry rest in a namespace of their own, which an operator of the
bench's watches. No pod of them runs, so that a cluster of one small node carries them, whose controllers have
nothing to do for them either. A proxy between the operator and the API server counts. The cluster needs Podium's CRDs,
and no operator that watches all namespaces.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.scale.__main__ import free_port, reconciles, served, writes_of
from bench.scale.mlflow_server import MlflowServer
from bench.scale.proxy import CountingProxy
from bench.scale.subject import Subject, operator
from bench.scale.virtual import FILES, NAMESPACE, model_of, name_of, objects
from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api

_COMMITS: Final = 20
_LONGEST: Final = 120.0  # seconds that a commit is waited for
_QUIET: Final = 20.0  # seconds without a write after which all are at rest
_AT_ONCE: Final = 8  # requests that the bench makes at the same time
_LEASE: Final = "leases"


def main() -> None:
    """Measure, and print the figures: JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.scale.real", description=__doc__)
    options.add_argument("--size", type=int, default=1000, help="how many ModelDeployments")
    options.add_argument("--seconds", type=float, default=60.0, help="for which they are measured at rest")
    options.add_argument("--within", type=float, default=600.0, help="seconds that they may take to come to rest")
    chosen = options.parse_args()
    figures = asyncio.run(_measure(chosen.size, chosen.seconds, chosen.within))
    for name, value in figures.items():
        print(f"{name:>24} {value}")
    print(json.dumps(figures))


async def _measure(size: int, seconds: float, within: float) -> dict[str, Any]:
    api = await Api.connect()
    proxy, mlflow = CountingProxy(api.configuration), MlflowServer({model_of(number) for number in range(size)}, FILES)
    try:
        async with (
            _namespace(api),
            proxy.application() as app,
            served(app) as server,
            served(mlflow.application()) as registry,
        ):
            await _made(api, size)
            with TemporaryDirectory(prefix="podium-bench-") as folder:
                begin = partial(operator, Path(folder), api=server, mlflow=registry, namespace=NAMESPACE)
                with begin(port=free_port()) as subject:
                    await _looked(subject, size, within)
                    installed = await _quiet(proxy, within)
                before = proxy.requests.copy()
                with begin(port=free_port()) as subject:
                    cold = await _looked(subject, size, within)
                    asked = sum((proxy.requests - before).values())
                    await _quiet(proxy, within)
                    figures = await _at_rest(proxy, mlflow, subject, seconds)
                    starts = {"installed_s": installed, "cold_start_s": cold, "cold_start_requests": asked}
                    return {"deployments": size, **starts, **figures, **await _commits(api, size)}
    finally:
        await api.close()


@asynccontextmanager
async def _namespace(api: Api) -> AsyncIterator[None]:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    await api.create("/api/v1/namespaces", body)
    try:
        yield
    finally:
        found = await api.get(f"/api/v1/namespaces/{NAMESPACE}")
        await api.delete(f"/api/v1/namespaces/{NAMESPACE}", found["metadata"]["uid"])


async def _made(api: Api, size: int) -> None:
    places = asyncio.Semaphore(_AT_ONCE)

    async def make(number: int) -> None:
        for collection, body in objects(number, "missing", ""):
            kept = {"name": body["metadata"]["name"], "namespace": NAMESPACE}
            async with places:
                made = {**body, "metadata": kept}
                made.pop("status")
                await api.create(names.path(collection, NAMESPACE), made)

    await asyncio.gather(*(make(number) for number in range(size)))


async def _looked(subject: Subject, size: int, within: float) -> float | None:
    """Seconds until each was looked at; None where that took too long."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        if await reconciles(subject) >= size:
            return round(time.monotonic() - began, 1)
        await asyncio.sleep(0.2)
    return None


async def _quiet(proxy: CountingProxy, within: float) -> float | None:
    """Seconds until nothing is written any more; None where that took too long."""
    began = since = time.monotonic()
    written = writes_of(proxy.requests)
    while time.monotonic() - began < within:
        await asyncio.sleep(1)
        if written != (written := writes_of(proxy.requests)):
            since = time.monotonic()
        if time.monotonic() - since > _QUIET:
            return round(since - began, 1)
    return None


async def _at_rest(proxy: CountingProxy, mlflow: MlflowServer, subject: Subject, seconds: float) -> dict[str, Any]:
    before, queries, cpu = proxy.requests.copy(), sum(mlflow.requests.values()), subject.cpu()
    looks, began = await reconciles(subject), time.monotonic()
    await asyncio.sleep(seconds)
    passed = time.monotonic() - began
    asked = proxy.requests - before
    of_objects = {verb: count for verb, count in asked.items() if not verb.endswith(_LEASE)}
    return {
        "memory_mib": round(subject.memory()),
        "cpu_percent": round(100 * (subject.cpu() - cpu) / passed, 1),
        "reconciles_per_second": round((await reconciles(subject) - looks) / passed, 1),
        "api_per_second": round(sum(of_objects.values()) / passed, 2),
        "api_writes": writes_of(asked),
        "mlflow_per_second": round((sum(mlflow.requests.values()) - queries) / passed, 1),
        "by_verb": dict(sorted(of_objects.items())),
    }


async def _commits(api: Api, size: int) -> dict[str, float]:
    """Commits to some of them: when each is reconciled, by what its status says."""
    taken = []
    for commit in range(_COMMITS):
        path = names.path(names.MODEL_DEPLOYMENTS, NAMESPACE, name_of(commit * size // _COMMITS))
        began = time.monotonic()
        made = await api.merge(path, {"spec": {"model": {"version": str(commit + 2)}}}, manager="bench")
        wanted = made["metadata"]["generation"]
        while time.monotonic() - began < _LONGEST:
            if (await api.get(path))["status"].get("observedGeneration") == wanted:
                break
            await asyncio.sleep(0.02)
        taken.append(time.monotonic() - began)
        await asyncio.sleep(0.5)
    return {"commit_p50_s": round(median(taken), 3), "commit_p99_s": round(max(taken), 3)}


if __name__ == "__main__":
    main()
