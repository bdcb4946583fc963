"""The real operator as a process that can die: each call of its ports goes through a door, where faults are drawn."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, cast

from podium.controller.settings import Settings
from podium.controller.wiring import Operator, Outside
from podium.errors import Unavailable
from podium.simulation.world.faults import Call, Disorder, Done
from podium.simulation.world.loop import VirtualLoop

Witness = Callable[[Call], Callable[[], None]]  # sees each write before it happens; what it returns, right after it
_NAMES = {"evidence": "pod_metrics"}
_WITHOUT_DOOR = {"clock"}


class Process:
    """One operator at work. What it knows dies with it: only what it wrote stays."""

    def __init__(
        self,
        outside: Outside,
        settings: Settings,
        loop: VirtualLoop,
        disorder: Disorder,
        *,
        witness: Witness,
        died: Callable[["Process"], None],
    ) -> None:
        self.chance: random.Random = disorder.chance
        self.dead = False
        self._disorder, self._witness, self._died = disorder, witness, died
        self._answers: dict[tuple[Any, ...], Any] = {}
        ports = {each.name: getattr(outside, each.name) for each in fields(outside)}
        doors = {
            name: port if name in _WITHOUT_DOOR else _Door(_NAMES.get(name, name), port, self)
            for name, port in ports.items()
        }
        self.operator = Operator(Outside(**cast(Any, doors)), settings)
        self._task = loop.create_task(self.operator.run())

    def die(self) -> None:
        """Nothing more of it reaches the world."""
        if not self.dead:
            self.dead = True
            self._task.cancel()
            self._died(self)

    def before(self, call: Call, now: Any) -> Any:
        """What this call gave the last time; what it gives now is kept for the next one."""
        place = (call.port, call.method, *call.arguments)
        answer = self._answers.get(place, now)
        self._answers[place] = now
        return answer

    async def call(self, call: Call, done: Done) -> Any:
        """Carry a call out, or play what goes wrong with it."""
        if self.dead:
            raise Unavailable("the process is dead")
        kind = self._disorder.draw(call)
        if call.writes:
            done = partial(self._witnessed, call, done)
        answer = await (done() if kind is None else kind.play(self, call, done))
        if self.dead:
            await asyncio.Future()
        if kind is None and self._disorder.share and call.method == "get":
            self.before(call, answer)
        return answer

    async def _witnessed(self, call: Call, done: Done) -> Any:
        after = self._witness(call)
        answer = await done()
        after()
        return answer


class _Door:
    """One port of a process."""

    def __init__(self, name: str, port: object, process: Process) -> None:
        self._name, self._port, self._process = name, port, process

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._port, method)
        if not iscoroutinefunction(real):
            return real

        async def call(*arguments: Any) -> Any:
            return await self._process.call(Call(self._name, method, arguments), partial(real, *arguments))

        setattr(self, method, call)  # the next time it is found without asking
        return call
