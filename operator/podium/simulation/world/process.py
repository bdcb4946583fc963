"""The real operator as a process that can die: each call of its ports goes through a door, where faults are drawn.

It can be frozen, too, as by a hypervisor: then it calls nothing and hears nothing, and no timer of its own ends.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, cast

from podium.controller.process import operator_of
from podium.controller.settings import Settings
from podium.errors import Unavailable
from podium.ports import Clock, Ports
from podium.simulation.world.faults import Call, Disorder, Done, Others
from podium.simulation.world.hints import MakeHints
from podium.simulation.world.loop import VirtualLoop

Witness = Callable[[Call], Callable[[], None]]  # sees each write before it happens; what it returns, right after it
_BEFORE_OTHERS = 1e-3  # seconds: the call that a freeze stopped is on its way before any timer ends


class Process:
    """One operator at work. What it knows dies with it: only what it wrote stays."""

    def __init__(
        self,
        ports: Ports,
        settings: Settings,
        loop: VirtualLoop,
        disorder: Disorder,
        *,
        others: Others,
        witness: Witness,
        died: Callable[["Process"], None],
        skew: timedelta,
        hints: MakeHints | None = None,
    ) -> None:
        """`hints` makes what its watches know, from how it lists."""
        self.others = others
        self.calls: Counter[str] = Counter()  # of its ports, by name
        self.chance: random.Random = disorder.chance
        self.dead = False
        self._disorder, self._witness, self._died = disorder, witness, died
        self._loop, self._thaws = loop, 0.0
        self._answers: dict[tuple[str, str, tuple[Any, ...]], Any] = {}
        self.clock = ProcessClock(ports.clock, self, skew)
        given = {each.name: getattr(ports, each.name) for each in fields(ports)}
        doors = {name: _Door(name, port, self) for name, port in given.items() if port is not None}
        self.hints = hints(cast(Any, doors["cluster"]).list_all) if hints is not None else None
        own = doors | {"clock": self.clock, "hints": self.hints}
        self.operator = operator_of(replace(ports, **cast(Any, own)), settings)
        self._task = loop.create_task(self.operator.run())

    def notice(self) -> None:
        """Its watches are told what has changed."""
        if self.hints is not None:
            self.hints.notice()

    def die(self) -> None:
        """Nothing more of it reaches the world."""
        if not self.dead:
            self.dead = True
            self._task.cancel()
            self._died(self)

    def before(self, call: Call, now: Any) -> Any:
        """What this call gave the last time: the answers to one client do not go back further. It is kept, too."""
        place = (call.port, call.method, call.arguments[:1] if call.method == "get" else ())  # of this very object
        answer = self._answers.get(place, now)
        self._answers[place] = now
        return answer

    async def freeze(self, seconds: float) -> None:
        """Stand still. The call that it stops in goes on first."""
        self._thaws = self._loop.time() + seconds
        await asyncio.sleep(seconds - _BEFORE_OTHERS)

    async def thawed(self) -> None:
        """Return once it does not stand still."""
        if (left := self._thaws - self._loop.time()) > 0:
            await asyncio.sleep(left)
            await self.thawed()

    async def call(self, call: Call, done: Done) -> Any:
        """Carry a call out, or play what goes wrong with it."""
        if self.dead:
            raise Unavailable("the process is dead")
        self.calls[f"{call.port}.{call.method}"] += 1
        began = self._loop.time()
        await self.thawed()
        kind = self._disorder.draw(call)
        if call.writes:
            done = partial(self._witnessed, call, done, began)
        answer = await (done() if kind is None else kind.play(self, call, done))
        if self.dead:
            await asyncio.Future()
        if kind is None and self._disorder.remembers(call):
            self.before(call, answer)
        await self.thawed()
        return answer

    async def _witnessed(self, call: Call, done: Done, began: float) -> Any:
        after = self._witness(replace(call, late=began < self._thaws))
        answer = await done()
        after()
        return answer


class ProcessClock:
    """Implements the port Clock for one process: its wall clock can be wrong, and it can stand still."""

    def __init__(self, clock: Clock, process: Process, skew: timedelta) -> None:
        self.skew = skew  # by so much its wall clock is ahead
        self._clock, self._process = clock, process
        self.monotonic = clock.monotonic

    def now(self) -> datetime:
        return self._clock.now() + self.skew

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self._process.thawed()


class _Door:
    """One port of a process."""

    def __init__(self, name: str, port: object, process: Process) -> None:
        self._name, self._port, self._process = name, port, process

    def __getattr__(self, method: str) -> Any:
        if not iscoroutinefunction(getattr(self._port, method)):
            return getattr(self._port, method)

        async def call(*arguments: Any) -> Any:
            done = partial(getattr(self._port, method), *arguments)  # a test can have put another one in its place
            return await self._process.call(Call(self._name, method, arguments), done)

        setattr(self, method, call)  # the next time it is found without asking
        return call
