"""Both servers of one saved model, asked without sockets."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import mlflow
from mlflow.pyfunc import scoring_server

from podium.runtime.exchange import Request, Response
from podium.runtime.http.app import App
from podium.runtime.loading.load import load
from podium.runtime.settings import Settings

Answer = tuple[int, Any]  # the status, and the parsed body where that is 200
NAME = "model"


class Pair:
    """MLflow's server and ours, of the same model."""

    def __init__(self, folder: Path, runner: asyncio.Runner) -> None:
        self._runner = runner
        pyfunc = mlflow.pyfunc.load_model(str(folder))
        transport = httpx.ASGITransport(app=scoring_server.init(pyfunc), raise_app_exceptions=False)
        self._mlflow = httpx.AsyncClient(transport=transport, base_url="http://mlflow")
        settings = Settings.from_environment(
            {
                "PODIUM_MODEL_URI": str(folder),
                "PODIUM_EXTRA_COLUMNS": "ignore",  # as MLflow's server does
                **{name: value for name, value in os.environ.items() if name.startswith("PODIUM_")},
            }
        )
        self.identity = settings.references[0].identity
        self._app = App(settings, self.identity)
        self._loaded = load(settings)

    async def start(self) -> None:
        """Take the model into service."""
        self._app.serve(self._loaded)

    def mlflow(self, body: bytes, content_type: str) -> Answer:
        """Ask MLflow's server, which has one door."""
        answer = self._runner.run(
            self._mlflow.post("/invocations", content=body, headers={"content-type": content_type})
        )
        return answer.status_code, _parsed(answer.content) if answer.status_code == 200 else answer.text[:300]

    def podium(self, path: str, body: bytes, content_type: str) -> Answer:
        """Ask Podium's server by one door; the text of the error where the status is not 200."""
        answer = self._runner.run(self._asked(path, body, content_type.encode()))
        assert isinstance(answer.body, bytes)
        text = answer.body
        return int(answer.status), _parsed(text) if answer.status == 200 else text.decode()[:300]

    async def _asked(self, path: str, body: bytes, content_type: bytes) -> Response:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        headers = [(b"content-type", content_type)]
        self._app.handle(Request("POST", path, headers, body, b"1"), answer.set_result)
        return await answer

    async def close(self) -> None:
        """End MLflow's client."""
        await self._mlflow.aclose()


def _parsed(text: bytes) -> Any:
    return json.loads(text)


@contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    """Serve a saved model by both."""
    with asyncio.Runner() as runner:
        both = Pair(folder, runner)
        runner.run(both.start())
        yield both
        runner.run(both.close())
