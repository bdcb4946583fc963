"""A stand-in for the model server. STAND_IN is JSON: version -> how its pods behave."""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FILE = os.environ.get("PODIUM_MODEL_FILE")


def named() -> tuple[str, str]:
    """Version and digest that it is to serve: the file's, where there is one."""
    if FILE is None:
        return os.environ["PODIUM_MODEL_URI"].rpartition("/")[2], os.environ["PODIUM_MODEL_DIGEST"]
    found = json.loads(Path(FILE).read_text())
    return found["uri"].rpartition("/")[2], found["digest"]


def told_of(version: str) -> dict[str, Any]:
    return dict(json.loads(os.environ.get("STAND_IN", "{}")).get(version, {}))


FIRST = named()
SERVES = [FIRST]  # the last one is served
TOLD = told_of(FIRST[0])
BEGAN = time.monotonic()
LOCK = threading.Lock()
COUNTS = {"ok": 0, "model_error": 0}
RELOADS = [(FIRST[1], "served", "")]  # the last one holds


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = time.monotonic() - BEGAN >= TOLD.get("ready_after", 0)
        if self.path == "/metrics" and not TOLD.get("silent"):
            self._say(200, metrics())
        else:
            self._say(200 if ready and self.path != "/metrics" else 503, "")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with LOCK:
            answers = sum(COUNTS.values()) + 1
            bad = int(answers * TOLD.get("bad_share", 0) + 1e-9) > COUNTS["model_error"]
            COUNTS["model_error" if bad else "ok"] += 1
        self._say(500 if bad else 200, "{}")

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def metrics() -> str:
    version, digest = SERVES[-1]
    lines = [f'podium_model_info{{version="{version}",digest="{TOLD.get("digest") or digest}"}} 1']
    lines += [
        f'podium_requests_total{{version="{version}",outcome="{name}"}} {count}' for name, count in COUNTS.items()
    ]
    if FILE is not None:
        digest, state, reason = RELOADS[-1]
        lines.append(f'podium_reload_info{{digest="{digest}",state="{state}",reason="{reason}"}} 1')
    return "\n".join(lines) + "\n"


def follow() -> None:
    """Serve what the file names, where that can be loaded in place."""
    while True:
        time.sleep(0.1)
        wanted = named()
        failure = told_of(wanted[0]).get("reload_failure", "")
        if wanted == SERVES[-1] or not failure:
            SERVES.append(wanted)
        served = wanted == SERVES[-1]
        RELOADS.append((wanted[1], "served" if served else "failed", "" if served else failure))
        del SERVES[:-1], RELOADS[:-1]


def end() -> None:
    Path("/dev/termination-log").write_text(TOLD.get("message", ""))
    os._exit(TOLD.get("exit_code", 1))


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if FILE is not None:
    threading.Thread(target=follow, daemon=True).start()
if TOLD.get("crash_after") is not None:
    threading.Timer(TOLD["crash_after"], end).start()
ThreadingHTTPServer(("", int(os.environ["PODIUM_PORT"])), Handler).serve_forever()
