"""Random, truncated and hostile bodies: never a 5xx that is not the model's, never a hang, memory flat.

Run it against a server:  python -m bench.serving.hostile http://127.0.0.1:8080 body.json --pid <server> [--count 10000]
`body.json` is a good body of /invocations; it is mutated, truncated and drowned in nonsense.
"""

import argparse
import json
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

NASTY: tuple[object, ...] = (
    None, True, -1, 0, 2**53 + 1, 2**64, 2**70, 1e308, -1e308, 5e-324, "", "x", "1.5", "NaN", "\u0000", "é" * 100,
    [], {}, [[]], [None], {"a": {}}, "2026-11-21", "A" * 10_000,
)  # fmt: skip
TOKENS = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"01", b"\xff\xfe", b"\\ud800", b"[" * 2000, b'{"a":' * 2000)
TYPES = (
    "application/json",
    "text/csv",
    "application/json; charset=utf-8",
    "text/html",
    "application/json;charset=x",
    "",
)


def bodies(good: dict[str, object], seed: int) -> "Callable[[], tuple[bytes, str]]":
    """Return a source of bodies and content types, the same for the same seed."""
    chance = random.Random(seed)
    text = json.dumps(good).encode()

    def mutated(value: object, depth: int = 0) -> object:
        if chance.random() < 0.08 or depth > 6:
            return chance.choice(NASTY)
        if isinstance(value, dict):
            items = [
                (key if chance.random() > 0.05 else str(chance.choice(NASTY)), each) for key, each in value.items()
            ]
            return {key: mutated(each, depth + 1) for key, each in items if chance.random() > 0.03}
        if isinstance(value, list):
            return [mutated(each, depth + 1) for each in value for _ in range(chance.choice((1, 1, 1, 1, 0, 2)))]
        return value

    def spliced() -> bytes:
        at = chance.randrange(len(text))
        return text[:at] + chance.choice(TOKENS) + text[at + chance.randrange(20) :]

    makers = (
        lambda: json.dumps(mutated(good)).encode(errors="replace"),
        lambda: text[: chance.randrange(len(text))],
        spliced,
        lambda: chance.randbytes(chance.randrange(2000)),
        lambda: bytes(byte ^ (chance.random() < 0.01) for byte in text),
        lambda: json.dumps(chance.choice(NASTY)).encode(errors="replace"),
        lambda: text,
    )
    return lambda: (chance.choice(makers)(), chance.choice(TYPES) if chance.random() < 0.2 else TYPES[0])


class Client:
    """One keep-alive connection at a time; a new one when the server has closed it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._sock: socket.socket | None = None

    def post(self, path: str, body: bytes, content_type: str) -> int:
        """Send a request. Returns the answer's status."""
        if self._sock is None:
            self._sock = socket.create_connection(self._address, timeout=20)
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
        self._sock.sendall(head.encode() + body)
        file = self._sock.makefile("rb")
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip().lower():
            name, _, value = line.partition(b": ")
            headers[name] = value
        text = file.read(int(headers.get(b"content-length", 0)))
        if headers.get(b"connection") == b"close":
            self._sock.close()
            self._sock = None
        if b"x-podium-version" not in headers or b"Traceback" in text:
            raise SystemExit(f"an answer without identity, or with a trace: {headers} {text[:500]!r}")
        return status


def memory_mib(pid: int) -> float:
    """The process's resident memory, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Send the bodies, and print how the server bore them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("url")
    options.add_argument("body", type=Path)
    options.add_argument("--pid", type=int, required=True)
    options.add_argument("--count", type=int, default=10_000)
    options.add_argument("--paths", default="/invocations,/api/v1/predict,/api/v1/batch")
    chosen = options.parse_args()
    client, make = Client(chosen.url), bodies(json.loads(chosen.body.read_text()), 0)
    paths = chosen.paths.split(",")
    statuses: Counter[int] = Counter()
    slowest, memory = 0.0, []
    for number in range(chosen.count):
        body, content_type = make()
        started = time.monotonic()
        statuses[client.post(paths[number % len(paths)], body, content_type)] += 1
        slowest = max(slowest, time.monotonic() - started)
        if number % (chosen.count // 10) == 0:
            memory.append(round(memory_mib(chosen.pid), 1))
            sys.stderr.write(f"{number} bodies, memory {memory[-1]} MiB, {dict(statuses)}\n")
    memory.append(round(memory_mib(chosen.pid), 1))
    print(json.dumps({"statuses": statuses, "slowest_s": round(slowest, 3), "memory_mib": memory}))


if __name__ == "__main__":
    main()
