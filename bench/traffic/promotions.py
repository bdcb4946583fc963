"""New good versions, one after another, each through all steps to champion."""

import asyncio

from bench.traffic import figures
from bench.traffic.figures import Figures, Promotion
from bench.traffic.scene import AFTER, Scene

QUIET = 40.0  # seconds: as long as a promotion takes


async def run(scene: Scene, runs: int) -> Figures:
    """Promote this many times, and give the figures."""
    quiet = await _quiet(scene)
    found = []
    for number in range(runs):
        found.append(promotion := await _promote(scene))
        p99 = figures.milliseconds(promotion.p99)
        scene.say(f"promotion {number + 1}: {promotion.failed} failed, p99 {p99:g} ms")
    return figures.promotions(found, quiet)


async def _quiet(scene: Scene) -> float:
    await scene.ledger()
    await asyncio.sleep(QUIET)
    p99 = figures.p99(await scene.ledger())
    scene.say(f"quiet: p99 {figures.milliseconds(p99):g} ms")
    return p99


async def _promote(scene: Scene) -> Promotion:
    """From the commit until the former champion's pods have gone."""
    await scene.want(version := next(scene.fresh))
    await scene.settled(version)
    await asyncio.sleep(AFTER)
    ledger = await scene.ledger()
    if ledger.failures:
        scene.say(f"FAILED: {figures.told(ledger.failures)}")
    return Promotion(len(ledger.failures), figures.p99(ledger))
