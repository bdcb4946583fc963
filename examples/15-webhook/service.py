"""A service that answers a gate: it allows the versions that it is told to. `python service.py 7 8`."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Review(BaseHTTPRequestHandler):
    """One question, one verdict."""

    def do_POST(self) -> None:
        """Answer a CloudEvent."""
        if self.headers.get("Authorization") != os.environ.get("AUTHORIZATION"):
            self.send_error(401)
            return
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        version = event["data"]["challenger"]["version"]
        allowed = version in sys.argv[1:]
        verdict = {"allowed": allowed, "message": f"version {version} is {'' if allowed else 'not '}on the list"}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(verdict).encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Review).serve_forever()
