"""The App as an ASGI 3 application, so that another server than our own can stand in front of it.

https://asgi.readthedocs.io/en/latest/specs/www.html

It answers as `connection` does, with the same limits for bodies; the limits for heads, pipelines and slow readers are
the server's. `PODIUM_HTTP=uvicorn` is the fallback where our own HTTP is suspected of a fault, and its oracle in tests.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from podium.runtime.exchange import Request, Response
from podium.runtime.faults import Fault, TooSlow
from podium.runtime.http.codings import decoded, encoded
from podium.runtime.http.incoming import check_buffered, request_id, too_large
from podium.runtime.http.shared import Shared
from podium.runtime.identity import Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Asgi:
    """Answers by the App of `shared`, whose limits and counts it keeps."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or refuse a WebSocket."""
        if scope["type"] != "http":
            await send({"type": f"{scope['type']}.close"})
            return
        headers: Headers = [(name.lower(), value) for name, value in scope["headers"]]
        parts: list[bytes] = []
        request: Request | None = None
        try:
            if await self._collect(parts, headers, receive):
                body = self._decoded(parts, headers)
                path = scope["raw_path"].partition(b"?")[0].decode("latin-1")
                request_of = request_id(headers) or self._shared.next_id()
                request = Request(scope["method"], path, headers, body, request_of)
                await self._answer(request, receive, send)
        except Fault as fault:
            answer = self._shared.app.refuse(fault, headers, None)
            await self._send(answer, None, send, last=True)
        finally:
            self._shared.release(request, sum(map(len, parts)))

    async def _collect(self, parts: list[bytes], headers: Headers, receive: Receive) -> bool:
        """Receive the body. Returns False: the client went away. Raises Fault: too large, too many, too slow."""
        limits = self._shared.limits
        if any(name == b"content-length" and int(value) > limits.body_bytes for name, value in headers):
            raise too_large(limits)
        size, more = 0, True
        try:
            async with asyncio.timeout(limits.arrive_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return False
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    self._shared.buffered += len(parts[-1])
                    if size > limits.body_bytes:
                        raise too_large(limits)
                    check_buffered(self._shared)
                    more = message.get("more_body", False)
        except TimeoutError as error:
            raise TooSlow(f"the request did not arrive within {limits.arrive_seconds:g} s") from error
        return True

    def _decoded(self, parts: list[bytes], headers: Headers) -> bytes:
        body = b"".join(parts)
        found = decoded(body, headers, self._shared.limits.body_bytes)
        self._shared.buffered += len(found) - len(body)
        parts[:] = [found]
        check_buffered(self._shared)
        return found

    async def _answer(self, request: Request, receive: Receive, send: Send) -> None:
        """Ask the App and send what it says, unless the client goes away before."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def reply(given: Response) -> None:
            if not answer.done():
                answer.set_result(given)

        self._shared.app.handle(request, reply)
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                return
            sending = asyncio.ensure_future(self._send(encoded(answer.result(), request), request, send, last=False))
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                sending.cancel()  # a stream is counted as it ends
            with contextlib.suppress(asyncio.CancelledError):
                await sending
        finally:
            if not answer.done():
                request.abandon()
            gone.cancel()

    async def _send(self, answer: Response, request: Request | None, send: Send, *, last: bool) -> None:
        identity = [line.split(b": ", 1) for line in self._shared.identity_of(request).split(b"\r\n") if line]
        request_id = request.id if request is not None else self._shared.next_id()
        headers = [(b"date", self._shared.date), (b"content-type", answer.content_type), *identity]
        headers += [(b"x-request-id", request_id), *answer.headers]
        if last or self._shared.draining:
            headers.append((b"connection", b"close"))
        if isinstance(answer.body, bytes):
            headers.append((b"content-length", b"%d" % len(answer.body)))
            await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})
            return
        await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
        async with contextlib.aclosing(answer.body) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
