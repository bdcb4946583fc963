"""A call of gRPC, as its client writes it: messages, codings, deadlines, metadata and codes (PROTOCOL-HTTP2.md)."""

import gzip
import zlib

import pytest

from podium.runtime.exchange import Response
from podium.runtime.faults import DeadlineExceeded, Fault, Overloaded, RequestFault, TooLate
from podium.runtime.grpc.status import Code
from podium.runtime.http.refusals import refusal
from podium.runtime.http2 import frames
from podium.runtime.http2.frames import frame
from podium.runtime.http2.stream import WINDOW
from podium.runtime.protocols.messages import ModelInferRequest, ModelInferResponse, message
from tests.unit.runtime.http2.wire import INFER, LIVE, STREAM, Peer, settled
from tests.unit.runtime.http2.wire import message as framed

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_a_call_is_asked_by_its_path_and_answered_with_who_answers() -> None:
    peer = Peer()
    body = ModelInferRequest(model_name="chu rn", model_version="7").SerializeToString()
    number = peer.call(body, x_request_id="mine", traceparent=TRACEPARENT)
    (request,) = peer.app.requests
    assert (request.method, request.path, request.id) == ("POST", "/v2/models/chu%20rn/versions/7/infer", b"mine")
    assert request.header(b"traceparent") == TRACEPARENT.encode()
    answer = peer.read().answers[number]
    assert answer.headers == {
        ":status": "200",
        "content-type": "application/grpc",
        "grpc-accept-encoding": "identity, deflate, gzip",
    }
    assert answer.messages == [body]
    assert answer.trailers == {
        "grpc-status": "0",
        "x-podium-model": "churn",
        "x-podium-version": "7",
        "x-request-id": "mine",
    }


async def test_a_message_in_many_frames_is_one_message() -> None:
    peer = Peer()
    number = peer.open()
    for byte in framed(b"body"):
        peer.send(frame(frames.DATA, 0, number, bytes((byte,))))
    assert peer.app.requests == [], "it is answered when the client has said all"
    peer.send(frame(frames.DATA, frames.END_STREAM, number))
    assert peer.read().answers[number].messages == [b"body"]


async def test_trailers_of_the_client_end_its_message_too() -> None:
    peer = Peer()
    number = peer.open()
    peer.send(frame(frames.DATA, 0, number, framed(b"body")))
    flags = frames.END_HEADERS | frames.END_STREAM
    peer.send(frame(frames.HEADERS, flags, number, peer.encoder.encode([("x-checksum", "1")])))
    assert peer.read().answers[number].messages == [b"body"]


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_message_may_be_compressed(coding: str, compress: "type[bytes]") -> None:
    peer = Peer()
    number = peer.call(framed(compress(b"body" * 100), 1), raw=True, grpc_encoding=coding)
    assert peer.read().answers[number].messages == [b"body" * 100]
    number = peer.call(b"plain", grpc_encoding=coding)
    assert peer.read().answers[number].messages == [b"plain"]


@pytest.mark.parametrize(
    ("sent", "fields", "code", "says"),
    [
        (framed(b"x", 1), {}, Code.INTERNAL, "not compressed"),
        (framed(b"x", 1), {"grpc_encoding": "identity"}, Code.INTERNAL, "not compressed"),
        (framed(b"x", 2), {"grpc_encoding": "gzip"}, Code.INTERNAL, "not compressed"),
        (framed(b"x", 1), {"grpc_encoding": "snappy"}, Code.UNIMPLEMENTED, "gzip"),
        (framed(b"x", 1), {"grpc_encoding": "zstd"}, Code.UNIMPLEMENTED, "gzip"),
        (framed(b"x", 1), {"grpc_encoding": "gzip"}, Code.INVALID_ARGUMENT, "gzip"),
        (
            framed(gzip.compress(bytes(200_000)), 1),
            {"grpc_encoding": "gzip"},
            Code.RESOURCE_EXHAUSTED,
            "at most 100000 bytes",
        ),
        (b"\0\0\1\x86\xa1", {}, Code.RESOURCE_EXHAUSTED, "at most 100000 bytes"),
        (b"", {}, Code.INVALID_ARGUMENT, "found none"),
        (framed(b"abc")[:-1], {}, Code.INVALID_ARGUMENT, "a whole message"),
        (framed(b"abc") * 2, {}, Code.INVALID_ARGUMENT, "one message, found more"),
        (framed(b"abc"), {"grpc_timeout": "123456789S"}, Code.INVALID_ARGUMENT, "grpc-timeout"),
        (framed(b"abc"), {"grpc_timeout": "5"}, Code.INVALID_ARGUMENT, "grpc-timeout"),
    ],
)
async def test_a_message_that_is_none_is_refused_and_counted_as_a_request_is(
    sent: bytes, fields: dict[str, str], code: Code, says: str
) -> None:
    peer = Peer()
    number = peer.call(sent, raw=True, **fields)
    found, said = peer.read().answers[number].status
    assert (found, says in said) == (code, True), said
    assert peer.read().answers[number].headers["grpc-accept-encoding"] == "identity, deflate, gzip"
    assert len(peer.app.refused) == 1
    assert (peer.app.requests, peer.shared.buffered) == ([], 0)


async def test_a_message_that_is_too_large_is_refused_before_it_is_here() -> None:
    peer = Peer()
    number = peer.open()
    peer.send(frame(frames.DATA, 0, number, (2**32 - 1).to_bytes(5, "big")))
    answer = peer.read().answers[number]
    assert (answer.status[0], answer.reset) == (Code.RESOURCE_EXHAUSTED, frames.Code.NO_ERROR)
    peer.send(frame(frames.DATA, frames.END_STREAM, number, bytes(10_000)))  # was on its way
    assert peer.goaway is None


async def test_a_call_with_too_much_metadata_is_refused_and_no_other() -> None:
    peer = Peer()
    neighbour = peer.open()
    block = peer.block(**{f"x_{each}": "X" * 4000 for each in range(5)})
    number, flags = neighbour + 2, frames.END_HEADERS
    peer.send(
        frame(frames.HEADERS, 0, number, block[:16_000]) + frame(frames.CONTINUATION, flags, number, block[16_000:])
    )
    peer.send(frame(frames.DATA, frames.END_STREAM, number, framed(b"on its way")))
    peer.send(frame(frames.DATA, frames.END_STREAM, neighbour, framed(b"body")))
    code, said = peer.read().answers[number].status
    assert (code, said.partition(", ")[0]) == (Code.RESOURCE_EXHAUSTED, "expected metadata of at most 16384 bytes")
    assert (peer.answers[neighbour].messages, peer.goaway) == ([b"body"], None)
    assert (len(peer.app.refused), peer.shared.buffered) == (1, 0)


async def test_bodies_of_all_clients_together_are_bounded() -> None:
    peer = Peer(buffered_bytes=150_000)
    first, second = peer.open(), peer.open()
    for number in (first, second):
        peer.send(frame(frames.DATA, 0, number, framed(bytes(90_000))[: frames.FRAME_LIMIT]))
        for _ in range(4):
            peer.send(frame(frames.DATA, 0, number, bytes(frames.FRAME_LIMIT)))
    assert peer.read().answers[second].status[0] == Code.UNAVAILABLE
    assert first not in peer.answers


@pytest.mark.parametrize(("given", "least", "most"), [("2S", 1900, 2000), ("300m", 250, 300), ("5H", 10**7, 2 * 10**7)])
async def test_a_deadline_is_the_applications(given: str, least: int, most: int) -> None:
    peer = Peer()
    peer.call(b"", grpc_timeout=given, x_request_timeout="9s")
    (request,) = peer.app.requests
    (left,) = [value for name, value in request.headers if name == b"x-request-timeout"]
    assert least <= int(left.removesuffix(b"ms")) <= most


async def test_a_deadline_passes_before_there_is_a_message() -> None:
    peer = Peer()
    number = peer.open(grpc_timeout="1S")
    peer.connection.close_if_overdue(peer.connection.since + 2)
    assert peer.read().answers[number].status[0] == Code.DEADLINE_EXCEEDED


async def test_a_message_that_does_not_arrive_in_time_is_refused() -> None:
    peer = Peer()
    number = peer.open()
    peer.send(frame(frames.DATA, 0, number, framed(b"abc")[:-1]))
    peer.connection.close_if_overdue(peer.connection.since + 31)
    assert peer.read().answers[number].status == (
        Code.DEADLINE_EXCEEDED,
        "the request did not arrive within 30 s",
    )
    assert peer.app.refused == ["the request did not arrive within 30 s"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [(RequestFault("100 % wrong: ü\n"), Code.INVALID_ARGUMENT), (Overloaded("full"), Code.UNAVAILABLE)],
)
async def test_a_fault_has_its_code_and_its_words(fault: RequestFault, code: Code) -> None:
    peer = Peer()
    peer.app.answer = lambda request: refusal(fault, request.path)
    number = peer.call(b"", x_request_id="mine")
    answer = peer.read().answers[number]
    assert answer.headers["grpc-status"] == str(int(code))
    expected = {"100 % wrong: ü\n": "100 %25 wrong: %C3%BC%0A", "full": "full"}[fault.message]
    assert answer.headers["grpc-message"] == expected
    assert (answer.headers["x-request-id"], answer.headers["x-podium-version"]) == ("mine", "7")


async def test_a_long_message_is_cut_between_its_escapes() -> None:
    peer = Peer()
    peer.app.answer = lambda request: refusal(RequestFault("ü" * 5000), request.path)
    said = (await peer.status(peer.call(b"")))[1]
    assert len(said) <= 4096
    assert set(said.replace("%C3", "").replace("%BC", "")) == set()


@pytest.mark.parametrize(
    ("fields", "path", "status"),
    [({":method": "GET"}, INFER, "405"), ({"content-type": "text/html"}, INFER, "415")],
)
async def test_what_is_no_call_gets_a_status_of_http(fields: dict[str, str], path: str, status: str) -> None:
    peer = Peer()
    own = {":method": "POST", ":scheme": "http", ":path": path, "content-type": "application/grpc"}
    block = peer.encoder.encode((own | fields).items())
    peer.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, block))
    assert peer.read().answers[1].headers == {":status": status}
    assert peer.app.refused == []


async def test_a_method_that_there_is_not_is_unimplemented_and_counts_as_no_prediction() -> None:
    peer = Peer()
    number = peer.call(b"", path="/inference.GRPCInferenceService/Nothing")
    assert peer.read().answers[number].status[0] == Code.UNIMPLEMENTED
    assert peer.app.refused == []


async def test_a_page_is_answered_without_a_body() -> None:
    peer = Peer()
    number = peer.call(b"", path=LIVE)
    (answer,) = peer.read().answers[number].messages
    assert message("ServerLiveResponse").FromString(answer).live


async def test_a_fault_of_the_server_ends_the_call_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    peer = Peer()

    def broken(_: object) -> Response:
        raise ZeroDivisionError

    peer.app.answer = broken
    number = peer.call(b"")
    assert peer.read().answers[number].status == (Code.INTERNAL, "internal error")
    assert "a fault of the server itself" in caplog.text
    peer.app.answer = lambda request: Response(200, request.body)
    assert await peer.status(peer.call(b"x")) == (Code.OK, "")


async def test_a_call_that_is_taken_back_is_abandoned() -> None:
    peer = Peer()
    peer.app.later = []
    number = peer.call(b"x")
    peer.send(frame(frames.RST_STREAM, 0, number, bytes(4)))
    assert [request.abandoned for request in peer.app.requests] == [True]
    peer.app.later[0]()
    assert number not in peer.read().answers


def streamed(answer: bytes) -> "tuple[str, str]":
    found = message("ModelStreamInferResponse").FromString(answer)
    return found.infer_response.id, found.error_message


async def test_a_stream_is_answered_message_by_message_and_its_client_waits_meanwhile() -> None:
    peer = Peer()
    peer.app.later = []
    peer.app.answer = lambda request: Response(
        200, ModelInferResponse(id=request.body.decode()[-1]).SerializeToString()
    )
    number = peer.open(STREAM)
    peer.send(frame(frames.DATA, 0, number, framed(b"\x0a\x011") + framed(b"\x0a\x012") + framed(b"\x0a\x013")[:4]))
    assert [request.body for request in peer.app.requests] == [b"\x0a\x011"]
    peer.app.later.pop()()
    await settled()
    assert [request.body for request in peer.app.requests] == [b"\x0a\x011", b"\x0a\x012"]
    peer.app.later.pop()()
    await settled()
    peer.send(frame(frames.DATA, frames.END_STREAM, number, framed(b"\x0a\x013")[4:]))
    peer.app.later.pop()()
    await settled()
    answer = peer.read().answers[number]
    assert [streamed(each) for each in answer.messages] == [("1", ""), ("2", ""), ("3", "")]
    assert (answer.status, peer.shared.buffered) == ((Code.OK, ""), 0)


async def test_a_stream_takes_no_more_than_its_window_while_a_message_is_answered() -> None:
    peer = Peer(body_bytes=100, buffered_bytes=10 * WINDOW)
    peer.app.later = []
    number = peer.open(STREAM)
    part = framed(b"x" * 95) * (frames.FRAME_LIMIT // 100)
    for _ in range(WINDOW // len(part)):
        peer.send(frame(frames.DATA, 0, number, part))
    assert len(peer.app.requests) == 1
    assert peer.shared.buffered <= WINDOW + 1000
    updates = [at for kind, _, at, _ in peer.read().control if kind == frames.WINDOW_UPDATE]
    assert number not in updates, "the client is not told to go on"


async def test_many_messages_that_are_refused_at_once_are_answered_in_turns() -> None:
    peer = Peer()
    peer.app.answer = lambda request: refusal(RequestFault("wrong"), request.path)
    number = peer.call(*[b""] * 3000, path=STREAM)
    for _ in range(30):
        await settled()
        peer.read()
    answer = peer.read().answers[number]
    assert [streamed(each) for each in answer.messages] == [("", "wrong")] * 3000
    assert answer.status == (Code.OK, "")


async def test_a_stream_may_be_silent_between_messages() -> None:
    peer = Peer()
    number = peer.open(STREAM)
    peer.connection.close_if_overdue(peer.connection.since + 60)
    assert number not in peer.read().answers
    peer.send(frame(frames.DATA, 0, number, b"\0\0"))
    peer.connection.close_if_overdue(peer.connection.since + 31)
    assert peer.app.refused == ["the request did not arrive within 30 s"], "what has begun has to become whole"


async def test_a_stream_whose_client_never_stops_ends_with_the_server_behind_what_is_owed() -> None:
    peer = Peer()
    peer.app.later = []
    peer.app.answer = lambda _: Response(200)
    number = peer.open(STREAM)
    peer.send(frame(frames.DATA, 0, number, framed(b"\x0a\x011") + framed(b"\x0a\x012") + framed(b"\x0a\x013")[:4]))
    peer.connection.close_if_idle()
    peer.send(frame(frames.DATA, 0, number, framed(b"\x0a\x013")[4:] + framed(b"\x0a\x014")))
    for _ in range(6):
        peer.connection.close_if_idle()
        if peer.app.later:
            peer.app.later.pop()()
            peer.send(frame(frames.DATA, 0, number, framed(b"\x0a\x015")))
        await settled()
    answer = peer.read().answers[number]
    assert [request.body[-1:] for request in peer.app.requests] == [b"1", b"2", b"3"]
    assert (len(answer.messages), answer.status) == (3, (Code.UNAVAILABLE, "the server ends"))
    assert (peer.shared.buffered, peer.wire.ended) == (0, "half")


async def test_a_stream_whose_client_has_said_all_ends_well_although_the_server_ends() -> None:
    peer = Peer()
    peer.app.later = []
    peer.app.answer = lambda _: Response(200)
    number = peer.call(b"1", b"2", path=STREAM)
    peer.connection.close_if_idle()
    while peer.app.later:
        peer.app.later.pop()()
        await settled()
    answer = peer.read().answers[number]
    assert (len(answer.messages), answer.status) == (2, (Code.OK, ""))


CHECK = "/grpc.health.v1.Health/Check"


@pytest.mark.parametrize("service", ["", "inference.GRPCInferenceService"])
async def test_the_health_of_the_server_and_of_its_service_can_be_asked(service: str) -> None:
    peer = Peer()
    number = peer.call(message("HealthCheckRequest")(service=service).SerializeToString(), path=CHECK)
    assert peer.read().answers[number].messages == [b"\x08\x01"]


@pytest.mark.parametrize("service", ["inference", "churn", "grpc.health.v1.Health"])
async def test_the_health_of_a_service_that_there_is_not_is_not_found(service: str) -> None:
    """As the protocol says: https://github.com/grpc/grpc/blob/master/doc/health-checking.md."""
    peer = Peer()
    number = peer.call(message("HealthCheckRequest")(service=service).SerializeToString(), path=CHECK)
    code, said = peer.read().answers[number].status
    assert (code, "expected inference.GRPCInferenceService" in said) == (Code.NOT_FOUND, True)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (DeadlineExceeded("the client's deadline passed"), Code.DEADLINE_EXCEEDED),
        (TooLate("the server's deadline passed"), Code.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("given", ["0m", "5H"])
async def test_whose_deadline_has_passed_is_asked_of_the_fault_and_not_of_the_clock(
    given: str, fault: Fault, code: Code
) -> None:
    """UNAVAILABLE asks a client to try again, which it has no time for."""
    peer = Peer()
    peer.app.answer = lambda request: refusal(fault, request.path)
    assert (await peer.status(peer.call(b"", grpc_timeout=given)))[0] == code
