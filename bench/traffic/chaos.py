"""Rollouts forward and back, while operators are killed at random moments; in the end all must be as Git says."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bench.cluster import orders
from bench.traffic import figures
from bench.traffic.figures import EndState, Figures
from bench.traffic.killer import Killer
from bench.traffic.scene import AFTER, MODEL, PLAIN, Scene
from demo import registry
from demo.rollout import NAME
from demo.stage import MLFLOW_OUTSIDE
from testbed.errors import TimedOut
from testbed.waiting import wait_until

ERRS = 0.2  # of its answers, while a bad version is at it
EMPTIES = 60.0  # seconds until the pods of the last trial are gone
MIDST = 25  # percent, at which a trial is superseded
Move = Callable[[Scene, str], Awaitable[str]]  # from one champion to the next


async def _forward(scene: Scene, _: str) -> str:
    await scene.want(version := next(scene.fresh))
    await scene.settled(version)
    return version


async def _rejected(scene: Scene, champion: str) -> str:
    await scene.want(scene.bad)
    await scene.rejected()
    return champion


async def _withdrawn(scene: Scene, champion: str) -> str:
    """Git thinks again in mid-trial."""
    await scene.want(version := next(scene.fresh))
    # Where the word of it was missed, it may be champion already: then it is taken back from there.
    await scene.subject.until(
        f"{MIDST} % is asked for", lambda seen: seen.shares[0] >= MIDST or seen.champion == version
    )
    await scene.want(champion)
    await scene.settled(champion)
    return champion


async def _reverted(scene: Scene, champion: str) -> str:
    """`git revert` to the champion before, which is trusted."""
    promoted = [one["version"] for one in scene.subject.seen.status["history"] if one["outcome"] == "Promoted"]
    former = next((one for one in reversed(promoted) if one != champion), champion)
    await scene.want(former)
    await scene.settled(former)
    return former


MOVES: tuple[tuple[str, Move], ...] = (
    ("forward", _forward),
    ("a bad version", _rejected),
    ("superseded in mid-trial", _withdrawn),
    ("reverted", _reverted),
)


async def run(scene: Scene, seconds: float) -> Figures:
    """Raises what ends the killer, and RuntimeError where a move does not come to its end."""
    killer = Killer(scene.subject.cluster, scene.random, scene.say)
    killing = asyncio.create_task(killer.run())
    scene.crowd.send(orders.mix(orders.FAIL, ERRS, scene.random))  # whoever is good heeds no orders
    await scene.ledger()
    try:
        champion, moves, failed = await _rollouts(scene, time.monotonic() + seconds, killing)
    finally:
        killing.cancel()
        with suppress(asyncio.CancelledError):
            await killing
    wrong, late = await _come_to_rest(scene, champion)
    found = {"chaos_failed": failed + late, "chaos_wrong_at_end": len(wrong), "chaos_end": wrong}
    return found | {"chaos_rollouts": moves, "chaos_kills": killer.kills}


async def _rollouts(scene: Scene, until: float, killing: "asyncio.Task[None]") -> tuple[str, int, int]:
    """The champion at the end, how many moves there were, and how many requests failed that none of them may fail."""
    champion, failed = scene.subject.seen.champion, 0
    for number, (name, move) in enumerate(itertools.cycle(MOVES)):
        if time.monotonic() >= until:
            return champion, number, failed
        if killing.done():
            killing.result()
        champion = await move(scene, champion)
        lost = await _lost(scene)
        failed += lost
        scene.say(f"chaos {number + 1}: {name}; champion is {champion}, {lost} failed")
    raise AssertionError("the moves never end")


async def _lost(scene: Scene) -> int:
    strays = figures.foreign(await scene.ledger(), {scene.bad})
    if strays:
        scene.say(f"FAILED: {figures.told(strays)}")
    return len(strays)


async def _come_to_rest(scene: Scene, champion: str) -> tuple[list[str], int]:
    """What is wrong in the end, and how many requests failed on the way there."""
    await scene.want(champion)
    await scene.settled(champion)
    await asyncio.sleep(AFTER)
    wrong = await asyncio.to_thread(_wrong, scene, champion)
    for each in wrong:
        scene.say(f"WRONG: {each}")
    scene.crowd.send(PLAIN)
    return wrong, await _lost(scene)


def _wrong(scene: Scene, champion: str) -> list[str]:
    """What is wrong still once there was time to mend it."""
    last: list[str] = []

    def right() -> bool:
        last[:] = _end_state(scene, champion).wrong
        return not last

    with suppress(TimedOut):
        wait_until("all is as Git says", right, EMPTIES, interval=1)
    return last


def _end_state(scene: Scene, champion: str) -> EndState:
    cluster, seen = scene.subject.cluster, scene.subject.seen
    refs = cluster.get("httproutes", NAME)["spec"]["rules"][0]["backendRefs"]
    pods = cluster.get("pods", f"--selector=podium.dev/deployment={NAME},podium.dev/version!={champion}")["items"]
    return EndState(
        wanted=champion,
        champion=seen.champion,
        alias=registry.alias_of(MLFLOW_OUTSIDE, MODEL, "champion"),
        weights={ref["name"].removeprefix(f"{NAME}-"): ref["weight"] for ref in refs},
        slot=str((seen.status.get("champion") or {}).get("slot", "")),
        others=len(pods),
    )
