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
    raise SystemExit("wrk is not installed: wanted the package `wrk` (apt-get install wrk)")


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
        raise SystemExit(f"wrk said what nobody here understands:\n{text}")
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Measured(float(rate[1]), float(p99[1]) * _UNITS[p99[2]], int(failed[1]) if failed else 0)
