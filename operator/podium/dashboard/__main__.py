"""`python -m podium.dashboard`: the page in a cluster, for many visitors, each with their own rights."""

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from contextlib import suppress
from typing import Final

from podium.adapters.kubernetes.api import Api
from podium.dashboard.connections import BACKLOG
from podium.dashboard.front import Front
from podium.dashboard.logins import Logins
from podium.dashboard.page_settings import PageSettings
from podium.dashboard.seats import Seats, connecting
from podium.dashboard.server import Server, settings
from podium.errors import PodiumError

_ALL: Final = "0.0.0.0"  # noqa: S104  in a pod, where a Service leads to it; who asks has to say who they are
_log = logging.getLogger(__name__)


async def main(found: PageSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises Rejected without credentials for the API server."""
    api = await Api.connect()
    seats = Seats(found, connecting(api.configuration), secrets.token_bytes(32))
    server = Server(settings(Front(found, Logins(api, found), seats)), seats.close)
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, lambda: setattr(server, "should_exit", True))
    sweeping = asyncio.create_task(seats.sweep())
    try:
        with socket.create_server((_ALL, found.port), backlog=BACKLOG) as at:
            _log.info("the page is up on port %d, for %s", found.port, found.origin)
            await server.serve(sockets=[at])
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
        await seats.end()
        await api.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(main(PageSettings.from_environment(os.environ)))
    except PodiumError as error:
        sys.exit(str(error))
