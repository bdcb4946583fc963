"""A call that its client leaves is freed at once: bodies are large, and a cycle waits for the collector."""

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from podium.runtime.exchange import Response
from podium.runtime.grpc.calls import Call
from podium.runtime.grpc.port import Door
from podium.runtime.http2 import frames
from podium.runtime.http2.connection import Connection
from podium.runtime.http2.frames import frame
from podium.runtime.http2.headers import Head
from podium.runtime.http2.stream import Stream
from podium.runtime.protocols.messages import message
from tests.unit.runtime.http2.wire import INFER, STREAM, Peer, settled


def watched(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Call]]:
    """Return what will hold a reference to each call that begins, and does not keep it."""
    calls: list[weakref.ref[Call]] = []
    opened = Door.opened

    def noted(door: Door, connection: Connection, stream: Stream, head: Head) -> Call:
        call = opened(door, connection, stream, head)
        calls.append(weakref.ref(call))
        return call

    monkeypatch.setattr(Door, "opened", noted)
    return calls


def reset(peer: Peer, number: int) -> None:
    peer.send(frame(frames.RST_STREAM, 0, number, bytes(4)))


def gone(peer: Peer, _: int) -> None:
    peer.connection.connection_lost(None)


def broken(peer: Peer, _: int) -> None:
    peer.send(frame(frames.PING, 0, 1, bytes(8)))


def untaken(peer: Peer, _: int) -> None:
    peer.connection.close_if_overdue(peer.connection.since + 6)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Whatever is in a cycle stays: what this server has is freed by counts alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("path", [INFER, STREAM])
@pytest.mark.parametrize("left", [reset, gone, broken, untaken])
async def test_a_call_whose_answer_waits_is_freed_when_its_client_leaves(
    monkeypatch: pytest.MonkeyPatch, left: Callable[[Peer, int], None], path: str
) -> None:
    calls = watched(monkeypatch)
    peer = Peer(greet=False)
    peer.send(frames.PREFACE + frames.settings({frames.INITIAL_WINDOW: 0}))
    peer.app.answer = lambda _: Response(200, message("ModelInferResponse")(id="1").SerializeToString())
    number = peer.call(b"x", path=path)
    peer.app.requests.clear()
    await settled()
    assert calls[0]() is not None, "it waits for its client's window"
    left(peer, number)
    await settled()
    assert calls[0]() is None


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("left", [reset, gone, broken])
async def test_a_call_that_is_left_while_it_is_answered_holds_its_message_no_longer_than_the_application(
    monkeypatch: pytest.MonkeyPatch, left: Callable[[Peer, int], None]
) -> None:
    calls = watched(monkeypatch)
    peer = Peer()
    peer.app.later = []
    number = peer.call(b"x")
    left(peer, number)
    call = calls[0]()
    assert call is not None, "the application will call it back"
    assert call.request is None
    del call
    peer.app.requests.clear()
    peer.app.later.clear()
    await settled()
    assert calls[0]() is None
