"""A server that means no good, or is no MLflow server at all."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mlflow.entities import Metric

from podium.adapters.registries.mlflow import MlflowRegistry, bounded
from podium.adapters.registries.mlflow.artifacts import safe_path
from podium.adapters.registries.mlflow.faults import Target
from podium.adapters.registries.mlflow.versions import bounded_metrics, bounded_tags, last_values
from podium.api.v1alpha1 import reasons
from podium.errors import PodiumError, Rejected, Temporary, Unavailable
from podium.ports import RegistryLogin, RegistryQuery

OF_A_TENANT, OF_A_PLACE = 16, 8  # threads
Answer = Callable[[str], tuple[int, dict[str, str], bytes]]
TOKEN = {"MLFLOW_TRACKING_TOKEN": "of-alice"}
VERSION = {
    "name": "churn",
    "version": "7",
    "status": "READY",
    "source": "models:/m-1",
    "creation_timestamp": 1,
    "run_id": "../../etc",
}
PATHS = {
    "/api/2.0/mlflow/registered-models/get": {"registered_model": {"name": "churn"}},
    "/api/2.0/mlflow/model-versions/get": {"model_version": VERSION},
    "/api/2.0/mlflow/logged-models/m-1": {"model": {"info": {"model_id": "m-1"}}},
}


class Served(ThreadingHTTPServer):
    """A server on loopback that remembers who asked for what."""

    def __init__(self, answer: Answer) -> None:
        self.seen: list[tuple[str, str | None]] = []
        super().__init__(("127.0.0.1", 0), _handler(self, answer))
        self.uri = f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def served(answer: Answer) -> Iterator[Served]:
    with Served(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "body", [b"", b"<html>login here</html>", b"[]", b'{"registered_model": 7}', b"\xff\xfe", b"{}"]
)
async def test_an_answer_that_is_not_mlflows_is_an_error_of_podium(body: bytes) -> None:
    with served(lambda path: (200, {}, body)) as server:
        error = await _error(server.uri)
    assert error.reason in {reasons.REGISTRY_ERROR, reasons.VERSION_NOT_READY}


@pytest.mark.parametrize("manner", ["endless", "a byte at a time"])
@pytest.mark.parametrize("status", [200, 503])
async def test_an_answer_without_an_end_is_given_up(status: int, manner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would fill the memory of the operator, or keep its thread for ever; urllib3 reads an error before a retry."""
    monkeypatch.setattr(bounded, "MOST_BYTES", 2**20)
    monkeypatch.setattr(bounded, "MOST_SECONDS", 0.3)
    written, gone = [0], threading.Event()

    def answer(peer: socket.socket) -> None:
        with suppress(OSError):
            peer.recv(2**16)
            peer.sendall(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n\r\n".encode())
            while not gone.wait(0.0 if manner == "endless" else 0.05):
                written[0] += peer.send(b" " * (2**16 if manner == "endless" else 1))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        uri = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = threading.Thread(target=accepting, args=(listening, answer), daemon=True)
        serving.start()
        error = await _error(uri)
        gone.set()
    assert (type(error), error.reason) == (Unavailable, reasons.REGISTRY_UNREACHABLE)
    assert ("its answer has" if status == 200 else "too many 503 error responses") in str(error)
    assert written[0] < 2**25


@pytest.mark.parametrize("status", [302, 403])
async def test_an_error_in_the_place_of_a_file_is_given_up_too(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is streamed; what comes in its stead would be read to its end."""
    monkeypatch.setattr(bounded, "MOST_BYTES", 2**20)
    files = {"files": [{"path": "model.pkl", "is_dir": False, "file_size": 1}]}
    endless = b" " * 2**23

    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        if path.endswith("/model.pkl"):
            return status, {"Location": "/elsewhere"}, endless
        return _registry("mlflow-artifacts:/1", json.dumps(files).encode())(path)

    with served(answer) as server:
        error = await _error(server.uri)
        assert any(path.endswith("/model.pkl") for path, _ in server.seen)
    assert isinstance(error, Temporary)
    assert "its answer has more than" in str(error)


def accepting(listening: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    with suppress(OSError):
        while True:
            peer, _ = listening.accept()
            with peer:
                answer(peer)


async def test_a_server_cannot_put_our_threads_to_sleep() -> None:
    with served(lambda path: (503, {"Retry-After": "3600"}, b"busy")) as server:
        assert isinstance(await _error(server.uri), Unavailable)


async def test_a_server_that_says_nothing_is_given_up_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = await _error(f"http://127.0.0.1:{silent.getsockname()[1]}", deadline=0.2)
    assert (type(error), error.reason) == (Unavailable, reasons.REGISTRY_UNREACHABLE)
    assert "0.2 s" in str(error)


async def test_a_redirect_takes_no_login_along() -> None:
    with served(lambda path: (404, {}, b"")) as other:
        with served(lambda path: (302, {"Location": f"{other.uri}{path}"}, b"")) as server:
            await _error(server.uri)
            assert server.seen[0][1] == "Bearer of-alice"
        assert [login for _, login in other.seen] == [None] * len(other.seen) != []


async def test_artifacts_on_another_host_are_asked_for_without_the_login() -> None:
    with served(lambda path: (404, {}, b"")) as other:
        with served(_registry(f"mlflow-artifacts://127.0.0.1:{other.server_address[1]}/1")) as server:
            await _error(server.uri)
        assert [login for _, login in other.seen] == [None] * len(other.seen) != []


@pytest.mark.parametrize("place", ["/etc", "file:///etc", "models:/other/1", "runs:/"])
async def test_artifacts_on_a_disk_are_not_looked_for_on_ours(place: str) -> None:
    with served(_registry(place)) as server:
        error = await _error(server.uri)
    assert isinstance(error, Rejected)
    assert "--serve-artifacts" in str(error)


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", "a//b", "./a", "a\nb", "a\\b", ""])
def test_a_path_out_of_the_models_folder_is_refused(path: str) -> None:
    with pytest.raises(Rejected):
        safe_path(path, Target(RegistryLogin("http://x", {}), "the artifacts", "spec.model.version"))


async def test_a_listing_that_leads_out_of_the_folder_downloads_nothing() -> None:
    files = json.dumps({"files": [{"path": "..%2f..%2fetc/passwd", "is_dir": False, "file_size": 1}]}).encode()
    with served(_registry("mlflow-artifacts:/1", files)) as server:
        error = await _error(server.uri)
        assert isinstance(error, Rejected | Temporary)
        assert not any("passwd" in path for path, _ in server.seen)


def test_what_is_read_of_tags_and_metrics_is_bounded() -> None:
    tags = bounded_tags({"k" * 1000: "v", "long": "v" * 10**6} | {f"k{i}": "v" for i in range(5000)})
    assert (len(tags), len(tags["long"])) == (1000, 5000)
    assert bounded_metrics({"m" * 1000: 1.0, "auc": 0.5}) == {"auc": 0.5}


def test_the_last_value_of_a_metric_is_that_of_the_last_step() -> None:
    assert last_values([_metric(2, 1, 0.9), _metric(1, 9, 0.1), _metric(2, 0, 0.2)]) == {"auc": 0.9}


def _metric(step: int, timestamp: int, value: float) -> Any:
    return Metric("auc", value, timestamp, step)


def _registry(place: str, listing: bytes = b"{}") -> Answer:
    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/api/2.0/mlflow/model-versions/get-download-uri"):
            return 200, {}, json.dumps({"artifact_uri": place}).encode()
        known = PATHS.get(path.partition("?")[0])
        return (200, {}, json.dumps(known).encode()) if known else (200, {}, listing)

    return answer


def _handler(server: Served, answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.seen.append((self.path, self.headers.get("Authorization")))
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """The tests' output is not its place."""

    return Handler


@pytest.mark.parametrize("count", [4, 40])
async def test_silent_registries_keep_no_other_one_waiting(count: int) -> None:
    """Four of them took all threads, each for as long as a request may take. A tenant may name forty, and more."""
    # Accepted by the kernel, and never answered.
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    registry = MlflowRegistry(deadline=5)
    try:
        silent = [
            asyncio.create_task(_asked(registry, f"http://127.0.0.1:{each.getsockname()[1]}", "theirs"))
            for each in listening
            for _ in range(6)
        ]
        await asyncio.sleep(0)
        with served(lambda _: (200, {}, b"[]")) as well:
            assert (await _asked(registry, well.uri, "ours")).reason != reasons.REGISTRY_UNREACHABLE
        assert not any(task.done() for task in silent)
        found = {error.reason for error in await asyncio.gather(*silent)}
        assert found == {reasons.REGISTRY_UNREACHABLE} | ({reasons.REGISTRY_QUEUED} if count > OF_A_TENANT else set())
    finally:
        await registry.close()
        for each in listening:
            each.close()


async def _asked(registry: MlflowRegistry, uri: str, tenant: str = "ours") -> PodiumError:
    login = RegistryLogin(uri, TOKEN, tenant=tenant)
    with pytest.raises(PodiumError) as caught:
        await registry.query(RegistryQuery(login, "churn", "7", None, None, "champion"))
    return caught.value


async def _error(uri: str, deadline: float = 8.0) -> PodiumError:
    registry = MlflowRegistry(deadline=deadline)
    try:
        return await _asked(registry, uri)
    finally:
        await registry.close()


async def test_a_start_with_many_namespaces_is_no_herd_at_the_registry() -> None:
    """As many questions as the registry has seats are under way, from whichever namespaces they come."""
    now, most, lock = 0, 0, threading.Lock()

    def answer(_: str) -> tuple[int, dict[str, str], bytes]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return 200, {}, b"[]"

    registry = MlflowRegistry()
    with served(answer) as well:
        try:
            asked = (_asked(registry, well.uri, f"team-{number % 40}") for number in range(120))
            assert {error.reason for error in await asyncio.gather(*asked)} == {reasons.REGISTRY_ERROR}
        finally:
            await registry.close()
    assert 1 < most <= OF_A_PLACE
