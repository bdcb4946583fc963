"""Measures resting ModelDeployments, one size after the other; prints a table, and JSON as the last line."""

import argparse
import asyncio
import json
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from aiohttp import web

from bench.scale.api_server import ApiServer
from bench.scale.mlflow_server import MlflowServer
from bench.scale.subject import Subject, operator
from bench.scale.virtual import FILES, Rest, cluster, model_of, name_of, objects, page_of

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
    options.add_argument("--within", type=float, default=600.0, help="seconds that they may take to come to rest")
    told = "which runs the operator, for example one with requirements/operator.txt alone, as its image has it"
    options.add_argument("--python", type=Path, default=Path(sys.executable), help=told)
    chosen = options.parse_args()
    measured = [
        asyncio.run(_measure(size, chosen.rest, chosen.seconds, chosen.within, chosen.python)) for size in chosen.sizes
    ]
    for name in measured[0]:
        if name != "by_verb":
            print(f"{name:>24}", *(f"{_shown(each[name]):>12}" for each in measured))
    print(json.dumps(measured[-1] | {"sizes": measured, **_growth(measured)}))


async def _measure(size: int, rest: Rest, seconds: float, within: float, python: Path) -> dict[str, Any]:
    """All figures of one size."""
    api, mlflow = ApiServer(page_of), MlflowServer({model_of(number) for number in range(size)}, FILES)
    async with served(api.application()) as server, served(mlflow.application()) as registry:
        for collection, body in cluster():
            api.put(collection, body)
        for number in range(size):
            mlflow.point(model_of(number), f"champion-{name_of(number)}", "1")
            for collection, body in objects(number, rest, registry):
                api.put(collection, body)
        with TemporaryDirectory(prefix="podium-bench-") as folder:
            begin = partial(operator, Path(folder), api=server, mlflow=registry, python=python)
            with begin(port=free_port()) as subject:
                first, _ = await _until_rest(api, mlflow, subject, size, within)  # it writes the statuses of rest
            asked, queries = api.requests.copy(), mlflow.first_questions()
            with begin(port=free_port()) as subject:
                cold, answered = await _until_rest(api, mlflow, subject, size, within)
                starts = {
                    "install_s": first,
                    "cold_start_s": cold,
                    "cold_start_requests": _sent(api, asked),
                    "cold_registry_s": answered,
                    "cold_registry_requests": mlflow.first_questions() - queries,
                }
                figures = await _at_rest(api, mlflow, subject, seconds)
                return {"deployments": size, **starts, **figures, **await _commits(api, size)}


async def _until_rest(
    api: ApiServer, mlflow: MlflowServer, subject: Subject, size: int, within: float
) -> tuple[float | None, float]:
    """Wait until each was looked at once, and nothing is written or asked of the registry any more.

    Returns the seconds until each had been looked at, and until the registry had answered all.
    """
    loop = asyncio.get_running_loop()
    began, looked, seen, since = loop.time(), None, (-1, -1), loop.time()
    while loop.time() - began < within and (looked is None or loop.time() - since < _QUIET):
        await asyncio.sleep(0.2)
        if looked is None and await reconciles(subject) >= size:
            looked = round(loop.time() - began, 1)
        if seen != (seen := (_writes(api), mlflow.first_questions())):
            since = loop.time()
    return looked, round(since - began, 1)


async def reconciles(subject: Subject) -> float:
    """How many have ended; none before the operator answers."""
    try:
        return await asyncio.to_thread(subject.reconciles)
    except OSError:
        return 0.0


def _sent(api: ApiServer, before: Counter[str]) -> int:
    """Requests since then, but those for the Lease and to pods."""
    verbs = (api.requests - before).items()
    return sum(count for verb, count in verbs if verb != "scrape" and not verb.endswith(_LEASE))


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
    return writes_of(api.requests)


def writes_of(requests: Counter[str]) -> int:
    """How many of them write anything but the Lease."""
    return sum(count for verb, count in requests.items() if verb.startswith(_WRITES) and not verb.endswith(_LEASE))


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


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
