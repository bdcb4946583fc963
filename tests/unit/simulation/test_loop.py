"""The loop of virtual time tells when it is worth running again."""

import asyncio

from podium.simulation.world.loop import VirtualLoop


def test_the_next_moment_is_now_while_anything_waits_to_run_and_else_the_first_timer() -> None:
    loop, done = VirtualLoop(), list[float]()
    assert loop.until_next() == 0

    async def work() -> None:
        await asyncio.sleep(5)
        done.append(loop.time())

    task = loop.create_task(work())
    assert loop.until_next() == 0  # it has not begun: no timer of another task may pass before
    loop.run_for(0)
    assert loop.until_next() == 5
    loop.run_for(loop.until_next())
    assert (done, task.done()) == ([5], True)
    loop.end()
