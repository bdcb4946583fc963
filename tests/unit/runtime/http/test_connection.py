"""What one client may take: a connection as the event loop sees it, on a transport that records."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, Callable

import pytest

from podium.runtime.exchange import Reply, Request, Response
from podium.runtime.faults import Fault
from podium.runtime.http.connection import PIPELINED, Connection
from podium.runtime.http.shared import SPARE, Limits, Shared
from podium.runtime.identity import Headers
from podium.runtime.turns import Turn

HIGH_WATER = 64 * 1024  # bytes, as uvloop has it
PAGE = b"x" * 20_000
GET = b"GET /page HTTP/1.1\r\n\r\n"


class Echo:
    """Answers at once with a page, or when it is told to."""

    identity_block = b""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refused: list[str] = []
        self.later: list[Callable[[], None]] | None = None

    def handle(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        if self.later is None:
            reply(Response(200, PAGE))
        else:
            self.later.append(lambda: reply(Response(200, PAGE)))

    def refuse(self, error: Exception, headers: Headers, turn: Turn | None) -> Response:
        assert isinstance(error, Fault)
        self.refused.append(error.message)
        return Response(error.status, error.message.encode())


class Wire(asyncio.Transport):
    """A transport whose client takes nothing until `take`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self.waiting = b""
        self.reading = True
        self.ended = ""
        connection.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        before, self.waiting = len(self.waiting), self.waiting + bytes(data)
        if before <= HIGH_WATER < len(self.waiting):
            self._connection.pause_writing()

    def take(self) -> bytes:
        taken, self.waiting = self.waiting, b""
        if len(taken) > HIGH_WATER:
            self._connection.resume_writing()
        return taken

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write_eof(self) -> None:
        self.ended = "half"

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


class Server:
    def __init__(self, **limits: int) -> None:
        self.app = Echo()
        expected = {"body_bytes": 1000, "buffered_bytes": 10_000, **limits}
        self.shared = Shared(self.app, Limits(**expected, arrive_seconds=30, send_seconds=5, idle_seconds=75))

    def connect(self) -> tuple[Connection, Wire]:
        connection = Connection(self.shared)
        return connection, Wire(connection)


async def settled() -> None:
    """Let everything run that needs nothing of the client."""
    for _ in range(2 * PIPELINED):
        await asyncio.sleep(0)


async def answered(sent: bytes, **limits: int) -> tuple[Server, Wire]:
    server = Server(**limits)
    connection, wire = server.connect()
    connection.data_received(sent)
    await settled()
    return server, wire


async def test_a_client_that_pipelines_and_does_not_read_is_served_no_further_and_let_go() -> None:
    server = Server()
    connection, wire = server.connect()
    for _ in range(20):
        connection.data_received(GET)
        await settled()
    assert len(wire.waiting) < HIGH_WATER + 2 * len(PAGE), "no more than what was on its way when the client stopped"
    assert not wire.reading
    connection.close_if_overdue(connection.since)
    assert wire.ended == ""
    connection.close_if_overdue(connection.since + 3600)
    assert wire.ended == "aborted", "its time runs, whatever else it asks"
    assert server.app.refused == []


class Parts(Echo):
    """Answers bit by bit."""

    def handle(self, request: Request, reply: Reply) -> None:
        async def parts() -> AsyncGenerator[bytes, None]:
            yield b"one"
            yield b"two"

        reply(Response(200, parts()))


@pytest.mark.parametrize(
    ("version", "framing", "body", "end"),
    [
        (b"1.1", b"transfer-encoding: chunked", b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", ""),
        (b"1.0", b"connection: close", b"onetwo", "closed"),
    ],
)
async def test_an_answer_in_parts_is_framed_as_the_clients_version_knows(
    version: bytes, framing: bytes, body: bytes, end: str
) -> None:
    server = Server()
    server.shared.app = server.app = Parts()
    connection, wire = server.connect()
    connection.data_received(b"GET / HTTP/%b\r\n\r\n" % version)
    await settled()
    head, _, rest = wire.waiting.partition(b"\r\n\r\n")
    assert framing in head
    assert (b"chunked" in head) == (version == b"1.1")
    assert (rest, wire.ended) == (body, end)


@pytest.mark.parametrize(("version", "said"), [(b"1.1", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"1.0", b"")])
async def test_a_client_of_http_1_0_is_not_told_to_continue(version: bytes, said: bytes) -> None:
    """RFC 9110, 10.1.1."""
    _, wire = await answered(b"POST / HTTP/%b\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n" % version)
    assert wire.waiting == said


async def test_a_client_that_reads_again_is_served_what_it_asked() -> None:
    server = Server()
    connection, wire = server.connect()
    connection.data_received(GET * 100)
    taken = 0
    for _ in range(100):
        await settled()
        taken += wire.take().count(b"HTTP/1.1 200")
    assert (taken, len(server.app.requests), wire.reading) == (100, 100, True)


async def test_what_one_reading_brings_does_not_keep_others_waiting() -> None:
    server = Server()
    connection, _ = server.connect()
    connection.data_received(b"GET / HTTP/1.1\r\n\r\n" * 3)
    assert len(server.app.requests) == 1, "the next is served after the others have had their turn"
    await settled()
    assert len(server.app.requests) == 3


async def test_requests_beyond_the_pipeline_are_not_kept_and_the_connection_says_that_it_closes() -> None:
    server = Server()
    connection, wire = server.connect()
    connection.data_received(b"POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\nx" * 5000)
    answers = b""
    for _ in range(PIPELINED):
        await settled()
        answers += wire.take()
    assert len(server.app.requests) == PIPELINED + 1
    assert answers.count(b"connection: close") == 1
    assert (wire.ended, server.shared.buffered) == ("half", 0)


async def test_a_wish_for_another_protocol_is_passed_over() -> None:
    upgrade = b"GET /first HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n\r\n"
    server, wire = await answered(upgrade + GET)
    assert [request.path for request in server.app.requests] == ["/first", "/page"]
    assert wire.waiting.count(b"HTTP/1.1 200") == 2
    assert b"HTTP/1.1 4" not in wire.waiting


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"content-length: 7", b"[[1.5]]"),
        (b"transfer-encoding: chunked", b"4\r\n[[1.\r\n3\r\n5]]\r\n0\r\n\r\n"),
        (b"expect: 100-continue\r\ncontent-length: 7", b"[[1.5]]"),
        (b"content-length: 0", b""),
    ],
)
async def test_a_wish_for_another_protocol_takes_no_body(framing: bytes, body: bytes, size: int) -> None:
    """Java's client has it in each POST, and so does `curl --http2 -d`."""
    server = Server()
    connection, wire = server.connect()
    head = b"POST /first?a=1 HTTP/1.1\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n"
    sent = head + b"x-kept: 1\r\n" + framing + b"\r\n\r\n" + body + GET
    for place in range(0, len(sent), size):
        connection.data_received(sent[place : place + size])
        await settled()
    first, second = server.app.requests
    assert (first.method, first.path, first.body) == ("POST", "/first", b"[[1.5]]" if body else b"")
    assert [value for name, value in first.headers if name in {b"x-kept", b"upgrade"}] == [b"h2c", b"1"]
    assert (second.path, server.app.refused) == ("/page", [])
    assert wire.waiting.count(b"HTTP/1.1 100") == (b"expect" in framing)


async def test_a_wish_for_another_protocol_changes_no_end_of_a_connection() -> None:
    head = b"POST /first HTTP/1.1\r\nconnection: upgrade, close\r\nupgrade: h2c\r\ncontent-length: 1\r\n\r\nx"
    server, wire = await answered(head)
    assert [request.body for request in server.app.requests] == [b"x"]
    assert b"connection: close" in wire.waiting


async def test_many_wishes_for_another_protocol_in_one_reading_are_no_fault() -> None:
    upgrade = b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    server, wire = await answered(upgrade * 4000)
    assert wire.waiting.startswith(b"HTTP/1.1 200")
    assert server.app.refused == []


async def test_a_tunnel_is_refused() -> None:
    server, _ = await answered(b"CONNECT other:443 HTTP/1.1\r\nhost: other\r\n\r\n")
    assert "no tunnel" in server.app.refused[0]
    assert server.app.requests == []


async def test_a_trailer_is_no_header() -> None:
    body = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx-request-id: forged\r\n\r\n"
    server, _ = await answered(body)
    (request,) = server.app.requests
    assert (request.body, request.header(b"x-request-id")) == (b"x", None)
    assert request.id != b"forged"


@pytest.mark.parametrize(
    ("target", "path"),
    [("http://podium:8080/a/b?c", "/a/b"), ("HTTP://podium", "/"), ("/http://x/y", "/http://x/y"), ("*", "*")],
)
async def test_a_target_may_be_a_whole_url(target: str, path: str) -> None:
    method = "OPTIONS" if target == "*" else "GET"
    server, _ = await answered(f"{method} {target} HTTP/1.1\r\n\r\n".encode())
    assert [request.path for request in server.app.requests] == [path]


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"GET / HTTP/1.1\r\nx: ", b"a" * 65_536),
        (b"GET / HTTP/1.1\r\n", b"a" * 65_536),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;", b"a" * 65_536),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ", b"a" * 65_536),
        (b"", b"\r\n" * 32_768),
    ],
    ids=["header value", "header name", "chunk extension", "trailer", "empty lines"],
)
async def test_what_never_ends_is_not_collected(head: bytes, piece: bytes) -> None:
    server = Server()
    connection, wire = server.connect()
    connection.data_received(head)
    for _ in range(20):
        connection.data_received(piece)
    assert len(server.app.refused) == 1
    assert wire.ended == "half"


async def test_many_small_headers_cost_more_than_their_bytes() -> None:
    server, _ = await answered(b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 3000 + b"\r\n")
    assert server.app.requests == []
    assert "headers of at most" in server.app.refused[0]


async def test_a_body_in_small_chunks_takes_no_more_than_its_bytes() -> None:
    server = Server(body_bytes=10**6, buffered_bytes=10**6)
    connection, _ = server.connect()
    connection.data_received(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + b"2\r\nab\r\n" * 10_000)
    held = connection._incoming._body
    assert isinstance(held, bytearray)
    connection.data_received(b"0\r\n\r\n")
    assert server.app.requests[0].body == b"ab" * 10_000
    assert type(server.app.requests[0].body) is bytes


async def test_where_there_are_too_many_the_one_that_was_silent_for_longest_leaves() -> None:
    server = Server(connections=2)
    server.app.later = []
    busy, idle, probe = (server.connect() for _ in range(3))
    assert [wire.ended for _, wire in (busy, idle, probe)] == ["aborted", "", ""]
    idle[0].data_received(GET)
    last = server.connect()
    assert [wire.ended for _, wire in (idle, probe, last)] == ["", "aborted", ""]


async def test_where_all_are_busy_there_is_room_for_probes_and_an_end_of_that() -> None:
    server = Server(connections=1)
    server.app.later = []
    server.connect()[0].data_received(GET)
    for _ in range(SPARE):
        connection, wire = server.connect()
        connection.data_received(GET)
        assert wire.ended == ""
    assert server.connect()[1].ended == "aborted"


async def test_a_refused_client_is_read_until_it_has_noticed() -> None:
    server = Server()
    connection, wire = server.connect()
    server.app.later = []
    connection.data_received(GET + b"nonsense\r\n\r\n")
    connection.data_received(b"more")
    server.app.later.pop()()
    await settled()
    assert wire.waiting.count(b"HTTP/1.1") == 1
    assert b"connection: close" in wire.waiting
    assert (wire.ended, wire.reading) == ("half", True)


async def test_bodies_count_by_what_they_unfold_to() -> None:
    server = Server(body_bytes=6000, buffered_bytes=10_000)
    server.app.later = []
    body = gzip.compress(b"0" * 6000)
    asked = b"POST / HTTP/1.1\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    first, wire = server.connect()
    first.data_received(asked)
    assert (server.app.requests[0].body, server.shared.buffered) == (b"0" * 6000, 6000)
    server.connect()[0].data_received(asked)
    assert server.app.refused == ["too many large bodies wait already"]
    server.app.later.pop()()
    assert server.shared.buffered == 0
    assert wire.waiting.startswith(b"HTTP/1.1 200")
