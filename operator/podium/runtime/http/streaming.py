"""A long answer in parts, each predicted when the one before it has been taken by the client.

A slow reader so holds no place in the queue, and no more than one part in memory.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson

from podium.runtime.exchange import Reply, Request, Response
from podium.runtime.faults import Abandoned, Fault
from podium.runtime.http.refusals import refusal
from podium.runtime.prediction.queue import Job, PredictionQueue

if TYPE_CHECKING:
    from podium.runtime.prediction.scoring import Ask

NDJSON = b"application/x-ndjson"

_tasks: set[asyncio.Task[None]] = set()  # asyncio itself holds its tasks only weakly


@dataclass(frozen=True, slots=True)
class Stream:
    """One streamed answer. `count` is called once, with the fault that ended it, if any."""

    queue: PredictionQueue
    read: "Callable[[], list[Ask]]"
    request: Request
    deadline: float
    reply: Reply
    count: Callable[[Fault | None], None]

    def start(self) -> None:
        """Begin to write the stream, in a task of its own."""
        task = asyncio.get_running_loop().create_task(self._run())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    async def _run(self) -> None:
        """Predict the first part before anything is said, so that its fault still has a status of its own."""
        try:
            # In a thread: a long batch takes longer to read than other requests should wait for the event loop.
            parts = await asyncio.to_thread(self.read)
            first = await self._predicted(parts[0])
        except Fault as fault:
            self.count(fault)
            self.reply(refusal(fault, self.request.path))
            return
        self.reply(Response(HTTPStatus.OK, self._lines(first, parts[1:]), NDJSON))

    async def _lines(self, first: bytes, parts: "list[Ask]") -> AsyncGenerator[bytes, None]:
        ended: Fault | None = Abandoned("the client went away")
        try:
            yield first
            for part in parts:
                yield await self._predicted(part)
            ended = None
        except Fault as fault:
            ended = fault
            yield orjson.dumps({"error": fault.message}) + b"\n"
        finally:
            self.count(ended)

    async def _predicted(self, part: "Ask") -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def settle(body: bytes | None, fault: Fault | None) -> None:
            if answer.done():
                return
            if fault is not None:
                answer.set_exception(fault)
            else:
                answer.set_result(body or b"")

        self.queue.submit(Job(part, self.request, self.deadline, settle))
        return await answer
