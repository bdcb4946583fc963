"""A version that turns bad on order, while half of the traffic is its own."""

import asyncio

from bench.cluster import orders
from bench.traffic import figures
from bench.traffic.figures import Figures, Rollback
from bench.traffic.scene import AFTER, PLAIN, Scene, Steps, on_our_clock

HALF: Steps = [{"weight": 50, "duration": "1h"}]
MOMENT = (0.5, 2.5)  # seconds of plain traffic in force until it turns bad
ORDERS = [orders.body(orders.FAIL)]


async def run(scene: Scene, runs: int) -> Figures:
    """Roll back this many times, and give the figures."""
    found = []
    await scene.ledger()
    for number in range(runs):
        found.append(rollback := await _roll_back(scene))
        times = f"{figures.milliseconds(rollback.seconds):g} ms from the look to the last answer"
        noticed = f"noticed after {figures.milliseconds(rollback.noticed):g} ms"
        scene.say(
            f"rollback {number + 1}: {times}, {noticed}; {rollback.own} failed of its own, {rollback.foreign} others"
        )
    return figures.rollbacks(found)


async def _roll_back(scene: Scene) -> Rollback:
    """From the commit until the rejected version's pods have gone."""
    await scene.want(scene.bad, HALF)
    await scene.in_force(50)
    await asyncio.sleep(scene.random.uniform(*MOMENT))
    scene.crowd.send(ORDERS)
    try:
        seen = await scene.rejected()
        look = on_our_clock(seen.status["history"][-1]["at"])
        await asyncio.sleep(AFTER)
    finally:
        scene.crowd.send(PLAIN)
    ledger = await scene.ledger()
    if strays := figures.foreign(ledger, {scene.bad}):
        scene.say(f"FAILED: {figures.told(strays)}")
    return figures.rollback(ledger, scene.bad, look)
