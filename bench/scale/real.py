"""The same on a real cluster, whose operator is there already: `python -m bench.scale.real`, by KUBECONFIG.

So many ModelDeployments whose models are not in the registry rest in a namespace of their own. No pod of them runs, so
that a cluster of one small node carries them. The leader's CPU and memory are those that its kubelet tells.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.scale.virtual import NAMESPACE, name_of, objects
from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api, Json

_OPERATOR: Final = "podium-system"
_LEASE: Final = "podium-operator"
_COMMITS: Final = 20
_LONGEST: Final = 120.0  # seconds that a commit is waited for
_QUIET: Final = 20.0  # seconds without a write of a status after which all are at rest
_AT_ONCE: Final = 8  # requests that the bench makes at the same time
_MIB: Final = 2**20


@dataclass(frozen=True)
class Usage:
    """What the leader has used, by its kubelet."""

    at: float  # seconds
    cpu: float  # seconds of a core, since it began
    memory: float  # MiB


def main() -> None:
    """Measure, and print the figures: JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.scale.real", description=__doc__)
    options.add_argument("--size", type=int, default=300, help="how many ModelDeployments")
    options.add_argument("--seconds", type=float, default=60.0, help="for which they are measured at rest")
    options.add_argument("--within", type=float, default=300.0, help="seconds that they may take to come to rest")
    chosen = options.parse_args()
    figures = asyncio.run(_measure(chosen.size, chosen.seconds, chosen.within))
    for name, value in figures.items():
        print(f"{name:>24} {value}")
    print(json.dumps(figures))


async def _measure(size: int, seconds: float, within: float) -> dict[str, Any]:
    api = await Api.connect()
    try:
        async with _namespace(api):
            began = time.monotonic()
            await _made(api, size)
            cold = await _reconciled(api, size, within, began)
            rested = await _quiet(api, within, began)
            figures = {"cold_start_s": cold, "at_rest_after_s": rested, **await _at_rest(api, seconds)}
            return {"deployments": size, **figures, **await _commits(api, size)}
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


async def _reconciled(api: Api, size: int, within: float, began: float) -> float | None:
    """Seconds until each has a status; None where that took too long."""
    while time.monotonic() - began < within:
        found = await api.list(names.path(names.MODEL_DEPLOYMENTS, NAMESPACE))
        if sum("observedGeneration" in (each.get("status") or {}) for each in found) == size:
            return round(time.monotonic() - began, 1)
        await asyncio.sleep(0.5)
    return None


async def _quiet(api: Api, within: float, began: float) -> float | None:
    """Seconds until no status is written any more; None where that took too long."""
    since, versions = time.monotonic(), await _versions(api)
    while time.monotonic() - began < within:
        await asyncio.sleep(2)
        if versions != (versions := await _versions(api)):
            since = time.monotonic()
        if time.monotonic() - since > _QUIET:
            return round(since - began, 1)
    return None


async def _at_rest(api: Api, seconds: float) -> dict[str, Any]:
    leader, written = await _leader(api), 0
    before, events = await _usage(api, leader), await _events(api)
    versions = await _versions(api)

    async def watch() -> None:
        nonlocal written
        async for event in api.watch(names.path(names.MODEL_DEPLOYMENTS, NAMESPACE), within=seconds):
            metadata = event["object"]["metadata"]
            written += versions.get(metadata["name"]) != metadata["resourceVersion"]
            versions[metadata["name"]] = metadata["resourceVersion"]

    began = time.monotonic()
    await watch()
    passed = time.monotonic() - began
    told, after = await _events(api) - events, await _usage(api, leader)
    return {
        "memory_mib": round(after.memory),
        "cpu_percent": round(100 * (after.cpu - before.cpu) / max(1.0, after.at - before.at), 1),
        "status_writes_per_second": round(written / passed, 2),
        "events_per_second": round(told / passed, 2),
        "unreachable": await _unreachable(api),
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


async def _leader(api: Api) -> str:
    lease = await api.get(names.path(names.LEASES, _OPERATOR, _LEASE))
    return str(lease["spec"]["holderIdentity"]).rpartition("_")[0]


async def _usage(api: Api, pod: str) -> Usage:
    node = (await api.get(names.path(names.PODS, _OPERATOR, pod)))["spec"]["nodeName"]
    summary = await api.get(f"/api/v1/nodes/{node}/proxy/stats/summary")
    found: Json = next(each for each in summary["pods"] if each["podRef"]["name"] == pod)
    at = time.mktime(time.strptime(found["cpu"]["time"], "%Y-%m-%dT%H:%M:%SZ"))
    return Usage(at, found["cpu"]["usageCoreNanoSeconds"] / 1e9, found["memory"]["workingSetBytes"] / _MIB)


async def _events(api: Api) -> int:
    """How many Events were told; one that is repeated counts as often."""
    found = await api.list(names.path(names.EVENTS, NAMESPACE))
    return sum(int((each.get("series") or {}).get("count") or 1) for each in found)


async def _versions(api: Api) -> dict[str, str]:
    found = await api.list(names.path(names.MODEL_DEPLOYMENTS, NAMESPACE))
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in found}


async def _unreachable(api: Api) -> int:
    """How many were told that their registry does not answer, which it does."""
    found = await api.list(names.path(names.EVENTS, NAMESPACE))
    return sum(each.get("reason") == "RegistryUnreachable" for each in found)


if __name__ == "__main__":
    main()
