"""Runs all parts: progress on stderr, a line of JSON for each part, and one with all figures as the last line."""

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from math import ceil
from random import Random

from bench.cluster import stage
from bench.cluster.subject import Subject
from bench.traffic import chaos, crowd, figures, promotions, rollbacks, shares
from bench.traffic.figures import Figures
from bench.traffic.scene import HOST, MODEL, PLAIN, QUICK, Scene, spec
from demo.clients import Clients
from demo.stage import clear
from podium.api.v1alpha1.values.base import parse_duration
from testbed import gateway
from testbed.cluster import Cluster

RATE = 200.0  # requests a second
QUICKEST = 30  # seconds that a version stays champion at the least, in chaos: so many are made ready for it
PARTS = ("promotions", "rollbacks", "shares", "chaos")


def main() -> int:
    """Measure, and print the figures; JSON on the last line. Returns the exit code."""
    chosen = _options()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    good = 2 + chosen.promotions + ceil(chosen.chaos / QUICKEST)
    cluster, versions = stage.build(say, MODEL, heedless=max(good, 4), obedient=1)
    gateway.install(cluster)
    result = asyncio.run(_measure(cluster, versions, chosen, say))
    clear(cluster, say)
    for each in figures.missed(result):
        say(f"NOT REACHED: {each}")
    print(json.dumps(result))
    return 0


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="bench.traffic", description=__doc__)
    options.add_argument("--promotions", type=_some, default=20, help="how many (default: %(default)s)")
    options.add_argument("--rollbacks", type=_some, default=20, help="how many (default: %(default)s)")
    options.add_argument("--chaos", type=_seconds, default=_seconds("30m"), help="how long, 90s say (default: 30m)")
    options.add_argument("--only", type=_parts, default=PARTS, help=f"some of {','.join(PARTS)}")
    options.add_argument("--rate", type=float, default=RATE, help="requests a second (default: %(default)g)")
    options.add_argument("--seed", type=int, default=1)
    return options.parse_args()


def _some(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}; leave a part out by --only")
    return int(text)


def _seconds(text: str) -> float:
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    assert isinstance(found, timedelta)
    return found.total_seconds()


def _parts(text: str) -> Sequence[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(PARTS):
        raise argparse.ArgumentTypeError(f"expected some of {','.join(PARTS)}, found {', '.join(sorted(unknown))}")
    return chosen


async def _measure(
    cluster: Cluster, versions: Sequence[str], chosen: argparse.Namespace, say: Callable[[str], None]
) -> Figures:
    *good, bad = versions
    subject, fresh = Subject(cluster), itertools.cycle(good)
    async with subject.followed():
        first = next(fresh)
        await subject.apply(spec(first, QUICK, retry="0"))
        await subject.settled(first)
        clients = Clients("127.0.0.1", gateway.PORT, PLAIN, chosen.rate, time.monotonic, name=HOST)
        with crowd.at_work(clients) as asking:
            scene = Scene(subject, asking, fresh, bad, Random(chosen.seed), say)
            found = [await _told(part) for name, part in _all(scene, chosen) if name in chosen.only]
    return figures.summary(found)


def _all(scene: Scene, chosen: argparse.Namespace) -> Iterator[tuple[str, Callable[[], Awaitable[Figures]]]]:
    yield "promotions", lambda: promotions.run(scene, chosen.promotions)
    yield "rollbacks", lambda: rollbacks.run(scene, chosen.rollbacks)
    yield "shares", lambda: shares.run(scene)
    yield "chaos", lambda: chaos.run(scene, chosen.chaos)


async def _told(part: Callable[[], Awaitable[Figures]]) -> Figures:
    found = await part()
    print(json.dumps(found), flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
