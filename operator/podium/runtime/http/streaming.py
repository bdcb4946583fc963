"""A long answer in parts, each predicted when the one before it has been taken by the client.

A slow reader so holds no place in the queue, and no more than one part in memory.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextvars import Context
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson

from podium.runtime.exchange import Reply, Request, Response
from podium.runtime.faults import Abandoned, Fault, Unforeseen
from podium.runtime.http.refusals import refusal
from podium.runtime.prediction.job import Job
from podium.runtime.prediction.queue import PredictionQueue

if TYPE_CHECKING:
    from podium.runtime.prediction.scoring import Ask

log = logging.getLogger(__name__)

NDJSON = b"application/x-ndjson"
EVENTS = b"text/event-stream"
_FAULTS = {NDJSON: b"%b\n", EVENTS: b"data: %b\n\ndata: [DONE]\n\n"}  # how a fault in mid-stream is told

_tasks: set[asyncio.Task[None]] = set()  # asyncio itself holds its tasks only weakly


@dataclass(frozen=True, slots=True)
class Stream:
    """One streamed answer. `count` is called once, with the fault that ended it, if any."""

    queue: PredictionQueue
    read: "Callable[[], Iterable[Ask]]"
    content_type: bytes
    request: Request
    deadline: float
    reply: Reply
    count: Callable[[Fault | None], None]
    own: bool  # the client's deadline, which is before the server's

    def start(self) -> None:
        """Begin to write the stream, in a task of its own."""
        task = asyncio.get_running_loop().create_task(self._run(), context=_context(self.request))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    async def _run(self) -> None:
        """Predict the first part before anything is said, so that its fault still has a status of its own."""
        parts: Iterable[Ask] = ()
        try:
            # In a thread: a long batch takes longer to read than other requests should wait for the event loop.
            parts = await asyncio.to_thread(self.read)
            following = iter(parts)
            first = await self._predicted(next(following))
        except Exception as error:  # noqa: BLE001  told by _fault
            fault = _fault(error, self.request)
            self.count(fault)
            self.reply(refusal(fault, self.request.path))
            _close(parts)
            return
        body = self._parts(first, following, parts)
        await anext(body)  # from here on it is counted at its end, although the client may leave before it is read
        if self.request.abandoned:
            await body.aclose()
        else:
            self.reply(Response(HTTPStatus.OK, body, self.content_type))

    async def _parts(
        self, first: bytes, following: "Iterator[Ask]", parts: "Iterable[Ask]"
    ) -> AsyncGenerator[bytes, None]:
        ended: Fault | None = Abandoned("the client went away")
        try:
            yield b""  # begun
            yield first
            for part in following:
                if not (body := await self._predicted(part)):
                    break
                yield body
            ended = None
        except Exception as error:  # noqa: BLE001  told by _fault
            ended = _fault(error, self.request)
            yield _FAULTS[self.content_type] % orjson.dumps({"error": ended.message})
        finally:
            self.count(ended)
            if ended is not None:
                _close(parts)

    async def _predicted(self, part: "Ask") -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def settle(body: bytes | None, fault: Fault | None) -> None:
            if answer.done():
                return
            if fault is not None:
                answer.set_exception(fault)
            else:
                answer.set_result(body or b"")

        self.queue.submit(Job(part, self.request, self.deadline, settle, own=self.own))
        return await answer


def _fault(error: Exception, request: Request) -> Fault:
    if isinstance(error, Fault):
        return error
    log.error("a fault of the server itself, in stream %s", request.id.decode(), exc_info=error)
    return Unforeseen()


def _context(request: Request) -> Context | None:
    return request.trace.context.copy() if request.trace is not None else None


def _close(parts: "Iterable[Ask]") -> None:
    """Let the model clean up. It may be making its next event, and may take its time: not on the event loop."""
    if (close := getattr(parts, "close", None)) is not None:
        threading.Thread(target=close, name="stream-end", daemon=True).start()
