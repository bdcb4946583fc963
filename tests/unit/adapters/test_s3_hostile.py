"""A store of S3's kind that a tenant named, and that means no good: nothing that it answers fills the operator."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from podium.adapters.registries.mlflow import bounded, s3
from podium.adapters.registries.mlflow.logins import AWS_KEY, AWS_SECRET, S3_ENDPOINT
from podium.adapters.registries.mlflow.s3 import S3Files
from podium.api.v1alpha1 import reasons
from podium.errors import Rejected, Unavailable
from podium.ports import RegistryLogin

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def store(answer: Answer) -> Iterator[S3Files]:
    """The files of a store that answers everything so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):
                answer(self)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    variables = {AWS_KEY: "a", AWS_SECRET: "b", S3_ENDPOINT: f"http://127.0.0.1:{server.server_port}"}
    try:
        yield S3Files(RegistryLogin("http://mlflow", variables, foreign=True), "s3://models/7")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def whole(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def listing(*keys: str, then: str = "") -> bytes:
    entries = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in keys)
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{then}</NextContinuationToken>" if then else ""
    return f"<ListBucketResult><Name>models</Name>{more}{entries}</ListBucketResult>".encode()


@pytest.mark.parametrize(
    ("status", "asked"), [(200, "a listing"), (403, "a listing"), (500, "a listing"), (403, "a file"), (500, "a file")]
)
def test_an_answer_of_a_store_without_an_end_is_given_up(
    status: int, asked: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file itself is streamed, and has a budget (`streamed`)."""
    monkeypatch.setattr(bounded, "MOST_BYTES", 2**20)
    written = [0]

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(b"<ListBucketResult>")
        while written[0] < 2**27:
            written[0] += handler.wfile.write(b"<Contents><Key>7/a</Key><Size>1</Size></Contents>" * 1000)

    with store(endless) as files, pytest.raises(Unavailable, match="its answer has more than") as caught:
        files.list_artifacts(None) if asked == "a listing" else files._download_file("a", str(tmp_path / "a"))
    assert caught.value.reason == reasons.REGISTRY_UNREACHABLE
    assert written[0] < 2**25


@pytest.mark.parametrize("keys", [(), ("7/a", "7/b")])
def test_a_listing_of_ever_more_pages_has_an_end(keys: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "MOST_LISTED", 20)
    pages = iter(range(10**6))
    with (
        store(lambda handler: whole(handler, listing(*keys, then=str(next(pages))))) as files,
        pytest.raises(Rejected, match="lists more than 20 files and folders") as caught,
    ):
        files.list_artifacts(None)
    assert caught.value.reason == reasons.REGISTRY_ERROR
    assert next(pages) < 25


def test_a_listing_of_several_pages_is_read(tmp_path: Path) -> None:
    pages = iter([listing("7/a", then="1"), listing(then="2"), listing("7/b")])
    with store(lambda handler: whole(handler, next(pages))) as files:
        assert [each.path for each in files.list_artifacts(None)] == ["a", "b"]


def test_what_is_no_store_is_not_taken_for_one_without_files() -> None:
    with (
        store(lambda handler: whole(handler, b"<html>welcome</html>")) as files,
        pytest.raises(Rejected, match="no store of S3's kind: its listing names no bucket"),
    ):
        files.list_artifacts(None)


def test_a_file_that_breaks_off_is_tried_again(tmp_path: Path) -> None:
    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x")

    with store(broken) as files, pytest.raises(Unavailable):
        files._download_file("a", str(tmp_path / "a"))
