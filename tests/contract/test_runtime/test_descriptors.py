"""Probes are answered while clients hold more connections than the process may have files."""

import resource
import socket
from contextlib import ExitStack
from pathlib import Path

import httpx

from tests.contract.test_runtime.conftest import server

FILES = 300
CLIENTS = 600


def test_a_probe_is_answered_while_silent_clients_hold_every_descriptor(store: str, tmp_path: Path) -> None:
    with server(tmp_path, store, MODEL_URI="models:/picky/1", MAX_CONNECTIONS="100") as process, ExitStack() as held:
        host, port = process.ready().url.removeprefix("http://").split(":")
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.prlimit(process.popen.pid, resource.RLIMIT_NOFILE, (FILES, most))
        for _ in range(CLIENTS):
            client = held.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((host, int(port)))
        assert httpx.get(f"{process.url}/healthz", timeout=5).status_code == 200
        assert httpx.post(f"{process.url}/invocations", json={"dataframe_records": [{"x": 3.0}]}).status_code == 200
