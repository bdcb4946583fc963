"""Twice as many requests as the server can answer, for a minute: none is lost, nothing grows, and it is over at once.

The rate is constant (an open loop), over 300 connections that stay open; latency counts from when a request was due.
The client runs on the same machine and takes of the same cores, so that the rates are lower than the server's own.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench.serving import servers
from bench.serving.openloop import Client, Record

SUSTAINED_CONNECTIONS = 64
CALM = 0.4  # of the sustainable rate: before and after
WINDOW_SECONDS = 0.1
NORMAL = 2.0  # a window is normal when its 95th percentile is at most so many times that of before
WANTED_SECONDS = 1.0  # until then
WANTED_GROWTH = 1.1  # of memory, at most
SETTLE_SECONDS = 30.0


@dataclass(frozen=True)
class Plan:
    """How hard and how long."""

    connections: int
    seconds: float  # of overload
    times: float  # the sustainable rate
    queue_limit: int


def main() -> None:
    """Measure, and print the figures; JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.serving.overload", description=__doc__)
    options.add_argument("--connections", type=int, default=300)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--times", type=float, default=2.0, help="the sustainable rate")
    options.add_argument("--queue-limit", type=int, default=128, help="below the connections, so that it fills")
    chosen = options.parse_args()
    plan = Plan(chosen.connections, chosen.seconds, chosen.times, chosen.queue_limit)
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as name:
        result = run(Path(name), plan)
    for problem in (problems := shortfalls(result)):
        say(f"NOT REACHED: {problem}")
    print(json.dumps(result))
    raise SystemExit(1 if problems else 0)


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def run(folder: Path, plan: Plan) -> dict[str, Any]:
    """Train, start the server, and measure."""
    store = f"sqlite:///{folder}/mlflow.db"
    say("training and registering the models …")
    environ = {**os.environ, "MLFLOW_TRACKING_URI": store, "MLFLOW_DISABLE_TELEMETRY": "true"}
    train = [sys.executable, str(Path(__file__).with_name("models.py")), str(folder)]
    with (folder / "train.log").open("wb") as log:
        subprocess.run(train, env=environ, cwd=folder, check=True, stdout=log, stderr=log)
    with servers.podium("lr", store, folder, QUEUE_LIMIT=str(plan.queue_limit)) as server:
        say(f"the client runs beside the server, on the same {os.cpu_count()} cores")
        return uvloop.run(measured(server, (folder / "one.json").read_bytes(), plan))


async def measured(server: servers.Server, body: bytes, plan: Plan) -> dict[str, Any]:
    """The figures before, in and after the overload."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    sustainable = await sustained(Client(host, int(port), "/invocations", body))
    client = await Client(host, int(port), "/invocations", body).connect(plan.connections)
    say(f"sustainable: {sustainable:,.0f}/s")
    before = await client.offer(CALM * sustainable, 10)
    await client.settle(before, SETTLE_SECONDS)
    rss_before = rss_mib(server)
    say(f"before, at {CALM:.0%} of it: p95 {percentile(before.latency) * 1000:.1f} ms, memory {rss_before:.0f} MiB")
    overload = await client.offer(plan.times * sustainable, plan.seconds)
    client.give_up(overload)
    after = await client.offer(CALM * sustainable, 10)
    for record in (overload, after):
        await client.settle(record, SETTLE_SECONDS)
    client.close()
    normal = NORMAL * percentile(before.latency)
    result = {
        "sustainable_per_s": round(sustainable),
        "offered_per_s": round(plan.times * sustainable),
        "sent": overload.sent,
        "unsent": overload.unsent,
        "answered": overload.answered,
        "refused": overload.refused,
        "lost": overload.lost + after.lost + before.lost,
        "connections_lost": client.lost_connections,
        "overload_p95_ms": round(percentile(overload.latency) * 1000, 1),
        "before_p95_ms": round(percentile(before.latency) * 1000, 1),
        "after_p95_ms": round(percentile(after.latency) * 1000, 1),
        "normal_after_s": normal_after(after, normal),
        "rss_mib": {"before": round(rss_before, 1), "after": round(rss_mib(server), 1)},
        "crashed": server.process.poll() is not None,
        "cores": os.cpu_count(),
    }
    say(f"overload: {overload.answered:,} answered, {overload.refused:,} refused, {overload.lost} lost")
    return result


async def sustained(client: Client) -> float:
    """Answers a second of a server that is always asked and need not refuse; the first run warms it up."""
    await client.connect(SUSTAINED_CONNECTIONS)
    for seconds in (2.0, 5.0):
        record = await client.saturate(seconds)
        await client.settle(record, SETTLE_SECONDS)
    client.close()
    return record.answered / seconds


def percentile(latencies: Sequence[float], percent: int = 95) -> float:
    """The percentile of the latencies; infinite where there are too few."""
    return statistics.quantiles(latencies, n=100)[percent - 1] if len(latencies) > 1 else float("inf")


def normal_after(record: Record, limit: float) -> float | None:
    """Return when the first window of time begins whose 95th percentile is within the limit; None: there is none."""
    start = min(record.due, default=0.0)
    windows: dict[int, list[float]] = {}
    for due, latency in zip(record.due, record.latency, strict=True):
        windows.setdefault(int((due - start) / WINDOW_SECONDS), []).append(latency)
    found = (number for number, latencies in sorted(windows.items()) if percentile(latencies) <= limit)
    number = next(found, None)
    return None if number is None else round(number * WINDOW_SECONDS, 2)


def rss_mib(server: servers.Server) -> float:
    """The server's resident memory, in MiB; NaN where it has ended."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")  # it has ended: said by `crashed`


def shortfalls(result: dict[str, Any]) -> list[str]:
    """Return what was expected and not found, in words."""
    memory, seconds = result["rss_mib"], result["normal_after_s"]
    checks = {
        "no crash": not result["crashed"],
        f"every request answered or refused; found {result['lost']} lost": result["lost"] == 0,
        f"no connection broken; found {result['connections_lost']}": result["connections_lost"] == 0,
        f"memory at most {WANTED_GROWTH:g} times; found {memory}": memory["after"] <= WANTED_GROWTH * memory["before"],
        f"latency normal within {WANTED_SECONDS:g} s; found {seconds}": seconds is not None
        and seconds <= WANTED_SECONDS,
    }
    return [wanted for wanted, reached in checks.items() if not reached]


if __name__ == "__main__":
    main()
