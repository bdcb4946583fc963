"""The whole server of a saved model, but for its socket: loaded as a pod loads it, and asked by every door.

Beside it MLflow's own server of the same model, asked in the same way.
"""

import asyncio
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import mlflow
from mlflow.pyfunc import scoring_server

from podium.runtime.exchange import JSON, Request, Response
from podium.runtime.http.app import App
from podium.runtime.identity import Headers
from podium.runtime.loading.load import load
from podium.runtime.settings import Settings

Answer = tuple[int, Any]  # the status, and the parsed body


class Server:
    """An App with a model, on an event loop of its own."""

    def __init__(self, model: Path, runner: asyncio.Runner, **settings: str) -> None:
        environ = {"PODIUM_MODEL_URI": str(model), **{f"PODIUM_{name}": value for name, value in settings.items()}}
        read = Settings.from_environment(environ)
        self._runner = runner
        self._app = App(read, read.references[0].identity)
        self.name = read.references[0].identity.model
        loaded = load(read)

        async def serve() -> None:
            self._app.serve(loaded)

        runner.run(serve())

    def post(self, path: str, body: Any, content_type: bytes = JSON, *headers: tuple[bytes, bytes]) -> Answer:
        (answer,) = self.post_together([(path, body)], content_type, *headers)
        return answer

    def post_together(
        self, requests: list[tuple[str, Any]], content_type: bytes = JSON, *headers: tuple[bytes, bytes]
    ) -> list[Answer]:
        """Send requests in one turn of the event loop, so that what can be joined is."""
        sent = [(b"content-type", content_type), *headers]
        return self._runner.run(self._posted([(path, as_bytes(body)) for path, body in requests], sent))

    async def _posted(self, requests: list[tuple[str, bytes]], headers: Headers) -> list[Answer]:
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Response]] = [loop.create_future() for _ in requests]
        for (path, body), answer in zip(requests, answers, strict=True):
            self._app.handle(Request("POST", path, headers, body, b"1"), answer.set_result)
        return [await _read(await answer) for answer in answers]

    def call(self, body: bytes) -> bytes:
        """Ask by a ModelInfer of gRPC, and return the message that answers it."""
        return self._runner.run(self._called(body))

    async def _called(self, body: bytes) -> bytes:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._app.call(Request("POST", f"/v2/models/{self.name}/infer", [], body, b"1"), answer.set_result)
        found = await answer
        assert found.status == HTTPStatus.OK, found.body
        assert isinstance(found.body, bytes)
        return found.body

    def get(self, path: str) -> Answer:
        answers: list[Response] = []
        self._app.handle(Request("GET", path, [], b"", b"1"), answers.append)
        return self._runner.run(_read(answers[0]))

    def count(self, metric: str) -> float:
        """One sample of /metrics, as `podium_requests_total{outcome="ok"}`: the other labels are not looked at."""
        name, _, label = metric.removesuffix("}").partition("{")
        lines = [line for line in str(self.get("/metrics")[1]).splitlines() if line.startswith(f"{name}{{")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if label in line)


class MlflowServer:
    """MLflow's FastAPI application, asked without a socket."""

    def __init__(self, path: Path) -> None:
        transport = httpx.ASGITransport(app=scoring_server.init(mlflow.pyfunc.load_model(str(path))))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://mlflow")
        self._runner = asyncio.Runner()

    def post(self, body: bytes, content_type: str) -> httpx.Response:
        asked = self._client.post("/invocations", content=body, headers={"content-type": content_type})
        return self._runner.run(asked)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


async def _read(response: Response) -> Answer:
    body = response.body if isinstance(response.body, bytes) else b"".join([part async for part in response.body])
    if response.content_type == b"application/octet-stream":
        return int(response.status), body
    return int(response.status), json.loads(body) if response.content_type == JSON and body.strip() else body.decode()


def as_bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def same(expected: Any, found: Any) -> bool:
    """Equal in value; NaN, which is no JSON, is null with us.

    The last bits of a sum depend on the CPU's kernels and on how the array lies in memory, which differs between us.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(same(expected[key], found[key]) for key in expected)
    if isinstance(expected, (list, tuple)) and isinstance(found, (list, tuple)):
        return len(expected) == len(found) and all(map(same, expected, found))
    if isinstance(expected, float) and not math.isfinite(expected):
        return found is None
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(expected, found, rel_tol=1e-12, abs_tol=1e-12)
    return bool(expected == found)


@contextmanager
def served(model: Path, **settings: str) -> Iterator[Server]:
    with asyncio.Runner() as runner:
        yield Server(model, runner, **settings)
