"""How the parts of a process end together."""

import asyncio

import pytest

from podium.controller.wiring import until

ENDED = ["a part"]


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.Future()
    finally:
        ended.append("a part")


async def failing() -> None:
    raise RuntimeError("a fault of ours")


async def test_a_signal_ends_every_part() -> None:
    ended, stopping = list[str](), asyncio.Event()
    asyncio.get_running_loop().call_soon(stopping.set)
    await until(stopping, lambda: forever(ended), lambda: forever(ended))
    assert ended == ENDED * 2


async def test_a_part_that_fails_ends_the_others_and_says_why() -> None:
    ended = list[str]()
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await until(asyncio.Event(), lambda: forever(ended), failing)
    assert ended == ENDED
