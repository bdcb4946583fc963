"""A connection that has had its turn says so once, and all that comes on it is still answered."""

from podium.runtime.exchange import Request, Response
from podium.runtime.http2 import frames
from podium.runtime.turns import PER_CONNECTION
from tests.unit.runtime.http2.wire import Peer


def counted(request: Request) -> Response:
    """As the App answers: a prediction counts on its connection."""
    assert request.turn is not None
    request.turn.requests += 1
    return Response(200, request.body)


async def goaways(calls: int, told: bytes = b"") -> int:
    peer = Peer()
    peer.app.answer = counted
    peer.shared.turns.hear([(PER_CONNECTION, told)])
    for _ in range(calls):
        number = peer.call(b"one")
        assert peer.read().answers[number].status[0] == 0
    return sum(kind == frames.GOAWAY for kind, *_ in peer.control)


async def test_a_connection_that_has_had_its_turn_tells_the_client_to_make_another() -> None:
    assert [await goaways(calls, b"2") for calls in (1, 2, 5)] == [0, 1, 1]


async def test_without_the_operators_word_it_stays() -> None:
    assert await goaways(50) == 0
