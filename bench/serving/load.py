"""wrk: asks as fast as it is answered, and measures."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Measured:
    """One run of wrk."""

    per_second: float
    p99_seconds: float
    failed: int


def require_wrk() -> None:
    """Install wrk where that is ours to do; say what is missing otherwise."""
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing wrk …", flush=True)
        subprocess.run(["apt-get", "install", "-y", "-q", "wrk"], check=True, stdout=subprocess.DEVNULL)
        return
    raise SystemExit("wrk is not installed: expected the package `wrk` (apt-get install wrk)")


def script(body: Path) -> Path:
    """Write the Lua script that posts a file's content."""
    lua = body.with_suffix(".lua")
    lua.write_text(
        'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        f'local file = io.open("{body}")\n'
        'wrk.body = file:read("*a")\n'
        "file:close()\n"
    )
    return lua


def measure(url: str, lua: Path, connections: int, seconds: int) -> Measured:
    """Run wrk once. Raises CalledProcessError and SystemExit."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "--latency", "-s", str(lua), url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate, p99 = re.search(r"Requests/sec:\s+([0-9.]+)", text), re.search(r"99%\s+([0-9.]+)(us|ms|s|m)", text)
    if rate is None or p99 is None:
        raise SystemExit(f"wrk: expected its report, found:\n{text}")
    if float(rate[1]) == 0:
        raise SystemExit(f"wrk: expected answers, found none; does {url} answer?\n{text}")
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Measured(float(rate[1]), float(p99[1]) * _UNITS[p99[2]], int(failed[1]) if failed else 0)


def has_h2load() -> bool:
    """Install h2load where that is ours to do. Returns whether it is here."""
    if not shutil.which("h2load") and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-q", "nghttp2-client"], check=False, stdout=subprocess.DEVNULL)
    return shutil.which("h2load") is not None


def h2load(url: str, body: Path, connections: int, seconds: int, content_type: str, *, http1: bool) -> float:
    """Return answers a second, by a client that speaks HTTP/1.1 and HTTP/2 alike."""
    command = ["h2load", "-t1", f"-c{connections}", "-m1", f"-D{seconds}", "-d", str(body)]
    command += ["-H", f"content-type: {content_type}", *(["--h1"] if http1 else ["-H", "te: trailers"]), url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate = answers_per_second(text)
    if rate is None:
        raise SystemExit(f"h2load: expected answers only, and some, found:\n{text}")
    return rate


def answers_per_second(text: str) -> float | None:
    """Read what h2load says; None: some request failed, or none was answered, which is no rate."""
    rate, failed = re.search(r"finished in [^,]+, ([0-9.]+) req/s", text), re.search(r"(\d+) failed", text)
    if rate is None or failed is None or failed[1] != "0":
        return None
    return float(rate[1]) or None
