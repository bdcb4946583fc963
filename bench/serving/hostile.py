"""Hostile bodies and connections by every door: no 5xx that is not the model's, `/healthz` in time, memory flat.

    python -m bench.serving.hostile [--bodies 100000] [--connections 2000] [--files 1024]

It serves three models that never fail, side by side, each as a process with few descriptors, and asks `/healthz` on new
connections meanwhile. The last line is JSON.
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
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd

from bench.serving.hostile_bodies import Hostile, requests
from bench.serving.hostile_calls import Call, Caller, calls
from bench.serving.hostile_connections import KINDS, visit
from bench.serving.hostile_models import Subject, subjects
from bench.serving.servers import Server, free_port, process

MODEL = "model"  # what a local folder of this name is called
PROBE_SECONDS = 0.1  # between two probes
CALLS = 8  # of so many requests, one is a call of gRPC
MOST_PROBE_SECONDS = 1.0
MOST_GROWN_MIB = 64.0
ROOT = Path(__file__).parents[2]
HELD = 300  # connections that stay open at the same time


@dataclass(frozen=True)
class Running:
    """A server of one model, and the rows that fit it."""

    model: str
    server: Server
    grpc: str  # the address of its gRPC port
    rows: pd.DataFrame


@dataclass
class Findings:
    """What is told at the end, as the JSON of the last line."""

    statuses: Counter[str] = field(default_factory=Counter)  # of HTTP and of gRPC
    faults: list[str] = field(default_factory=list)  # answers that no client should get
    slowest_s: float = 0.0
    memory_mib: dict[str, list[float]] = field(default_factory=dict)  # by model
    probes: int = 0
    failed_probes: int = 0
    slowest_probe_s: float = 0.0

    def fault(self, what: str) -> None:
        """Note an answer that no client should get, and say it at once."""
        self.faults.append(what)
        sys.stderr.write(f"fault: {what}\n")

    @classmethod
    def of(cls, parts: Iterable["Findings"]) -> "Findings":
        """Return those of all servers together."""
        whole = cls()
        for part in parts:
            whole.statuses += part.statuses
            whole.faults += part.faults
            whole.memory_mib |= part.memory_mib
            whole.probes += part.probes
            whole.failed_probes += part.failed_probes
            whole.slowest_s = max(whole.slowest_s, part.slowest_s)
            whole.slowest_probe_s = max(whole.slowest_probe_s, part.slowest_probe_s)
        return whole

    def grown_mib(self) -> float:
        """Return by how much a server took more at its end than at the most in the first half of the requests."""
        return max(found[-1] - max(found[: len(found) // 2]) for found in self.memory_mib.values())

    def borne(self) -> bool:
        """Return whether the servers bore it."""
        return not (
            self.faults
            or self.failed_probes
            or self.slowest_probe_s > MOST_PROBE_SECONDS
            or self.grown_mib() > MOST_GROWN_MIB
        )

    def told(self, bodies: int, connections: int) -> dict[str, object]:
        """Return the last line's object."""
        return {
            "bodies": bodies,
            "connections": connections,
            "statuses": dict(sorted(self.statuses.items())),
            "faults": len(self.faults),
            "kinds_of_faults": dict(Counter(self.faults).most_common(10)),
            "slowest_s": round(self.slowest_s, 3),
            "healthz": {
                "probes": self.probes,
                "failures": self.failed_probes,
                "slowest_s": round(self.slowest_probe_s, 3),
            },
            "grown_mib": round(self.grown_mib(), 1),
            "memory_mib": self.memory_mib,
        }


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
        return answer.status, "" if answer.status < 500 else f"{text[:200]!r}"


def send_requests(running: Running, count: int, findings: Findings) -> None:
    """Send so many bodies and calls, one after another."""
    client, caller = Client(address_of(running.server)), Caller(running.grpc)
    bodies, messages = requests(running.rows, MODEL, 0), calls(running.rows, MODEL, 0)
    for number in range(count):
        started = time.monotonic()
        if number % CALLS == 0:
            ask_by_grpc(caller, next(messages), findings)
        else:
            ask_by_http(client, next(bodies), findings)
        findings.slowest_s = max(findings.slowest_s, time.monotonic() - started)
        if number % max(count // 10, 1) == 0:
            remember(running, findings, f"{number} bodies")
    caller.close()


def ask_by_http(client: Client, sent: Hostile, findings: Findings) -> None:
    """Send a body, and note what came of it."""
    status, wrong = client.ask(sent)
    findings.statuses[str(status)] += 1
    if wrong:
        findings.fault(f"{sent.method} {sent.path} {status}: {wrong}")


def ask_by_grpc(caller: Caller, sent: Call, findings: Findings) -> None:
    """Send a call, and note what came of it."""
    code, wrong = caller.ask(sent)
    findings.statuses[code.name] += 1
    if wrong:
        findings.fault(f"gRPC {sent.method}: {wrong}")


def open_connections(running: Running, count: int, findings: Findings) -> None:
    """Open so many connections, of which the last ones that stay are held."""
    chance = random.Random(0)
    held: deque[socket.socket] = deque()
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        wrong, stays = visit(address_of(running.server), kind, chance)
        if wrong is not None:
            findings.fault(f"{kind.name}: {wrong}")
        if stays is not None:
            held.append(stays)
        while len(held) > HELD:
            held.popleft().close()
        if number % max(count // 5, 1) == 0:
            remember(running, findings, f"{number} connections")
    for sock in held:
        sock.close()


def remember(running: Running, findings: Findings, after: str) -> None:
    """Note what the server takes of the memory now."""
    found = findings.memory_mib.setdefault(running.model, [])
    found.append(round(running.server.memory_mib(), 1))
    sys.stderr.write(f"{running.model}, {after}: {found[-1]} MiB, {len(findings.faults)} faults\n")


def address_of(server: Server) -> tuple[str, int]:
    """Return the host and port of a server."""
    parts = urlsplit(server.url)
    return str(parts.hostname), int(parts.port or 0)


@contextmanager
def serving(model: str, subject: Subject, folder: Path, files: int) -> Iterator[Running]:
    """Serve a model that never fails, in a process that may open so many files."""
    subject.save(folder / MODEL)
    port, grpc_port = free_port(), free_port()
    environ = {
        "PODIUM_MODEL_URI": str(folder / MODEL),
        "PODIUM_HOST": "127.0.0.1",
        "PODIUM_PORT": str(port),
        "PODIUM_GRPC_PORT": str(grpc_port),
        "PODIUM_DRAIN_SECONDS": "0",
        "PODIUM_SEND_SECONDS": "5",
        "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}",
    }
    command = ["/bin/sh", "-c", f'ulimit -n {files}; exec "$0" -m podium.runtime', sys.executable]
    with process("podium", command, f"http://127.0.0.1:{port}/readyz", environ, folder) as server:
        yield Running(model, server, f"127.0.0.1:{grpc_port}", subject.rows)


@dataclass(frozen=True)
class Share:
    """What each server is asked."""

    bodies: int
    connections: int
    files: int  # that it may open


def attacked(share: Share, named: tuple[str, Subject]) -> Findings:
    """Serve one model, send all of its share, and return what was found."""
    model, subject = named
    findings = Findings()
    with tempfile.TemporaryDirectory() as folder, serving(model, subject, Path(folder), share.files) as running:
        attack(running, share, findings)
    return findings


def attack(running: Running, share: Share, findings: Findings) -> None:
    """Send all of it to one server, and ask `/healthz` meanwhile."""
    prober = Prober(address_of(running.server))
    prober.start()
    send_requests(running, share.bodies, findings)
    open_connections(running, share.connections, findings)
    remember(running, findings, "the end")
    prober.ends.set()
    prober.join()
    findings.probes += prober.probes
    findings.failed_probes += prober.failures
    findings.slowest_probe_s = max(findings.slowest_probe_s, prober.slowest_s)


def main() -> None:
    """Send all of it, and print how the server bore it. Ends with 1 where it did not."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bodies", type=int, default=100_000)
    options.add_argument("--connections", type=int, default=2_000)
    options.add_argument("--files", type=int, default=300, help="descriptors of the server's process")
    chosen = options.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    found = subjects()
    share = Share(chosen.bodies // len(found), chosen.connections // len(found), chosen.files)
    with ThreadPoolExecutor(len(found)) as side_by_side:  # most of the work is the servers', and one waits for another
        findings = Findings.of(side_by_side.map(partial(attacked, share), found.items()))
    print(json.dumps(findings.told(chosen.bodies, chosen.connections)))
    sys.exit(not findings.borne())


if __name__ == "__main__":
    main()
