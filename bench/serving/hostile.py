"""Hostile bodies and connections by every door: no 5xx that is not the model's, `/healthz` in time, memory flat.

    python -m bench.serving.hostile [--bodies 100000] [--connections 2000] [--files 1024]

It trains a model, serves it as a process with few descriptors, and asks `/healthz` on new connections meanwhile.
"""

import argparse
import http.client
import json
import random
import resource
import socket
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from bench.serving.hostile_bodies import Hostile, requests
from bench.serving.hostile_connections import KINDS, visit
from bench.serving.servers import Server, free_port, process

MODEL = "model"  # what a local folder of this name is called
PROBE_SECONDS = 0.1  # between two probes
HELD = 300  # connections that stay open at the same time


@dataclass
class Findings:
    """What is told at the end, as the JSON of the last line."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)  # answers that no client should get
    slowest_s: float = 0.0
    memory_mib: list[float] = field(default_factory=list)


class Prober(threading.Thread):
    """Asks `/healthz` on a new connection again and again."""

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(daemon=True)
        self._address = address
        self.ends = threading.Event()
        self.slowest_s, self.failures, self.probes = 0.0, 0, 0

    def run(self) -> None:
        while not self.ends.wait(PROBE_SECONDS):
            started = time.monotonic()
            connection = http.client.HTTPConnection(*self._address, timeout=10)
            try:
                connection.request("GET", "/healthz")
                self.failures += connection.getresponse().status != 200
            except (OSError, http.client.HTTPException):
                self.failures += 1
            finally:
                connection.close()
            self.probes += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)


class Client:
    """One keep-alive connection at a time; a new one when the server has closed it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=30)

    def ask(self, sent: Hostile) -> tuple[int, str]:
        """Send a request. Returns the status, and what is wrong with the answer (empty: nothing)."""
        try:
            self._connection.request(sent.method, sent.path, sent.body, sent.headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return 0, type(error).__name__
        if answer.getheader("x-podium-version") is None:
            return answer.status, "no identity"
        if b"Traceback" in text or b"internal error" in text:
            return answer.status, "a fault of the server itself"
        return answer.status, "" if answer.status < 500 or b"ModelFault" in text else f"{text[:200]!r}"


def send_bodies(server: Server, frame: pd.DataFrame, count: int, findings: Findings) -> None:
    """Send so many requests, one after another."""
    client = Client(address_of(server))
    source = requests(frame, MODEL, 0)
    for number in range(count):
        sent = next(source)
        started = time.monotonic()
        status, wrong = client.ask(sent)
        findings.slowest_s = max(findings.slowest_s, time.monotonic() - started)
        findings.statuses[status] += 1
        if wrong:
            findings.faults.append(f"{sent.method} {sent.path} {status}: {wrong}")
        if number % max(count // 10, 1) == 0:
            remember(server, findings, f"{number} bodies")


def open_connections(server: Server, count: int, findings: Findings) -> None:
    """Open so many connections, of which the last ones that stay are held."""
    chance = random.Random(0)
    held: deque[socket.socket] = deque()
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        wrong, stays = visit(address_of(server), kind, chance)
        if wrong is not None:
            findings.faults.append(f"{kind.name}: {wrong}")
        if stays is not None:
            held.append(stays)
        while len(held) > HELD:
            held.popleft().close()
        if number % max(count // 5, 1) == 0:
            remember(server, findings, f"{number} connections")
    for sock in held:
        sock.close()


def remember(server: Server, findings: Findings, after: str) -> None:
    """Note what the server takes of the memory now."""
    findings.memory_mib.append(round(server.memory_mib(), 1))
    sys.stderr.write(f"{after}: {findings.memory_mib[-1]} MiB, {len(findings.faults)} faults\n")


def address_of(server: Server) -> tuple[str, int]:
    """Return the host and port of a server."""
    parts = urlsplit(server.url)
    return str(parts.hostname), int(parts.port or 0)


@contextmanager
def serving(folder: Path, files: int) -> Iterator[tuple[Server, pd.DataFrame]]:
    """Serve a model that never fails, in a process that may open so many files."""
    data, target = load_iris(return_X_y=True, as_frame=True)
    estimator = LogisticRegression(max_iter=1000).fit(data, target)
    mlflow.sklearn.save_model(
        estimator,
        folder / MODEL,
        signature=infer_signature(data, estimator.predict(data)),
        serialization_format="cloudpickle",
    )
    port = free_port()
    environ = {
        "PODIUM_MODEL_URI": str(folder / MODEL),
        "PODIUM_HOST": "127.0.0.1",
        "PODIUM_PORT": str(port),
        "PODIUM_DRAIN_SECONDS": "0",
        "PODIUM_SEND_SECONDS": "5",
        "PYTHONPATH": str(Path(__file__).parents[2] / "operator"),
    }
    command = ["/bin/sh", "-c", f'ulimit -n {files}; exec "$0" -m podium.runtime', sys.executable]
    with process("podium", command, f"http://127.0.0.1:{port}/readyz", environ, folder) as server:
        yield server, data.head(3)


def main() -> None:
    """Send all of it, and print how the server bore it. Ends with 1 where it did not."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bodies", type=int, default=100_000)
    options.add_argument("--connections", type=int, default=2_000)
    options.add_argument("--files", type=int, default=300, help="descriptors of the server's process")
    chosen = options.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    findings = Findings()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), chosen.files) as (server, frame):
        prober = Prober(address_of(server))
        prober.start()
        send_bodies(server, frame, chosen.bodies, findings)
        open_connections(server, chosen.connections, findings)
        remember(server, findings, "the end")
        prober.ends.set()
        prober.join()
    print(json.dumps(told(findings, prober, chosen.bodies, chosen.connections)))
    sys.exit(bool(findings.faults or prober.failures or prober.slowest_s > 1))


def told(findings: Findings, prober: Prober, bodies: int, connections: int) -> dict[str, object]:
    """Return the last line's object."""
    return {
        "bodies": bodies,
        "connections": connections,
        "statuses": {str(status): number for status, number in sorted(findings.statuses.items())},
        "faults": len(findings.faults),
        "kinds_of_faults": dict(Counter(findings.faults).most_common(10)),
        "slowest_s": round(findings.slowest_s, 3),
        "healthz": {
            "probes": prober.probes,
            "failures": prober.failures,
            "slowest_s": round(prober.slowest_s, 3),
        },
        "memory_mib": findings.memory_mib,
    }


if __name__ == "__main__":
    main()
