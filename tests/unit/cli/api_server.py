"""A small API server of the tests' own, in a thread: objects, lists, watches and patches."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN: Final = "secret"
NAMED: Final = "/apis/podium.dev/v1alpha1/namespaces/ml/modeldeployments"
ALL: Final = "/apis/podium.dev/v1alpha1/modeldeployments"
PODS: Final = "/api/v1/namespaces/ml/pods"
EVENTS: Final = "/apis/events.k8s.io/v1/namespaces/ml/events"
TOKENS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
WHO: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
COLLECTIONS: Final = (NAMED, ALL, PODS, EVENTS)
Json = dict[str, Any]


class ApiServer:
    """Its objects by path, and what was asked of it."""

    def __init__(self) -> None:
        self.kept: dict[str, Json] = {}
        self.refused: dict[str, tuple[int, str]] = {}  # by path: status and message
        self.refused_writes: dict[str, tuple[int, str]] = {}
        self.races = 0  # so many of the next writes find that another client wrote first
        self.users: list[str | None] = []  # that each request impersonated
        self.writers: list[str | None] = []  # whom each write impersonated
        self.queries: list[str] = []
        self.reads: Counter[str] = Counter()  # by path; a watch counts once it has ended
        self.patches: list[tuple[str, Json]] = []
        self.answered: dict[str, str] = {}  # by path, the last answer
        self.tokens: dict[str, Json] = {}  # users of TokenReviews, by token
        self.readers: set[str] | None = None  # who may read and write anything; None for everyone
        self.groups: list[list[str]] = []  # that each request impersonated
        self.logs: dict[str, list[str]] = {}  # by path: lines, each after its time
        self.allowed = True  # what reviews of the caller's rights say
        self.reviews: list[Json] = []
        self.user = "alice"  # whom the API server takes the caller for
        self.url = ""
        self.epoch = 0  # of watches: those of an earlier one have ended
        self.changed = Condition()
        self._version = 1

    def put(self, path: str, value: Json) -> None:
        """The object is there now; watches tell of it."""
        with self.changed:
            self._version += 1
            value = json.loads(json.dumps(value))
            value.setdefault("metadata", {})["resourceVersion"] = str(self._version)
            self.kept[path] = value
            self.changed.notify_all()

    def log(self, pod: str, *lines: str) -> None:
        """The pod of namespace ml logs these lines."""
        with self.changed:
            self.logs.setdefault(f"{PODS}/{pod}/log", []).extend(lines)
            self.changed.notify_all()

    def update(self, path: str, change: Callable[[Json], object]) -> None:
        """Another client changes it."""
        value = json.loads(json.dumps(self.kept[path]))
        change(value)
        self.put(path, value)

    def end_watches(self) -> None:
        """Those that are open end, as each does after a while."""
        with self.changed:
            self.epoch += 1
            self.changed.notify_all()

    def delete(self, path: str) -> None:
        with self.changed:
            del self.kept[path]
            self._version += 1
            self.changed.notify_all()

    def shown(self, path: str, word: str) -> None:
        """Wait until the client has been answered there with something that has this word in it."""
        with self.changed:
            assert self.changed.wait_for(lambda: word in self.answered.get(path, ""), timeout=20)

    def read_times(self, path: str, times: int) -> None:
        """Wait until the client has read there so many times."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.reads[path] >= times, timeout=20)

    def listed(self, path: str) -> list[Json]:
        if path == ALL:
            return [value for at, value in self.kept.items() if "/modeldeployments/" in at]
        return [value for at, value in self.kept.items() if at.rpartition("/")[0] == path]

    def merged(self, path: str, patch: Json) -> tuple[int, Json]:
        """The object after a merge patch (RFC 7396), where its resourceVersion is still the newest."""
        found = self.kept.get(path)
        if found is None:
            return 404, _status("NotFound", f"{path} not found")
        if self.races:
            self.races -= 1
            self.update(path, lambda it: it["metadata"].update(annotations={"raced": str(self.races)}))
        expected = patch.get("metadata", {}).get("resourceVersion")
        if expected is not None and expected != self.kept[path]["metadata"]["resourceVersion"]:
            return 409, _status("Conflict", "the object has been modified")
        self.patches.append((path, patch))
        value = merge(self.kept[path], {key: part for key, part in patch.items() if key != "metadata"})
        value["metadata"]["generation"] = value["metadata"].get("generation", 1) + 1
        self.put(path, value)
        return 200, self.kept[path]


def merge(value: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, part in patch.items():
        if part is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), part)
    return result


def _status(reason: str, message: str) -> Json:
    return {"kind": "Status", "reason": reason, "message": message}


class _Handler(BaseHTTPRequestHandler):
    """One connection to it."""

    world: ApiServer
    ending: Event

    def do_GET(self) -> None:
        parts, world = urlsplit(self.path), self.world
        world.users.append(self.headers["Impersonate-User"])
        world.queries.append(unquote(parts.query))
        world.groups.append(self.headers.get_all("Impersonate-Group") or [])
        if self._may_not():
            self._answer(403, _status("Forbidden", f"user {self.headers['Impersonate-User']} may not"))
        elif parts.path in world.refused:
            status, message = world.refused[parts.path]
            self._answer(status, _status("Forbidden", message))
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, _status("Unauthorized", "no token"))
        elif parts.path in world.logs:
            self._log(parts.path, follow="follow" in parse_qs(parts.query))
        elif "watch" in parse_qs(parts.query):
            self._watch(parts.path)
        elif parts.path in COLLECTIONS:
            self._answer(200, {"items": world.listed(parts.path), "metadata": {}})
        else:
            missing = 404, _status("NotFound", f"{parts.path} not found")
            self._answer(*((200, world.kept[parts.path]) if parts.path in world.kept else missing))
        with world.changed:
            world.reads[parts.path] += 1
            world.changed.notify_all()

    def _may_not(self) -> bool:
        return self.world.readers is not None and self.headers["Impersonate-User"] not in self.world.readers

    def do_POST(self) -> None:
        asked, status = self._body(), {"userInfo": {"username": self.world.user}, "allowed": self.world.allowed}
        self.world.reviews.append(asked)
        if urlsplit(self.path).path == TOKENS:
            user = self.world.tokens.get(asked["spec"]["token"])
            status = {"authenticated": user is not None} | ({"user": user} if user is not None else {})
        self._answer(201, {"status": status})

    def do_PATCH(self) -> None:
        self.world.writers.append(self.headers["Impersonate-User"])
        self.world.users.append(self.headers["Impersonate-User"])
        path, patch = urlsplit(self.path).path, self._body()
        if self._may_not():
            self._answer(403, _status("Forbidden", f"user {self.headers['Impersonate-User']} may not"))
            return
        if path in self.world.refused_writes:
            status, message = self.world.refused_writes[path]
            self._answer(status, _status("Invalid", message))
            return
        self._answer(*self.world.merged(path, patch))

    def _body(self) -> Json:
        found: Json = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return found

    def _log(self, path: str, *, follow: bool) -> None:
        """The lines that are there, and where it is followed, those that come."""
        self.send_response(200)
        self.end_headers()
        told = 0
        with suppress(OSError):
            while True:
                now = list(self.world.logs.get(path, ()))
                self.wfile.write("".join(f"{line}\n" for line in now[told:]).encode())
                self.wfile.flush()
                told = len(now)
                if not follow or self.ending.is_set() or path not in self.world.logs:
                    return
                with self.world.changed:
                    self.world.changed.wait(0.05)

    def _watch(self, path: str) -> None:
        """All that is there, and then one event a change, until the server or the client ends."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        told: dict[str, Json] = {}
        epoch = self.world.epoch
        with suppress(OSError):  # the client has gone
            while not self.ending.is_set() and self.world.epoch == epoch:
                now = {value["metadata"]["name"]: value for value in self.world.listed(path)}
                for name, value in now.items():
                    if told.get(name) != value:
                        self._tell("MODIFIED" if name in told else "ADDED", value)
                for name in told.keys() - now.keys():
                    self._tell("DELETED", told[name])
                told = now
                with self.world.changed:
                    self.world.changed.wait(0.05)

    def _tell(self, kind: str, value: Json) -> None:
        self.wfile.write(json.dumps({"type": kind, "object": value}).encode() + b"\n")
        self.wfile.flush()

    def _answer(self, status: int, value: Json) -> None:
        body = json.dumps(value).encode()
        self.world.answered[urlsplit(self.path).path] = body.decode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
        """Nothing: what was asked is seen in the answer."""


@contextmanager
def serving() -> Iterator[ApiServer]:
    """One that listens until the end of the block."""
    found, over = ApiServer(), Event()
    handler = type("Handler", (_Handler,), {"world": found, "ending": over})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        found.url = f"http://127.0.0.1:{httpd.server_address[1]}"
        try:
            yield found
        finally:
            over.set()
            httpd.shutdown()
            thread.join()
