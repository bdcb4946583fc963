"""News by a real NATS server: an event counts as delivered once a stream has it, once."""

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from podium.adapters.notifiers.cloud_events import cloud_event
from podium.adapters.notifiers.nats import NatsNotifier
from podium.api.v1alpha1 import reasons
from podium.errors import PodiumError, Rejected, Unavailable
from podium.ports import Notification
from testbed import tools
from testbed.commands import SEARCH_PATH
from testbed.waiting import wait_until
from tests.contract.registry_worlds import free_port, listens
from tests.unit.adapters.test_notifier import EVENT, KEY, SENT


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real one with JetStream, that knows one token."""
    tools.ensure(tools.FOR_NEWS, root=False, go=False)
    port = free_port()
    program = str(shutil.which("nats-server", path=f"{SEARCH_PATH}:/usr/sbin"))
    command = [program, "--addr=127.0.0.1", f"--port={port}", "--jetstream", f"--store_dir={tmp_path}", "--auth=t0"]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until(f"NATS answers, see {tmp_path / 'log'}", lambda: listens(port), 30)
        yield f"nats://127.0.0.1:{port}"
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(30)


async def asked(address: str, subject: str, body: object) -> dict[str, object]:
    """What the server's own API answers."""
    host, _, port = address.removeprefix("nats://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with closing(writer):
        content = json.dumps(body).encode()
        await reader.readline()
        writer.write(b'CONNECT {"auth_token": "t0", "verbose": false}\r\nSUB here 1\r\n')
        writer.write(f"PUB $JS.API.{subject} here {len(content)}\r\n".encode() + content + b"\r\n")
        while not (line := await reader.readline()).startswith(b"MSG"):
            assert line, "the connection has ended"
        found: dict[str, object] = json.loads(await reader.readexactly(int(line.split()[-1])))
        return found


async def stream(address: str, **more: object) -> None:
    made = await asked(address, "STREAM.CREATE.NEWS", {"name": "NEWS", "subjects": ["ml.>"], "storage": "file", **more})
    assert "error" not in made, made


def to(address: str, subject: str = "ml.news") -> Notification:
    return replace(SENT, address=address, token="t0", channel=subject)


async def test_an_event_is_stored_and_a_repeat_of_it_is_not(server: str) -> None:
    await stream(server)
    for _ in range(2):
        await NatsNotifier().send(to(server))
    found = await asked(server, "STREAM.INFO.NEWS", {})
    assert found["state"]["messages"] == 1  # type: ignore[index]
    stored = await asked(server, "STREAM.MSG.GET.NEWS", {"seq": 1})
    message: dict[str, str] = stored["message"]  # type: ignore[assignment]
    assert json.loads(base64.b64decode(message["data"])) == json.loads(json.dumps(cloud_event("uid-1", KEY, EVENT)))
    assert b"application/cloudevents+json" in base64.b64decode(message["hdrs"])


@pytest.mark.parametrize(
    ("parts", "error", "said"),
    [
        ({"channel": "other.news"}, Rejected, "no JetStream stream that takes subject other.news"),
        ({"token": "wrong"}, Rejected, "see whether the token"),
        ({"token": None}, Rejected, "see whether the token"),
        ({"channel": None}, Rejected, "spec.channel is needed"),
        ({"address": "nats://127.0.0.1:1"}, Unavailable, "nats://127.0.0.1:1 does not answer"),
        ({"networks": ()}, Rejected, "no PodiumPolicy grants"),
    ],
)
async def test_what_is_not_stored_is_not_delivered(
    server: str, parts: dict[str, object], error: type[PodiumError], said: str
) -> None:
    await stream(server)
    with pytest.raises(error, match=said):
        await NatsNotifier().send(replace(to(server), **parts))  # type: ignore[arg-type]


async def test_a_message_that_is_too_large_for_the_stream_is_refused_for_itself(server: str) -> None:
    await stream(server, max_msg_size=100)
    with pytest.raises(Rejected) as caught:
        await NatsNotifier().send(to(server))
    assert caught.value.reason == reasons.EVENT_REFUSED
