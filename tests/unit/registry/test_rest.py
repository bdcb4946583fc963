"""MLflow's REST API: what each kind of refusal tells a person to check."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from podium.errors import NotFound, PodiumError, Rejected, Unavailable
from podium.registry import Registry
from podium.registry.rest import Login, Rest, place


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that answers everything so; and the headers that it was sent."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def said(message: str) -> bytes:
    return json.dumps({"error_code": "X", "message": message}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, said("no login"), Rejected, "wants another login (no login); do: set MLFLOW_TRACKING_USERNAME"),
        (403, said("Invalid Host header"), Rejected, "(Invalid Host header); do: ask for the right"),
        (404, said("no such"), NotFound, "not found at http://127.0.0.1"),
        (400, said("bad filter"), Rejected, "answered 400: bad filter"),
        (429, b"", Unavailable, "answered 429 (Too Many Requests); do: see MLflow's log"),
        (503, b"<html>", Unavailable, "answered 503 (Service Unavailable)"),
        (
            200,
            b"<html>hello</html>",
            Rejected,
            "no JSON, as another server than MLflow would; do: check MLFLOW_TRACKING_URI",
        ),
    ],
)
def test_each_answer_says_what_to_check(status: int, body: bytes, kind: type[PodiumError], words: str) -> None:
    with answering(status, body) as (uri, _), pytest.raises(kind) as raised:
        Rest(uri, Login(), 5).get("registered-models/search", "its registered models")
    assert words in str(raised.value)


def test_a_redirect_is_named_and_gets_no_login() -> None:
    login = Login({"MLFLOW_TRACKING_TOKEN": "t"})
    with answering(200, b"{}") as (other, seen), answering(302, b"", Location=other) as (uri, _):
        with pytest.raises(Rejected, match="redirects to") as raised:
            Rest(uri, login, 5).get("registered-models/search", "its registered models")
        assert "do: name that address in MLFLOW_TRACKING_URI" in str(raised.value)
        assert other in str(raised.value)
        assert seen == []


def test_a_server_that_is_not_there_is_named_with_the_variable() -> None:
    with pytest.raises(Unavailable, match="does not answer") as raised:
        Registry("http://127.0.0.1:1", login={}).models()
    assert "do: check MLFLOW_TRACKING_URI" in str(raised.value)


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        ({"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "pw\n"}, "Basic YW5uOnB3"),
        ({"MLFLOW_TRACKING_TOKEN": "t", "MLFLOW_TRACKING_USERNAME": "ann"}, "Bearer t"),
        ({}, None),
    ],
)
def test_the_login_is_mlflows_own(login: dict[str, str], sent: str | None) -> None:
    with answering(200, b"{}") as (uri, seen):
        Registry(uri, login=login | {"MLFLOW_WORKSPACE": "growth"}).models()
    assert seen[0].get("Authorization") == sent
    assert seen[0]["X-Mlflow-Workspace"] == "growth"
    assert "t" not in repr(Login(login))


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        (
            "sqlite:///mlflow.db",
            "do: start one beside that store (mlflow server --backend-store-uri sqlite:///mlflow.db)",
        ),
        ("./mlruns", "expected the http(s) address of an MLflow server, found ./mlruns"),
        ("http://ann:pw@mlflow", "found one in http://mlflow; do: set MLFLOW_TRACKING_USERNAME"),
        ("http://[::1", "found http://[::1: Invalid IPv6 URL"),
        ("http://mlflow.例え", "expected an address of ASCII"),
        ("http://mlflow?a=b", "without a query or a fragment"),
    ],
)
def test_an_address_that_is_none_of_a_server_is_refused(uri: str, words: str) -> None:
    with pytest.raises(Rejected) as raised:
        Registry(uri, login={})
    assert words in str(raised.value)
    assert "pw" not in str(raised.value)


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_TOKEN", "MLFLOW_WORKSPACE"])
@pytest.mark.parametrize("value", ["pass\nword", "passw€rd"])
def test_a_login_that_fits_in_no_header_is_told_without_it(name: str, value: str) -> None:
    """http.client raises an error with the whole header in it."""
    with pytest.raises(Rejected, match=f"expected printable ASCII in {name}") as raised:
        Registry("http://127.0.0.1:1", login={name: value}).models()
    assert "pass" not in str(raised.value)


def test_without_an_address_the_variable_is_named() -> None:
    with pytest.raises(Rejected, match="export MLFLOW_TRACKING_URI="):
        place("", {})
    assert place("", {"MLFLOW_TRACKING_URI": "http://a", "MLFLOW_REGISTRY_URI": "http://b"}) == "http://b"


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(tmp_path / "ca.pem")}
    with pytest.raises(Rejected, match=r"MLFLOW_TRACKING_SERVER_CERT_PATH: .*ca\.pem: No such file"):
        Rest("https://mlflow", Login(missing), 5)
