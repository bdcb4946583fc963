"""HTTP/2 on one connection: what the protocol asks for, and how little one client may take (RFC 9113)."""

import random
from collections.abc import Callable

import pytest
from hpack import Encoder

from podium.runtime.exchange import Response
from podium.runtime.http2 import frames
from podium.runtime.http2.connection import TURN
from podium.runtime.http2.frames import Code, ConnectionFault, frame
from podium.runtime.http2.headers import BLOCK_LIMIT, HeaderBlocks, literal
from podium.runtime.http2.incoming import CANCELLED, QUIET, STREAMS
from podium.runtime.http2.outgoing import HELD
from podium.runtime.http2.stream import WINDOW
from tests.unit.runtime.http2.wire import HIGH_WATER, INFER, LIVE, STREAM, Peer, message, settled, turned

HEADERS, DATA, END_HEADERS, END_STREAM = frames.HEADERS, frames.DATA, frames.END_HEADERS, frames.END_STREAM


async def test_a_connection_begins_with_settings_and_each_of_the_clients_is_acknowledged() -> None:
    peer = Peer().read()
    kinds = [(kind, flags) for kind, flags, _, _ in peer.control]
    assert kinds == [(frames.SETTINGS, 0), (frames.WINDOW_UPDATE, 0), (frames.SETTINGS, frames.ACK)]


async def test_a_client_that_speaks_http_1_is_told_where() -> None:
    peer = Peer(greet=False)
    peer.send(b"GET / HTTP/1.1\r\n\r\n")
    assert peer.wire.waiting.startswith(b"HTTP/1.1 505 ")
    assert peer.wire.ended == "half"


async def test_a_ping_is_answered() -> None:
    peer = Peer()
    peer.send(frame(frames.PING, 0, 0, b"12345678"))
    assert (frames.PING, frames.ACK, 0, b"12345678") in peer.read().control


async def test_whatever_arrives_byte_by_byte_means_the_same() -> None:
    whole = Peer()
    number = whole.call(b"body")
    session = frames.PREFACE + frames.settings({}) + frame(HEADERS, END_HEADERS, 1, Peer().block())
    session += frame(DATA, END_STREAM, 1, message(b"body"))
    slow = Peer(greet=False)
    for start in range(len(session)):
        slow.send(session[start : start + 1])
    assert slow.read().answers[1].messages == whole.read().answers[number].messages == [b"body"]


async def test_a_block_may_be_cut_padded_and_prioritised_and_unknown_frames_are_passed_over() -> None:
    peer = Peer()
    block = peer.block()
    flags = frames.PADDED | frames.PRIORITIZED
    peer.send(frame(0xFA, 0xFF, 0, b"what?"))
    peer.send(frame(HEADERS, flags, 1, bytes((3,)) + bytes(5) + block[:4] + bytes(3)))
    peer.send(frame(frames.CONTINUATION, 0, 1, block[4:9]))
    peer.send(frame(frames.CONTINUATION, END_HEADERS, 1, block[9:]))
    peer.send(frame(frames.PRIORITY, 0, 1, bytes(5)))
    peer.send(frame(DATA, frames.PADDED | END_STREAM, 1, bytes((4,)) + message(b"body") + bytes(4)))
    assert peer.read().answers[1].messages == [b"body"]


def opened(peer: Peer) -> Peer:
    peer.open()
    return peer


BROKEN: dict[str, tuple[Code, Callable[[Peer], bytes]]] = {
    "a frame that is too large": (Code.FRAME_SIZE_ERROR, lambda _: frame(DATA, 0, 1, bytes(frames.FRAME_LIMIT + 1))),
    "DATA on stream 0": (Code.PROTOCOL_ERROR, lambda _: frame(DATA, 0, 0, b"x")),
    "DATA on a stream that never began": (Code.PROTOCOL_ERROR, lambda _: frame(DATA, 0, 9, b"x")),
    "DATA behind the end of an answer": (Code.STREAM_CLOSED, lambda peer: frame(DATA, 0, peer.call(b""), b"x")),
    "HEADERS behind the end": (Code.STREAM_CLOSED, lambda p: frame(HEADERS, END_HEADERS, p.call(b""), p.block())),
    "HEADERS on an even stream": (Code.PROTOCOL_ERROR, lambda peer: frame(HEADERS, END_HEADERS, 2, peer.block())),
    "HEADERS of nonsense": (Code.COMPRESSION_ERROR, lambda _: frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff")),
    "HEADERS without a priority": (Code.FRAME_SIZE_ERROR, lambda _: frame(HEADERS, 0x24, 1, b"x")),
    "padding that is all there is": (Code.PROTOCOL_ERROR, lambda _: frame(HEADERS, 0xC, 1, b"\x05abcd")),
    "a table resized thrice": (Code.COMPRESSION_ERROR, lambda _: frame(HEADERS, END_HEADERS, 1, b"\x20\x20\x20\x82")),
    "CONTINUATION of nothing": (Code.PROTOCOL_ERROR, lambda _: frame(frames.CONTINUATION, 4, 1, b"")),
    "another frame in a block": (
        Code.PROTOCOL_ERROR,
        lambda peer: frame(HEADERS, 0, 1, peer.block()) + frame(frames.PING, 0, 0, bytes(8)),
    ),
    "a list that is too long": (
        Code.ENHANCE_YOUR_CALM,
        lambda peer: frame(HEADERS, END_HEADERS, 1, peer.block(x="a" * 4000) + b"\xbe" * 17),
    ),
    "SETTINGS on a stream": (Code.PROTOCOL_ERROR, lambda _: frame(frames.SETTINGS, 0, 1)),
    "SETTINGS that are not whole": (Code.FRAME_SIZE_ERROR, lambda _: frame(frames.SETTINGS, 0, 0, b"12345")),
    "SETTINGS with ACK and more": (Code.FRAME_SIZE_ERROR, lambda _: frame(frames.SETTINGS, 1, 0, bytes(6))),
    "a push": (Code.PROTOCOL_ERROR, lambda _: frame(frames.PUSH_PROMISE, 4, 1, bytes(4))),
    "a push that is allowed twice": (Code.PROTOCOL_ERROR, lambda _: frames.settings({frames.ENABLE_PUSH: 2})),
    "a first window above all": (Code.FLOW_CONTROL_ERROR, lambda _: frames.settings({frames.INITIAL_WINDOW: 2**31})),
    "frames of nearly nothing": (Code.PROTOCOL_ERROR, lambda _: frames.settings({frames.MAX_FRAME: 100})),
    "PING on a stream": (Code.PROTOCOL_ERROR, lambda _: frame(frames.PING, 0, 1, bytes(8))),
    "a short PING": (Code.FRAME_SIZE_ERROR, lambda _: frame(frames.PING, 0, 0, bytes(7))),
    "a short RST_STREAM": (Code.FRAME_SIZE_ERROR, lambda peer: frame(frames.RST_STREAM, 0, peer.open(), bytes(3))),
    "RST_STREAM of nothing": (Code.PROTOCOL_ERROR, lambda _: frame(frames.RST_STREAM, 0, 7, bytes(4))),
    "PRIORITY on stream 0": (Code.PROTOCOL_ERROR, lambda _: frame(frames.PRIORITY, 0, 0, bytes(5))),
    "GOAWAY on a stream": (Code.PROTOCOL_ERROR, lambda _: frame(frames.GOAWAY, 0, 1, bytes(8))),
    "no increment": (Code.PROTOCOL_ERROR, lambda _: frames.window_update(0, 0)),
    "a window above all": (Code.FLOW_CONTROL_ERROR, lambda _: frames.window_update(0, 2**31 - 1)),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_client_that_breaks_the_protocol_is_told_how_and_left(broken: str) -> None:
    code, sent = BROKEN[broken]
    peer = Peer()
    peer.send(sent(peer))
    assert peer.goaway is not None
    assert (Code(peer.goaway[1]), peer.wire.ended) == (code, "half")
    peer.send(b"more")
    peer.connection.close_if_idle()
    peer.connection.close_if_overdue(peer.connection.since + 3600)
    assert peer.wire.ended == "aborted"


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "an index beyond the table": (b"\xbe", "found an index that its table does not have"),
    "half a number": (b"\xff\xff\xff", "found a malformed one"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_block_that_is_none_is_not_called_too_long(name: str) -> None:
    block, said = UNREADABLE[name]
    with pytest.raises(ConnectionFault, match=said):
        HeaderBlocks().head(block)


SPOILT: dict[str, tuple[Code, Callable[[Peer], bytes]]] = {
    "no path": (Code.PROTOCOL_ERROR, lambda peer: Encoder().encode([(":method", "POST"), (":scheme", "http")])),
    "a field of HTTP/1.1": (Code.PROTOCOL_ERROR, lambda peer: peer.block(connection="close")),
    "te that is not trailers": (Code.PROTOCOL_ERROR, lambda peer: peer.block(te="gzip")),
    "a name in capitals": (Code.PROTOCOL_ERROR, lambda peer: peer.block() + literal(b"X-Id", b"1")),
    "a line end in a value": (Code.PROTOCOL_ERROR, lambda peer: peer.block(x="a\r\nb: c")),
    "HTTP/2's own field at the end": (Code.PROTOCOL_ERROR, lambda peer: peer.block() + literal(b":path", b"/")),
    "a length that is none": (Code.PROTOCOL_ERROR, lambda peer: peer.block(content_length="-1")),
    "a length of something else": (Code.PROTOCOL_ERROR, lambda peer: peer.block(content_length="77")),
}


@pytest.mark.parametrize("spoilt", SPOILT)
async def test_a_malformed_request_ends_its_stream_and_no_other(spoilt: str) -> None:
    code, block = SPOILT[spoilt]
    peer = Peer()
    sound = peer.open()
    peer.send(frame(HEADERS, END_HEADERS, 3, block(peer)))
    peer.send(frame(DATA, END_STREAM, 3, message(b"body")))  # on its way when the stream was ended
    peer.send(frame(DATA, END_STREAM, sound, message(b"body")))
    answers = peer.read().answers
    assert (answers[3].reset, answers[3].data) == (code, b"")
    assert answers[sound].messages == [b"body"]


async def test_a_client_may_send_more_than_a_window_only_when_it_is_told_to() -> None:
    peer = Peer(body_bytes=4 * WINDOW, buffered_bytes=8 * WINDOW)
    number = peer.open()
    size = frames.FRAME_LIMIT
    data = message(bytes(3 * WINDOW))
    for start in range(0, len(data), size):
        peer.send(frame(DATA, 0, number, data[start : start + size]))
    peer.send(frame(DATA, END_STREAM, number))
    assert len(peer.app.requests[0].body) == 3 * WINDOW, "the windows were opened meanwhile"
    told = sum(int.from_bytes(payload, "big") for kind, _, at, payload in peer.read().control if kind == 8 and not at)
    assert told >= 2 * WINDOW
    assert peer.shared.buffered == 0


async def test_a_client_that_sends_more_than_a_window_loses_its_stream_and_no_other() -> None:
    peer = Peer(buffered_bytes=4 * WINDOW)
    peer.app.later = []
    numbers = [peer.open(STREAM) for _ in range(2)]
    for number in numbers:  # the first message is being answered: those behind it are held by the window
        peer.send(frame(DATA, 0, number, message(b"a")))
    for _ in range(WINDOW // frames.FRAME_LIMIT + 1):
        peer.send(frame(DATA, 0, numbers[0], bytes(frames.FRAME_LIMIT)))
    assert peer.read().answers[numbers[0]].reset == Code.FLOW_CONTROL_ERROR
    assert numbers[1] not in peer.answers, "the other stream is not touched"


async def test_an_answer_waits_for_the_clients_windows() -> None:
    peer = Peer(greet=False)
    peer.send(frames.PREFACE + frames.settings({frames.INITIAL_WINDOW: 10}))
    number = peer.call(bytes(95))
    assert len(peer.read().answers[number].data) == 10
    peer.send(frames.window_update(number, 20))
    assert len(peer.read().answers[number].data) == 30
    peer.send(frames.settings({frames.INITIAL_WINDOW: 40}))
    assert len(peer.read().answers[number].data) == 60
    assert peer.answers[number].trailers == {}
    peer.send(frames.window_update(number, 40))
    assert peer.read().answers[number].messages == [bytes(95)]
    assert peer.answers[number].status == (0, "")


async def test_large_answers_share_the_window_of_a_connection_and_all_arrive() -> None:
    peer = Peer(greet=False)
    peer.send(frames.PREFACE + frames.settings({frames.INITIAL_WINDOW: 2**20}))
    numbers = [peer.call(bytes(50_000)) for _ in range(4)]
    for _ in range(20):
        await settled()
        peer.read()
        peer.send(frames.window_update(0, 20_000))
    assert [peer.answers[number].messages for number in numbers] == [[bytes(50_000)]] * 4


async def test_a_client_that_opens_no_window_gets_no_other_answer_and_loses_those_that_wait() -> None:
    peer = Peer(greet=False)
    peer.send(frames.PREFACE + frames.settings({frames.INITIAL_WINDOW: 0}))
    peer.app.answer = lambda _: Response(200, bytes(HELD))
    first, second, third = (peer.call(b"x") for _ in range(3))
    assert len(peer.app.requests) == 1, "nothing else is answered while so much waits"
    peer.connection.close_if_overdue(peer.connection.since)
    assert peer.read().answers[first].reset is None
    peer.connection.close_if_overdue(peer.connection.since + 3600)
    assert peer.read().answers[first].reset == Code.CANCEL
    await settled()
    assert len(peer.app.requests) == 2, "the next has its turn"
    assert second not in peer.answers or third not in peer.answers


async def test_all_that_waited_for_a_client_is_answered_once_it_takes_its_answers() -> None:
    peer = Peer(greet=False)
    peer.send(frames.PREFACE + frames.settings({frames.INITIAL_WINDOW: 0}))
    peer.app.answer = lambda _: Response(200, bytes(HELD))
    first = peer.call(b"x")
    peer.app.answer = lambda _: Response(200)
    numbers = [peer.call(b"x") for _ in range(STREAMS - 1)]
    assert len(peer.app.requests) == 1
    peer.send(frame(frames.RST_STREAM, 0, first, bytes(4)))
    peer.send(frames.settings({frames.INITIAL_WINDOW: 1000}))
    await settled()
    peer.connection.close_if_overdue(peer.connection.since)
    await settled()
    assert [peer.read().answers[number].status for number in numbers] == [(0, "")] * len(numbers)


async def test_a_client_that_reads_nothing_is_read_no_further_and_let_go() -> None:
    peer = Peer()
    flood = frame(frames.PING, 0, 0, bytes(8)) * 9_000
    peer.send(flood)
    await settled()
    assert not peer.wire.reading
    assert len(peer.wire.waiting) < HIGH_WATER + TURN * 17, "a turn beyond where it stopped reading"
    peer.connection.close_if_overdue(peer.connection.since + 3600)
    assert peer.wire.ended == "aborted"


async def test_a_client_that_reads_again_is_answered_all() -> None:
    peer = Peer()
    peer.send(frame(frames.PING, 0, 0, bytes(8)) * 9_000)
    for _ in range(5):
        await settled()
        peer.read()
    pongs = sum(kind == frames.PING for kind, *_ in peer.control)
    assert (pongs, peer.wire.reading) == (9_000, True)


async def test_what_one_reading_brings_does_not_keep_others_waiting() -> None:
    peer = Peer()
    block = peer.block()
    body = b"".join(
        frame(HEADERS, END_HEADERS, 2 * each + 1, peer.block()) + frame(DATA, END_STREAM, 2 * each + 1, message(b"x"))
        for each in range(1, 121)
    )
    peer.send(frame(HEADERS, END_HEADERS, 1, block) + body)
    assert 0 < len(peer.app.requests) <= TURN
    await settled()
    assert len(peer.app.requests) == 120


async def test_heads_of_many_fields_keep_others_waiting_no_longer_than_usual_ones() -> None:
    peer = Peer()
    peer.open(x="y")  # which is the newest field of the table, 62
    own = peer.block()
    peer.send(
        b"".join(frame(HEADERS, END_HEADERS, number, own + b"\xbe" * 1600) for number in range(3, 3 + 2 * TURN, 2))
    )
    assert len(peer.app.refused) == TURN // 4
    await settled()
    assert len(peer.app.refused) == TURN


@pytest.mark.parametrize(
    "quiet",
    [
        frame(frames.PING, frames.ACK, 0, bytes(8)),
        frame(frames.SETTINGS, frames.ACK, 0),
        frame(frames.PRIORITY, 0, 1, bytes(5)),
        frame(DATA, 0, 1),
        frames.window_update(0, 1),
        frame(0x77, 0, 0),
    ],
)
async def test_frames_that_bring_nothing_further_are_bounded(quiet: bytes) -> None:
    peer = Peer()
    peer.open()
    for _ in range(QUIET // TURN + 2):
        peer.send(quiet * TURN)
        await settled()
    assert peer.goaway is not None
    assert peer.goaway[1] == Code.ENHANCE_YOUR_CALM


async def test_requests_that_are_taken_back_are_bounded() -> None:
    peer = Peer()
    peer.app.later = []
    for _ in range(CANCELLED + 1):
        number = peer.call(b"x")
        peer.send(frame(frames.RST_STREAM, 0, number, Code.CANCEL.to_bytes(4, "big")))
        await settled() if number % 199 == 0 else None
    assert peer.goaway is not None
    assert peer.goaway[1] == Code.ENHANCE_YOUR_CALM
    assert all(request.abandoned for request in peer.app.requests)


async def test_requests_that_are_spoilt_so_that_the_server_ends_them_are_bounded_too() -> None:
    peer = Peer()
    for _ in range(CANCELLED + 1):
        number = peer.open()
        peer.send(frames.window_update(number, 0))
    assert peer.goaway is not None
    assert peer.goaway[1] == Code.ENHANCE_YOUR_CALM


async def test_a_client_that_takes_back_as_much_as_it_lets_be_answered_stays() -> None:
    peer = Peer()
    for _ in range(CANCELLED + 1):
        peer.send(frame(frames.RST_STREAM, 0, peer.open(), bytes(4)))
        peer.call(b"x")
        peer.read()
    assert peer.goaway is None


async def test_a_stream_that_was_answered_before_its_client_left_it_is_not_taken_back() -> None:
    peer = Peer()
    peer.app.answer = lambda _: Response(200)
    for _ in range(CANCELLED + 1):
        number = peer.open(STREAM)
        peer.send(frame(DATA, 0, number, message(b"")))
        assert len(peer.read().answers[number].messages) == 1
        await turned()
        peer.send(frame(frames.RST_STREAM, 0, number, Code.CANCEL.to_bytes(4, "big")))
    assert peer.goaway is None


async def test_an_answer_that_no_window_let_out_is_taken_back_as_any_other() -> None:
    peer = Peer(greet=False)
    peer.send(frames.PREFACE + frames.settings({frames.INITIAL_WINDOW: 0}))
    for _ in range(CANCELLED + 1):
        peer.send(frame(frames.RST_STREAM, 0, peer.call(b"x"), bytes(4)))
    assert peer.goaway is not None
    assert peer.goaway[1] == Code.ENHANCE_YOUR_CALM


async def test_streams_are_bounded_and_those_beyond_can_be_tried_again() -> None:
    peer = Peer()
    peer.app.later = []
    numbers = [peer.call(b"x") for _ in range(STREAMS + 1)]
    assert peer.read().answers[numbers[-1]].reset == Code.REFUSED_STREAM
    for answer in peer.app.later:
        answer()
    assert all(peer.read().answers[number].status == (0, "") for number in numbers[:-1])


@pytest.mark.parametrize("part", [b"x" * 1000, b""])
async def test_a_header_block_is_bounded_over_all_its_frames(part: bytes) -> None:
    peer = Peer()
    peer.send(frame(HEADERS, 0, 1, b""))
    for _ in range(BLOCK_LIMIT // (len(part) + 9) + 1):
        peer.send(frame(frames.CONTINUATION, 0, 1, part))
        await settled() if len(part) else None
    assert peer.goaway is not None
    assert peer.goaway[1] == Code.ENHANCE_YOUR_CALM


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        frames.PREFACE[:10],
        frames.PREFACE + frames.settings({}) + b"\0\0",
        frames.PREFACE + frames.settings({}) + frame(HEADERS, 0, 1, b"\x82"),
    ],
)
async def test_what_does_not_become_whole_in_time_ends_the_connection(begun: bytes) -> None:
    peer = Peer(greet=False)
    if begun:
        peer.send(begun)
    peer.connection.close_if_overdue(peer.connection.since + 1)
    assert peer.wire.ended == ""
    peer.connection.close_if_overdue(peer.connection.since + 31)
    assert peer.wire.ended == "half"


async def test_a_silent_client_is_left_where_nothing_is_asked_and_asked_where_something_is() -> None:
    idle, waiting = Peer(), Peer()
    waiting.open(STREAM)
    for peer in (idle, waiting):
        peer.connection.close_if_overdue(peer.connection.since + 76)
    assert (idle.goaway, idle.wire.ended) == ((0, Code.NO_ERROR), "half")
    assert (frames.PING, 0, 0, bytes(8)) in waiting.read().control
    assert waiting.wire.ended == ""
    waiting.connection.close_if_overdue(waiting.connection.since + 90)
    assert waiting.wire.ended == "aborted"


async def test_a_connection_that_closes_answers_what_it_has_begun_and_nothing_else() -> None:
    peer = Peer()
    peer.app.later = []
    owed = peer.call(b"owed")
    waiting = peer.open(STREAM)
    arriving = peer.open()
    peer.connection.close_if_idle()
    peer.connection.close_if_idle()
    assert peer.goaway == (arriving, Code.NO_ERROR)
    assert peer.read().answers[waiting].status[0] == 14
    late = peer.call(b"late")
    peer.send(frame(DATA, END_STREAM, arriving, message(b"arriving")))
    for answer in peer.app.later:
        answer()
    answers = peer.read().answers
    assert (answers[owed].messages, answers[arriving].messages) == ([b"owed"], [b"arriving"])
    assert late not in answers
    assert peer.wire.ended == "half"


async def test_an_answer_of_a_server_that_drains_says_so() -> None:
    peer = Peer()
    peer.call(b"x")
    assert peer.goaway is None
    peer.shared.draining = True
    number = peer.call(b"x")
    assert peer.goaway == (2**31 - 1, Code.NO_ERROR)
    assert peer.read().answers[number].status == (0, "")
    again = peer.call(b"x")
    assert peer.read().answers[again].status == (0, ""), "what was on its way is answered"


async def test_a_client_that_is_gone_takes_nothing_with_it() -> None:
    peer = Peer()
    peer.app.later = []
    peer.call(b"x")
    peer.send(frame(DATA, 0, peer.open(), b"half a mess"))
    assert peer.shared.buffered > 0
    peer.connection.connection_lost(None)
    assert (peer.shared.buffered, peer.shared.connections) == (0, set())
    assert [request.abandoned for request in peer.app.requests] == [True]
    for answer in peer.app.later:
        answer()


def test_a_block_means_what_hpack_says_whatever_was_remembered() -> None:
    chance = random.Random(12)
    ours, encoder = HeaderBlocks(), Encoder()
    for _ in range(3000):
        fields = {b":method": b"POST", b":scheme": b"http", b":path": chance.choice((b"/a", b"/b"))}
        fields[b"x-id"] = b"%d" % chance.randrange(3 if chance.random() < 0.9 else 10_000)
        fields[b"x-long"] = b"v" * chance.choice((1, 1, 1, 2000, 5000))
        if chance.random() < 0.01:
            encoder.header_table_size = chance.choice((0, 100, 4096))
        head = ours.head(encoder.encode(fields.items(), huffman=chance.random() < 0.5))
        expected = list(fields.items())
        assert (head.method, head.path, head.fields) == (b"POST", fields[b":path"], expected[3:])


def spoiled(chance: random.Random) -> bytes:
    """A session as clients have it, of which some frames are changed, cut, doubled or made up."""
    client, parts = Peer(), [frames.PREFACE, frames.settings({frames.INITIAL_WINDOW: chance.choice((0, 9, 70_000))})]
    for each in range(chance.randrange(1, 12)):
        number = 2 * each + 1
        block = client.block(chance.choice((INFER, STREAM, LIVE)), grpc_timeout=f"{each}S")
        cut = chance.randrange(len(block) + 1) if chance.random() < 0.3 else len(block)
        parts.append(frame(HEADERS, END_HEADERS if cut == len(block) else 0, number, block[:cut]))
        if cut < len(block):
            parts.append(frame(frames.CONTINUATION, END_HEADERS, number, block[cut:]))
        data = message(chance.randbytes(chance.randrange(3000)), chance.choice((0, 0, 0, 1, 2)))
        parts.append(frame(DATA, chance.choice((0, END_STREAM, frames.PADDED)), number, data))
        parts.append(frame(chance.randrange(12), chance.randrange(256), chance.randrange(25), chance.randbytes(8)))
        parts.append(frames.window_update(chance.choice((0, number)), chance.choice((1, 1000, 2**31 - 1))))
    chance.shuffle(parts) if chance.random() < 0.2 else None
    kept = [part for part in parts if chance.random() > 0.05]
    session = b"".join(part * (2 if chance.random() < 0.05 else 1) for part in kept)
    if chance.random() < 0.5:
        session = bytes(byte ^ (chance.randrange(256) if chance.random() < 0.002 else 0) for byte in session)
    return session


@pytest.mark.parametrize("seed", range(20))
async def test_no_session_breaks_the_server_or_leaves_anything_behind(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(seed)
    for _ in range(15):
        peer = Peer(greet=False)
        peer.app.later = [] if chance.random() < 0.5 else None
        peer.app.answer = lambda _: Response(200)
        left = spoiled(chance)
        while left:
            size = chance.choice((1, 9, 100, 10_000))
            if not peer.wire.ended:
                peer.send(left[:size])
            left = left[size:]
            if chance.random() < 0.2 and not peer.wire.ended:
                peer.wire.take()
        await settled()
        for answer in peer.app.later or []:
            answer()
        peer.connection.close_if_overdue(peer.connection.since + chance.choice((0, 31, 3600)))
        peer.connection.connection_lost(None)
        assert peer.shared.buffered == 0
    assert "fault of the server" not in caplog.text
