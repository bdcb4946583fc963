"""A server that is no MLflow, that breaks off, or that never ends: each is an error of Podium, and nothing is kept."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from podium.errors import Rejected, Unavailable
from podium.registry import Registry
from podium.registry.versions import Version

WEIGHTS = b"weights " * 1000
LOCATION, PROXY = "1/m/artifacts", "/api/2.0/mlflow-artifacts/artifacts"
VERSION = {"name": "churn", "version": "1"}
Body = bytes | Callable[[BaseHTTPRequestHandler], None]
OF_A_MODEL: Mapping[str, Any] = {
    "registered-models/get": {"registered_model": {"name": "churn", "aliases": []}},
    "model-versions/get": {"model_version": VERSION},
    "model-versions/search": {"model_versions": [VERSION]},
    "model-versions/get-download-uri": {"artifact_uri": f"mlflow-artifacts:/{LOCATION}"},
}


@contextmanager
def serving(answer: Callable[[str], Body]) -> Iterator[Registry]:
    """The registry at a server that answers each path so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answer(self.path)
            with suppress(OSError):
                self.send_response(200)
                if callable(body):
                    body(self)
                else:
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Registry(f"http://127.0.0.1:{server.server_port}", login={}, timeout=0.2)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def of_one_file(file: Body, size: int | None = len(WEIGHTS)) -> Callable[[str], Body]:
    """A server with one version that has one file."""

    def answer(path: str) -> Body:
        if path.startswith(f"{PROXY}/"):
            return file
        if path.startswith(PROXY):
            return json.dumps({"files": [{"path": "model.bin", "is_dir": False, "file_size": size}]}).encode()
        return json.dumps(OF_A_MODEL[path.partition("?")[0].removeprefix("/api/2.0/mlflow/")]).encode()

    return answer


def broken_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_header("Content-Length", str(len(WEIGHTS)))
    handler.end_headers()
    handler.wfile.write(WEIGHTS[:100])


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Without a length, the end of the connection is the end."""
    handler.end_headers()
    handler.wfile.write(WEIGHTS[:100])


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * 2**16)


def drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
    handler.end_headers()
    stop = threading.Event()
    while not stop.wait(0.05):
        handler.wfile.write(b" ")


def version(registry: Registry) -> Version:
    return registry.version("churn", "1")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"7",
        b"[" * 100_000,
        b"{}",
        b'{"registered_model": 7, "model_versions": [7], "registered_models": [7]}',
        b'{"registered_model": {"name": "churn", "aliases": [{}]}, "model_versions": [{}], "registered_models": "x"}',
        b'{"registered_model": {"name": "churn"}, "model_version": {"version": "x"}, "model_versions": {"a": 1}}',
    ],
)
def test_an_answer_of_another_form_is_told_as_that_of_another_server(body: bytes) -> None:
    with serving(lambda _: body) as registry:
        for ask in (lambda: registry.versions("churn"), lambda: registry.version("churn", "1")):
            with pytest.raises(Rejected, match="as another server than MLflow would; do: check MLFLOW_TRACKING_URI"):
                ask()


@pytest.mark.parametrize("body", [drop_by_drop, broken_off])
def test_an_answer_that_never_ends_or_breaks_off_is_unavailable(body: Body) -> None:
    with serving(lambda _: body) as registry, pytest.raises(Unavailable, match=r"does not end|broke off"):
        registry.models()


def test_a_page_that_is_named_as_the_one_after_itself_is_not_asked_for_for_ever() -> None:
    page = b'{"next_page_token": "a"}'
    with serving(lambda _: page) as registry, pytest.raises(Rejected, match="names the same page again"):
        registry.models()


@pytest.mark.parametrize(
    ("file", "found"),
    [(broken_off, "broke off 7900 bytes before the end"), (cut, "found 100"), (endless, "found more")],
)
def test_a_file_that_is_not_whole_is_not_kept(file: Body, found: str, tmp_path: Path) -> None:
    """http.client takes an answer that breaks off for one that has ended."""
    with serving(of_one_file(file)) as registry:
        with pytest.raises(Unavailable, match=found):
            registry.download(version(registry), tmp_path / "model")
        with pytest.raises(Unavailable, match=found):
            registry.details("churn", "1", digest=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [len(WEIGHTS), None])
def test_a_file_that_is_whole_is_kept(size: int | None, tmp_path: Path) -> None:
    with serving(of_one_file(WEIGHTS, size)) as registry:
        registry.download(version(registry), tmp_path / "model")
    assert (tmp_path / "model/model.bin").read_bytes() == WEIGHTS


def test_a_link_to_an_empty_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    with serving(of_one_file(WEIGHTS)) as registry:
        registry.download(version(registry), tmp_path / "link")
    assert (tmp_path / "there/model.bin").exists()
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("there", ["file", "dangling", "loop", "file/below", "n" * 300, "full", "/proc/podium-model"])
def test_a_place_that_cannot_be_a_folder_is_left_and_told(there: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "full/empty").mkdir(parents=True)
    before = sorted(tmp_path.iterdir())
    with serving(of_one_file(WEIGHTS)) as registry, pytest.raises(Rejected, match="do: name another"):
        registry.download(version(registry), tmp_path / there)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_is_not_told_as_the_servers_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode == "wb":
            raise OSError(28, os.strerror(28), str(path))
        return opened(path, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", full)
    with serving(of_one_file(WEIGHTS)) as registry, pytest.raises(Rejected, match=r"could not write .*No space left"):
        registry.download(version(registry), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
