"""What one client does, another never notices: bad rows, half-sent bodies, slow readers, and going away."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.contract.test_runtime.conftest import Process, server
from tests.contract.test_runtime.test_serving import requests_by_outcome

GOOD, BAD = {"dataframe_records": [{"x": 3.0}]}, {"dataframe_records": [{"x": 300.0}]}


@pytest.fixture(scope="module")
def picky(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A model that raises on some rows, with joining forced on."""
    folder = tmp_path_factory.mktemp("picky")
    with server(
        folder, store, MODEL_URI="models:/picky/1", BATCHING="on", BODY_SECONDS="2", SEND_SECONDS="2", QUEUE_LIMIT="64"
    ) as process:
        yield process.ready()


def connect(process: Process, receive_buffer: int | None = None) -> socket.socket:
    host, port = process.url.removeprefix("http://").split(":")
    sock = socket.socket()
    if receive_buffer is not None:  # before the connection: it bounds the window that the server is told
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(30)
    sock.connect((host, int(port)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def post(body: bytes, path: str = "/invocations", headers: str = "") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}"
    )
    return f"{head}\r\n".encode() + body


async def asked(url: str, bodies: list[object]) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        return await asyncio.gather(*(client.post("/invocations", json=body) for body in bodies))


def test_a_row_on_which_the_model_raises_fails_alone(picky: Process) -> None:
    with httpx.Client(base_url=picky.url) as client:
        before = requests_by_outcome(client)
        batches = client.get("/metrics").text
        bodies: list[object] = [
            BAD if n % 5 == 0 else {"dataframe_records": [{"x": float(n % 90)}]} for n in range(500)
        ]
        answers = asyncio.run(asked(picky.url, bodies))
        after = requests_by_outcome(client)
        joined = client.get("/metrics").text
    for number, answer in enumerate(answers):
        if number % 5 == 0:
            assert answer.status_code == 500
        else:
            assert answer.json() == {"predictions": [2.0 * (number % 90)]}
    assert after["model_error"] - before["model_error"] == 100
    assert after["ok"] - before["ok"] == 400
    assert joined != batches


def test_half_sent_bodies_hold_no_place_and_are_told_so(picky: Process) -> None:
    half = post(json.dumps(GOOD).encode())[:-4]
    socks = [connect(picky) for _ in range(100)]  # more than the queue has places
    try:
        for sock in socks:
            sock.sendall(half)
        started = time.monotonic()
        assert httpx.post(f"{picky.url}/invocations", json=GOOD).json() == {"predictions": [6.0]}
        assert time.monotonic() - started < 1
        answer = socks[0].makefile("rb").readline()
        assert answer.startswith(b"HTTP/1.1 408 ")
    finally:
        for sock in socks:
            sock.close()


def test_clients_that_go_away_hold_no_place(picky: Process) -> None:
    for _ in range(200):
        with closing(connect(picky)) as sock:
            sock.sendall(post(json.dumps(GOOD).encode()))
    with httpx.Client(base_url=picky.url) as client:
        # It may be told of the 200 requests before it is told that their clients left: full until then is the truth.
        within(10, "still answers 503", lambda: client.post("/invocations", json=GOOD).status_code == 200)
        empty = 'podium_queue_depth{model="picky",version="1"} 0.0'
        within(10, "still counts requests that wait", lambda: empty in client.get("/metrics").text)


def within(seconds: float, otherwise: str, holds: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            pytest.fail(f"the server {otherwise} {seconds} s after the clients went away")


def test_a_slow_reader_holds_no_place_and_is_let_go(picky: Process) -> None:
    items = json.dumps({"items": [{"x": 1.5}] * 400_000}).encode()
    with httpx.Client(base_url=picky.url) as client:
        gone = requests_by_outcome(client)["client_error"] + 1
        with closing(connect(picky, receive_buffer=4096)) as slow:
            slow.sendall(post(items, "/api/v1/batch", "accept: application/x-ndjson\r\n"))
            started = time.monotonic()
            assert client.post("/invocations", json=GOOD, timeout=30).json() == {"predictions": [6.0]}
            assert time.monotonic() - started < 5
            until = time.monotonic() + 60  # nothing is read, until the server has had enough
            while requests_by_outcome(client)["client_error"] < gone and time.monotonic() < until:
                time.sleep(0.05)
            assert not whole(slow), "the answer is larger than all buffers between"
        assert requests_by_outcome(client)["client_error"] == gone


def whole(sock: socket.socket) -> bool:
    seen = b""
    try:
        while part := sock.recv(1 << 20):
            seen = seen[-10:] + part
    except ConnectionResetError:
        return False
    return seen.endswith(b"0\r\n\r\n")


def test_a_clients_deadline_that_has_passed_is_a_503_and_counted(picky: Process) -> None:
    with httpx.Client(base_url=picky.url) as client:
        before = requests_by_outcome(client)["deadline_exceeded"]
        answer = client.post("/invocations", json=GOOD, headers={"x-request-timeout": "0"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert requests_by_outcome(client)["deadline_exceeded"] == before + 1


def test_a_full_queue_is_a_503_and_the_rest_is_answered(picky: Process) -> None:
    pipelined = post(json.dumps(GOOD).encode())
    socks = [connect(picky) for _ in range(300)]
    try:
        for sock in socks:
            sock.sendall(pipelined)
        lines = [sock.makefile("rb").readline() for sock in socks]
    finally:
        for sock in socks:
            sock.close()
    assert {line[9:12] for line in lines} <= {b"200", b"503"}
    assert lines.count(b"HTTP/1.1 200 OK\r\n") >= 64


def test_pipelined_requests_are_answered_in_order(picky: Process) -> None:
    bodies = [json.dumps({"dataframe_records": [{"x": float(n)}]}).encode() for n in range(50)]
    with closing(connect(picky)) as sock:
        sock.sendall(b"".join(map(post, bodies)) + b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        text = sock.makefile("rb").read().decode()
    found = [part.partition("}")[0] for part in text.split('{"predictions":')[1:]]
    assert found == [f"[{2.0 * n}]" for n in range(50)]


def test_expect_100_continue_is_answered(picky: Process) -> None:
    body = json.dumps(GOOD).encode()
    head, _, _ = post(body, headers="expect: 100-continue\r\n").rpartition(body)
    with closing(connect(picky)) as sock:
        sock.sendall(head)
        assert sock.recv(1024).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_refused_large_body_can_read_its_refusal(picky: Process) -> None:
    with closing(connect(picky)) as sock:
        sock.sendall(b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n" + b" " * 100_000)
        assert sock.makefile("rb").read().startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("extra", ["transfer-encoding: chunked\r\n"])
def test_ambiguous_lengths_are_refused(picky: Process, extra: str) -> None:
    with closing(connect(picky)) as sock:
        sock.sendall(post(b"{}", headers=extra))
        assert sock.makefile("rb").readline().startswith(b"HTTP/1.1 400 ")


def test_chunked_bodies_are_read(picky: Process, tmp_path: Path) -> None:
    body = json.dumps(GOOD).encode()

    def parts() -> Iterator[bytes]:
        yield body[:5]
        yield body[5:]

    answer = httpx.post(f"{picky.url}/invocations", content=parts(), headers={"content-type": "application/json"})
    assert answer.json() == {"predictions": [6.0]}
