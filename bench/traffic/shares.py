"""What the weights of the steps come to, request by request."""

import asyncio
import time

from bench.traffic import figures
from bench.traffic.figures import Figures, Share
from bench.traffic.scene import Scene, Steps

WEIGHTS = (1, 5, 25, 50)
COUNTED = 20.0  # seconds: 4,000 requests at 200 a second
LAG = 2.0  # seconds: a gateway may accept a route a moment before all its proxies have it
STEPS: Steps = [{"weight": weight, "duration": f"{2 * COUNTED:g}s"} for weight in WEIGHTS]


async def run(scene: Scene) -> Figures:
    """One trial, counted at each of its steps, and taken back by Git in the end."""
    champion, version = scene.subject.seen.champion, next(scene.fresh)
    await scene.want(version, STEPS)
    found = []
    for weight in WEIGHTS:
        found.append(share := await _count(scene, version, weight))
        outside = ", OUTSIDE" if share.outside else ""
        scene.say(f"share {weight} %: {share.challenger} of {share.answers}, interval {share.interval}{outside}")
    await scene.want(champion)
    await scene.settled(champion)
    return figures.shares(found)


async def _count(scene: Scene, version: str, weight: int) -> Share:
    """Raises RuntimeError where the weight did not last as long as was counted."""
    await scene.in_force(weight)
    await asyncio.sleep(LAG)
    await scene.ledger()
    since = time.monotonic()
    await asyncio.sleep(COUNTED)
    until = time.monotonic()
    ledger, seen = await scene.ledger(), scene.subject.seen
    if (seen.phase, seen.shares) != ("Canary", (weight, weight)):
        raise RuntimeError(f"expected {weight} % for {COUNTED:g} s, found {seen.phase}, {seen.weight}: {seen.message}")
    return figures.share(ledger, version, weight, since, until)
