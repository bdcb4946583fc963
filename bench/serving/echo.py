"""The limit: our own HTTP code with no model behind it. It answers each POST with what a prediction answers.

Run as `python -m bench.serving.echo PORT`.
"""

import asyncio
import contextlib
import sys
import time
from email.utils import formatdate

import uvloop

from podium.runtime.exchange import JSON, Reply, Request, Response
from podium.runtime.http.connection import Connection
from podium.runtime.http.shared import Limits, Shared
from podium.runtime.identity import Headers
from podium.runtime.turns import Turn

ANSWER = Response(200, b'{"predictions":[1]}', JSON)


class Echo:
    """Answers at once."""

    identity_block = (
        b"x-podium-model: lr\r\nx-podium-version: 1\r\nx-podium-run-id: 0123456789abcdef0123456789abcdef\r\n"
    )

    def handle(self, request: Request, reply: Reply) -> None:  # noqa: ARG002
        """Answer with the same bytes, whatever was asked."""
        reply(ANSWER)

    def refuse(self, error: Exception, headers: Headers, turn: Turn | None) -> Response:  # noqa: ARG002
        """Answer what is no request."""
        return Response(400, str(error).encode())


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    shared = Shared(Echo(), Limits(2**24, 2**28, 30.0, 30.0, 75.0))
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Connection(shared), "127.0.0.1", port)
    while True:
        shared.date = formatdate(time.time(), usegmt=True).encode()
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(int(sys.argv[1])))
