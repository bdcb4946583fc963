"""A metrics store of either kind, and queries that give what a test wants them to give."""

import os
import shutil
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest

from podium.adapters.metrics.prometheus import Prometheus
from podium.ports import MetricsStore
from podium.testing import FakeMetricsStore
from testbed import tools
from testbed.commands import SEARCH_PATH
from testbed.errors import MissingTools
from testbed.waiting import wait_until
from tests.contract.registry_worlds import free_port

STARTED = 60  # seconds until it must answer; it takes one on an idle machine
SETTINGS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: pods, static_configs: [{{targets: ["{target}"]}}]}}]
"""


class MetricsWorld(Protocol):
    """A metrics store, and one who knows how to ask it."""

    @property
    def store(self) -> MetricsStore: ...

    def query(self, *samples: float) -> str: ...  # a new query that gives these samples

    async def lose(self) -> None: ...  # nobody answers any more

    async def end(self) -> None: ...  # after the test


@dataclass
class FakeMetricsWorld:
    """The fake, which knows the queries only that it was told of."""

    store: FakeMetricsStore = field(default_factory=FakeMetricsStore)
    _numbers: Iterator[int] = field(default_factory=count)

    def query(self, *samples: float) -> str:
        made = f"query {next(self._numbers)}"
        self.store.put(made, *samples)
        return made

    async def lose(self) -> None:
        self.store.reachable = False

    async def end(self) -> None:
        """Nothing is open."""


@dataclass
class PrometheusWorld:
    """A real Prometheus. Its own language can say every sample."""

    store: Prometheus

    def query(self, *samples: float) -> str:
        vectors = [f'label_replace(vector({value}),"n","{number}","","")' for number, value in enumerate(samples)]
        return " or ".join(vectors) or "vector(1) > 2"

    async def lose(self) -> None:
        await self.end()
        self.store = Prometheus("http://127.0.0.1:1")

    async def end(self) -> None:
        await self.store.close()


def prometheus_installed() -> None:
    """Install Prometheus and its promtool. Skips the test where that cannot be done, but in CI raises MissingTools."""
    try:
        tools.ensure(tools.FOR_METRICS, root=False, go=False)
    except MissingTools as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


@contextmanager
def prometheus_server(folder: Path, exposed: Path) -> Iterator[str]:
    """A real Prometheus on loopback, which scrapes `metrics` in the folder `exposed`. Yields its address."""
    with serving_files(exposed) as target:
        (folder / "prometheus.yml").write_text(SETTINGS.format(target=target))
        address = f"127.0.0.1:{free_port()}"
        command = [
            str(shutil.which("prometheus", path=SEARCH_PATH)), f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}", "--log.level=warn",
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
        try:
            wait_until(f"Prometheus answers, see {folder / 'log'}", lambda: ready(address, server), STARTED)
            yield f"http://{address}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(STARTED)


def ready(address: str, server: "subprocess.Popen[bytes]") -> bool:
    assert server.poll() is None, "Prometheus has ended"
    try:
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = {"": "text/plain; version=0.0.4"}  # noqa: RUF012  as in the class that it replaces

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as there
        """Say nothing."""


@contextmanager
def serving_files(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, as a pod serves its metrics. Yields host and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, name="metrics")
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
