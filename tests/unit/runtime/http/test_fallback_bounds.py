"""What sending a request on may cost: the user, the champion, and the server that does it."""

import asyncio
import socket
import time
from typing import Any, cast

import orjson
import pytest

from podium.runtime.faults import ModelFault, ProcessLost, RequestFault
from podium.runtime.http import client, fallback
from podium.runtime.http.client import Client, Unanswered
from podium.runtime.http.fallback import Fallback
from tests.unit.runtime.http.slots import (
    Hanging,
    Held,
    Pod,
    challenger,
    champion,
    eventually,
    good,
    invalid,
    listening,
    raising,
    saying,
)

NDJSON = (b"accept", b"application/x-ndjson")


def of(pod: Pod) -> Fallback:
    assert pod.app._serving is not None
    return cast("Fallback", pod.app._serving.fallback)


# What the champion is spared


async def test_a_request_that_ended_a_process_is_not_sent_to_another() -> None:
    def ending(_: Any) -> Any:
        raise ProcessLost("a process that predicts ended with SIGSEGV", 1)

    beside = champion()
    async with listening(beside) as url:
        told = await challenger(ending, url).ask()
    assert (told.status, told.by["x-podium-version"]) == (500, "7")
    assert beside.metric("podium_fallback_requests_total") == {}


async def test_a_request_is_sent_on_once() -> None:
    def late_and_wrong(_: Any) -> Any:
        time.sleep(0.1)
        raise ModelFault("the model raised")

    beside = champion(invalid)
    async with listening(beside) as url:
        failing = challenger(late_and_wrong, url, FALLBACK_AFTER="0.01")
        told = await failing.ask()
    assert told.status == 500
    assert beside.metric("podium_fallback_requests_total") == {"nan": 1}
    assert failing.metric("podium_fallbacks_total") == {"false": 1}


async def test_a_stream_is_not_sent_on() -> None:
    held = Held()
    beside = champion()
    async with listening(beside) as url:
        full = challenger(held, url, QUEUE_LIMIT="1")
        waiting = asyncio.create_task(full.ask())
        await held.asked()
        told = await full.ask(NDJSON)
        held.let_go()
        await waiting
    assert (told.status, told.by["x-podium-version"]) == (503, "7")
    assert beside.metric("podium_fallback_requests_total") == {}


async def test_who_answers_no_failures_of_this_version_is_asked_once() -> None:
    async with listening(Pod("7", good, TRIAL_NUMBER="2")) as url:
        failing = Pod("6", raising, FALLBACK_URL=url, TRIAL_NUMBER="1")
        assert [(await failing.ask()).status for _ in range(5)] == [500] * 5
    assert failing.metric("podium_fallbacks_total") == {"false": 1}


async def test_connections_have_their_turn_here_too() -> None:
    beside = champion()
    beside.shared.turns.hear([(b"x-podium-requests-per-connection", b"2")])
    async with listening(beside) as url:
        failing = challenger(raising, url)
        kept = []
        for _ in range(4):
            assert (await failing.ask()).status == 200
            kept.append(len(of(failing)._client._idle))
    assert kept == [1, 0, 1, 0]


# What one request does to the others


async def test_a_short_deadline_of_one_client_is_no_silence() -> None:
    def slow(given: Any) -> Any:
        time.sleep(0.03)
        return good(given)

    async with listening(champion(slow)) as url:
        failing = challenger(raising, url)
        assert (await failing.ask((b"x-request-timeout", b"10ms"))).status == 500
        assert (await failing.ask()).status == 200


async def test_whoever_names_the_version_gets_no_other_and_others_are_answered() -> None:
    async with listening(champion()) as url:
        failing = challenger(raising, url)
        named = await failing.ask(path="/v2/models/churn/versions/7/infer")
        assert (named.status, named.by["x-podium-version"]) == (500, "7")
        assert (await failing.ask()).status == 200


async def test_headers_that_are_too_large_there_are_one_requests_own_matter() -> None:
    async with listening(champion()) as url:
        failing = challenger(raising, url)
        assert (await failing.ask((b"x-large", b"x" * (64 * 1024 - 100)))).status == 500
        assert (await failing.ask()).status == 200


async def test_more_at_once_than_there_are_connections() -> None:
    async with listening(champion()) as url:
        failing = challenger(raising, url, QUEUE_LIMIT="1000")
        many = 4 * client.CONNECTIONS
        told = await asyncio.gather(*(failing.ask(body=b"[[%d]]" % number) for number in range(many)))
    assert [orjson.loads(each.body).get("predictions") for each in told] == [[100.0 * number] for number in range(many)]


# What the user is spared


async def test_a_champion_that_hangs_is_waited_for_by_few_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SILENT_SECONDS", 0.1)
    async with listening(Hanging) as url:
        failing = challenger(raising, url)
        started = time.monotonic()
        assert [(await failing.ask()).status for _ in range(5)] == [500] * 5
    assert time.monotonic() - started < 10  # of 60
    assert failing.metric("podium_fallbacks_total") == {"false": 1}


async def test_a_champion_that_takes_long_gets_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(given: Any) -> Any:
        time.sleep(0.2)
        return good(given)

    monkeypatch.setattr(client, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(fallback, "SILENT_SECONDS", 0.0)
    async with listening(champion(slow)) as url:
        failing = challenger(raising, url)
        told = [(await failing.ask()).status for _ in range(8)]
    assert told[0] == 500
    assert told[-4:] == [200] * 4


async def test_where_no_connection_can_be_made_the_kept_ones_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(given: Any) -> Any:
        time.sleep(0.02)
        return good(given)

    async def unknown() -> Any:
        raise OSError("the name cannot be found")

    async with listening(champion(slow)) as url:
        failing = challenger(raising, url)
        assert (await failing.ask()).status == 200
        monkeypatch.setattr(of(failing)._client, "_connection", unknown)
        told = await asyncio.gather(*(failing.ask() for _ in range(20)))
    assert [each.status for each in told] == [200] * 20


async def test_all_kept_connections_are_used_so_that_all_pods_are_asked() -> None:
    beside = champion()
    async with listening(beside) as url:
        failing = challenger(raising, url)
        await asyncio.gather(*(failing.ask() for _ in range(20)))
        kept = list(beside.shared.connections)
        before = [cast("Any", each)._turn.requests for each in kept]
        for _ in range(2 * len(kept)):
            await failing.ask()
        after = [cast("Any", each)._turn.requests for each in kept]
    assert after == [requests + 2 for requests in before]


async def test_a_champion_without_a_pod_is_asked_by_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "UNREACHABLE_SECONDS", 60.0)
    failing = challenger(raising, "http://127.0.0.1:9")
    assert [(await failing.ask()).status for _ in range(5)] == [500] * 5
    assert failing.metric("podium_fallbacks_total") == {"false": 1}, "what is not sent is not counted"


async def test_a_proxy_without_a_pod_behind_it_is_soon_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "UNREACHABLE_SECONDS", 0.0)
    async with listening(saying(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")) as url:
        failing = challenger(raising, url)
        assert [(await failing.ask()).status for _ in range(3)] == [500] * 3
    assert failing.metric("podium_fallbacks_total") == {"false": 3}


async def test_a_clients_fault_is_told_at_once() -> None:
    def late(_: Any) -> Any:
        time.sleep(0.1)
        raise RequestFault("no such city")

    async with listening(Hanging) as url:
        failing = challenger(late, url, FALLBACK_AFTER="0.01")
        started = time.monotonic()
        assert (await failing.ask()).status == 400
    assert time.monotonic() - started < 10
    assert not of(failing).busy or await _ends(failing)


async def test_the_next_address_is_asked_where_the_first_has_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(champion()) as url:
        port = int(url.rsplit(":", 1)[1])
        both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

        async def found(*_: Any, **__: Any) -> Any:
            return both

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
        failing = challenger(raising, url)
        assert [(await failing.ask()).status for _ in range(2)] == [200, 200]


# What is held in memory


async def _ends(pod: Pod) -> bool:
    await eventually(lambda: not of(pod).busy, "it is waited for")
    return True


async def test_nothing_is_waited_for_once_its_client_has_left() -> None:
    async with listening(Hanging) as url:
        failing = challenger(raising, url)
        async with listening(failing) as own:
            host, port = own.removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-length: 7\r\n\r\n[[1.5]]")
            await eventually(lambda: of(failing).busy, "it is not sent on")
            writer.close()
            assert await _ends(failing)
    assert failing.shared.buffered == 0


async def test_a_body_counts_for_as_long_as_a_prediction_needs_it() -> None:
    held = Held()
    pod = champion(held)
    async with listening(pod) as own:
        host, port = own.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-length: 7\r\n\r\n[[1.5]]")
        await held.asked()
        writer.close()
        await eventually(lambda: not pod.shared.connections, "it has not left")
        counted = pod.shared.buffered
        held.let_go()
        await eventually(lambda: pod.shared.buffered == 0, "it is counted for good")
    assert counted == 7


async def test_a_late_answer_of_another_leaves_the_body_counted_too() -> None:
    held = Held()
    async with listening(champion()) as url:
        late = challenger(held, url, FALLBACK_AFTER="0.01")
        async with listening(late) as own:
            host, port = own.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-length: 7\r\n\r\n[[1.5]]")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            counted = late.shared.buffered
            held.let_go()
            await eventually(lambda: late.shared.buffered == 0, "it is counted for good")
            writer.close()
    assert counted == 7


async def test_nothing_is_waited_for_once_the_version_has_answered() -> None:
    def slow(given: Any) -> Any:
        time.sleep(0.1)
        return good(given)

    async with listening(Hanging) as url:
        late = challenger(slow, url, FALLBACK_AFTER="0.01")
        told = await late.ask()
        assert (told.status, told.by["x-podium-version"]) == (200, "7")
        assert await _ends(late)


class Half(asyncio.Protocol):
    """A server whose answers stop before their last byte, and go on when they are told to."""

    all: "list[Half]"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, _: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n" + b"x" * 79)
        self.all.append(self)


async def test_all_answers_together_are_bounded() -> None:
    Half.all = []
    async with listening(Half) as url:
        asks = Client("127.0.0.1", int(url.rsplit(":", 1)[1]), held_bytes=100)
        first = asyncio.create_task(asks.post("/", [], b"", 20))
        await eventually(lambda: asks.held == 79, "nothing came")
        with pytest.raises(Unanswered, match="larger than 100 bytes"):
            await asks.post("/", [], b"", 20)
        Half.all[0].transport.write(b"x")
        assert (await first).body == b"x" * 80
        asks.close()
        for each in Half.all:
            each.transport.abort()
    assert asks.held == 0


ONE, OTHER = (b"HTTP/1.1 200 OK\r\nx-one: 1\r\ncontent-length: 3\r\n\r\n" + body for body in (b"one", b"two"))


class Talking(asyncio.Protocol):
    """A server that answers each question by one answer and more."""

    more: tuple[bytes, ...]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, _: bytes) -> None:
        first, *rest = self.more
        self.transport.write(first)
        for late in rest:
            asyncio.get_running_loop().call_later(0.02, self.transport.write, late)


@pytest.mark.parametrize("more", [(ONE + OTHER,), (ONE, OTHER), (ONE + b"nonsense",)])
async def test_what_was_not_asked_for_answers_no_one(more: tuple[bytes, ...]) -> None:
    async with listening(type("Said", (Talking,), {"more": more})) as url:
        asks = Client("127.0.0.1", int(url.rsplit(":", 1)[1]), held_bytes=100)
        for _ in range(3):
            answer = await asks.post("/", [], b"", 20)
            assert (answer.body, answer.headers) == (b"one", [(b"x-one", b"1"), (b"content-length", b"3")])
            await eventually(lambda: len(more) == 1 or not asks._idle, "it is kept")
        asks.close()
    assert asks.held == 0


# What is said to whom


async def test_what_is_one_connections_own_matter_stays_there() -> None:
    said = b"HTTP/1.1 200 OK\r\nx-podium-fallback-from: 7\r\nx-podium-version: 6\r\ncontent-type: application/json\r\n"
    said += b"connection: close, X-Inner\r\nx-inner: 1\r\nserver: a\r\nx-kept: 2\r\ncontent-length: 2\r\n\r\n{}"
    server = saying(said)
    async with listening(server) as url:
        told = await challenger(raising, url).ask(
            (b"connection", b"keep-alive, X-Hop"),
            (b"x-hop", b"1"),
            (b"proxy-authorization", b"Basic c2VjcmV0"),
            (b"http2-settings", b"AAMAAABkAAQAAP__"),
            (b"x-tenant", b"a"),
        )
    assert (told.status, told.headers) == (200, {b"x-kept": b"2"})
    lines = server.heard.split(b"\r\n")
    assert b"host: " + url.removeprefix("http://").encode() in lines
    assert b"x-tenant: a" in lines
    for name in (b"connection", b"x-hop", b"proxy-authorization", b"http2-settings"):
        assert not any(line.startswith(name) for line in lines), name
