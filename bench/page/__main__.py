"""Measures the page, and prints one JSON object as the last line."""

import argparse
import asyncio
import json
import statistics
import time
from typing import Final

import httpx

from bench.page.server import Running, running

SIZES: Final = (1, 1_000, 10_000)
ROUNDS: Final = 5
CHANGES: Final = 10  # a second, while viewers look on
LARGEST: Final = 60_000  # bytes over the wire of the first page with all that it needs
SLOWEST: Final = 1.0  # seconds
BUSIEST: Final = 5.0  # percent of a core for all viewers


def main() -> None:
    """Measure each size, then what viewers cost."""
    options = argparse.ArgumentParser(prog="bench.page", description=__doc__)
    options.add_argument("--viewers", type=int, default=100, help="streams that are kept open")
    options.add_argument("--seconds", type=float, default=30, help="how long they are")
    chosen = options.parse_args()
    found, sizes = {}, {}
    for size in SIZES:
        with running(size, 0) as server:
            sizes[str(size)], found[str(size)] = _first_page(server.address)
    totals = {
        "bytes": max(sizes.values()),
        "bytes_by_size": sizes,
        "seconds": found,
        "viewers": chosen.viewers,
        "viewers_cpu_percent": asyncio.run(_looked_on(chosen.viewers, chosen.seconds)),
    }
    print(json.dumps(totals))
    raise SystemExit(0 if _reached(totals["bytes"], found, totals["viewers_cpu_percent"]) else 1)


def _reached(size: int, seconds: dict[str, float], viewers: float) -> bool:
    return size <= LARGEST and max(seconds.values()) <= SLOWEST and viewers <= BUSIEST


def _first_page(address: str) -> tuple[int, float]:
    """Bytes over the wire of the page with all that it needs, and the seconds of the first time."""
    with httpx.Client(follow_redirects=True, timeout=60) as client:
        client.get(httpx.URL(address).join("/static/live.js"))  # it listens before it answers
        began = time.perf_counter()
        page = client.get(address)
        first = time.perf_counter() - began
        page.raise_for_status()
        assert page.headers["content-encoding"] == "gzip"
        base = page.url.join("/")
        parts = [page, *(client.get(base.join(f"/static/{name}")) for name in ("podium.css", "live.js", "sliders.js"))]
        again = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            client.get(base)
            again.append(time.perf_counter() - began)
    print(f"{address.partition('?')[0]} first {first:.3f} s, then {statistics.median(again):.3f} s", flush=True)
    return sum(part.num_bytes_downloaded for part in parts), round(first, 3)


async def _looked_on(viewers: int, seconds: float) -> float:
    """CPU of the server in percent of a core, while so many look at a page on which something changes all the time."""
    with running(1_000, CHANGES) as server:
        async with httpx.AsyncClient(
            follow_redirects=True, timeout=None, limits=httpx.Limits(max_connections=None)
        ) as client:
            (await client.get(server.address)).raise_for_status()
            there = [asyncio.Event() for _ in range(viewers)]
            looking = [asyncio.create_task(_look(client, server, each)) for each in there]
            await asyncio.gather(*(each.wait() for each in there))
            before, began = server.cpu_seconds(), time.perf_counter()
            await asyncio.sleep(seconds)
            used = (server.cpu_seconds() - before) / (time.perf_counter() - began)
            for task in looking:
                task.cancel()
            await asyncio.gather(*looking, return_exceptions=True)
    return round(100 * used, 2)


async def _look(client: httpx.AsyncClient, server: Running, there: asyncio.Event) -> None:
    address = httpx.URL(server.address.partition("?")[0]).join("live")
    async with client.stream("GET", address) as answer:
        answer.raise_for_status()
        async for _ in answer.aiter_raw():
            there.set()


if __name__ == "__main__":
    main()
