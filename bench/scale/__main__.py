"""Measures resting ModelDeployments, one size after the other; prints a table, and JSON as the last line."""

import argparse
import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from aiohttp import web

from bench.scale.api_server import ApiServer
from bench.scale.mlflow_server import MlflowServer
from bench.scale.subject import Subject, operator
from bench.scale.virtual import FILES, Rest, model_of, name_of, objects, page_of

_COMMITS: Final = 20
_QUIET: Final = 10.0  # seconds without a write of a status after which all are at rest
_WRITES: Final = ("put", "post", "patch", "delete")
_LONGEST: Final = 60.0  # seconds that a commit is waited for
_LEASE: Final = "leases"


def main() -> None:
    """Measure each size, and print the figures."""
    options = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 3000], help="how many ModelDeployments")
    options.add_argument("--rest", choices=["stable", "missing"], default="stable", help="how they rest")
    options.add_argument("--seconds", type=float, default=60.0, help="for which they are measured at rest")
    options.add_argument("--within", type=float, default=300.0, help="seconds that they may take to come to rest")
    chosen = options.parse_args()
    measured = [asyncio.run(_measure(size, chosen.rest, chosen.seconds, chosen.within)) for size in chosen.sizes]
    for name in measured[0]:
        if name != "by_verb":
            print(f"{name:>24}", *(f"{_shown(each[name]):>12}" for each in measured))
    print(json.dumps(measured[-1] | {"sizes": measured, **_growth(measured)}))


async def _measure(size: int, rest: Rest, seconds: float, within: float) -> dict[str, Any]:
    """All figures of one size."""
    api, mlflow = ApiServer(page_of), MlflowServer({model_of(number) for number in range(size)}, FILES)
    async with served(api.application()) as server, served(mlflow.application()) as registry:
        for number in range(size):
            mlflow.point(model_of(number), f"champion-{name_of(number)}", "1")
            for collection, body in objects(number, rest, registry):
                api.put(collection, body)
        with TemporaryDirectory(prefix="podium-bench-") as folder:
            began = asyncio.get_running_loop().time()
            with operator(Path(folder), api=server, mlflow=registry, port=_free_port()) as subject:
                read = await _until_rest(api, size, within)
                cold = None if read is None else round(read - began, 1)
                figures = await _at_rest(api, mlflow, subject, seconds)
                return {"deployments": size, "cold_start_s": cold, **figures, **await _commits(api, size)}


async def _until_rest(api: ApiServer, size: int, within: float) -> float | None:
    """Wait until each was read once, and no status is written any more. Returns when each had been, if they were."""
    loop = asyncio.get_running_loop()
    end, read, written, since = loop.time() + within, 0.0, -1, loop.time()
    while loop.time() < end and (not read or loop.time() - since < _QUIET):
        await asyncio.sleep(0.2)
        if not read and len(api.first_read) >= size:
            read = loop.time()
        if written != (written := _writes(api)):
            since = loop.time()
    return read or None


async def _at_rest(api: ApiServer, mlflow: MlflowServer, subject: Subject, seconds: float) -> dict[str, Any]:
    before = (
        api.requests.copy(),
        sum(mlflow.requests.values()),
        subject.cpu(),
        await asyncio.to_thread(subject.reconciles),
    )
    written, began = _writes(api), asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    passed = asyncio.get_running_loop().time() - began
    reconciles = await asyncio.to_thread(subject.reconciles) - before[3]
    asked = api.requests - before[0]
    of_objects = {verb: count for verb, count in asked.items() if verb != "scrape" and not verb.endswith(_LEASE)}
    cpu, queries = subject.cpu() - before[2], sum(mlflow.requests.values()) - before[1]
    each = max(1.0, reconciles)
    return {
        "memory_mib": round(subject.memory()),
        "cpu_percent": round(100 * cpu / passed, 1),
        "reconciles_per_second": round(reconciles / passed, 1),
        "cpu_ms_per_reconcile": round(1000 * cpu / each, 2),
        "api_per_second": round(sum(of_objects.values()) / passed, 1),
        "api_per_reconcile": round(sum(of_objects.values()) / each, 1),
        "api_writes": _writes(api) - written,
        "scrapes_per_second": round(asked["scrape"] / passed, 1),
        "mlflow_per_second": round(queries / passed, 1),
        "mlflow_per_sweep": round(queries * 10 / passed),  # in 10 s, in which each is asked about once
        "by_verb": dict(sorted(of_objects.items())),
    }


async def _commits(api: ApiServer, size: int) -> dict[str, float]:
    """Commits to some of them, half a second apart: when each is first reconciled."""
    loop, taken = asyncio.get_running_loop(), []
    for commit in range(_COMMITS):
        name, began = name_of(commit * size // _COMMITS), loop.time()
        api.change(name, {"paused": True})
        taken.append(await api.read_again(name, _LONGEST) - began)
        await asyncio.sleep(0.5)
    ordered = sorted(taken)
    return {"commit_p50_s": round(median(ordered), 3), "commit_p99_s": round(ordered[-1], 3)}


def _writes(api: ApiServer) -> int:
    """Writes of anything but the Lease, so far."""
    return sum(count for verb, count in api.requests.items() if verb.startswith(_WRITES) and not verb.endswith(_LEASE))


def _growth(measured: list[dict[str, Any]]) -> dict[str, float]:
    """CPU and memory for each object of the largest size, beside the smallest."""
    first, last = measured[0], measured[-1]
    ratio = {
        name: (last[name] / last["deployments"]) / max(1e-9, first[name] / first["deployments"])
        for name in ("cpu_percent", "memory_mib")
    }
    return {"growth_cpu": round(ratio["cpu_percent"], 2), "growth_memory": round(ratio["memory_mib"], 2)}


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """The address at which it is served."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
