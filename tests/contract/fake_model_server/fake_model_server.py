"""A stand-in for the model server. STAND_IN is JSON: version -> how its pods behave."""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = os.environ["PODIUM_MODEL_URI"].rpartition("/")[2]
TOLD = json.loads(os.environ.get("STAND_IN", "{}")).get(VERSION, {})
DIGEST = TOLD.get("digest") or os.environ["PODIUM_MODEL_DIGEST"]
BEGAN = time.monotonic()
LOCK = threading.Lock()
COUNTS = {"ok": 0, "model_error": 0}


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
    lines = [f'podium_model_info{{version="{VERSION}",digest="{DIGEST}"}} 1']
    lines += [
        f'podium_requests_total{{version="{VERSION}",outcome="{name}"}} {count}' for name, count in COUNTS.items()
    ]
    return "\n".join(lines) + "\n"


def end() -> None:
    Path("/dev/termination-log").write_text(TOLD.get("message", ""))
    os._exit(TOLD.get("exit_code", 1))


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if TOLD.get("crash_after") is not None:
    threading.Timer(TOLD["crash_after"], end).start()
ThreadingHTTPServer(("", int(os.environ["PODIUM_PORT"])), Handler).serve_forever()
