"""MLflow's REST API: one call a function, and its errors in words that say what to check.

https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

import base64
import json
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from podium.core.printable import plain
from podium.errors import NotFound, PodiumError, Rejected, Unavailable

URI: Final = "MLFLOW_TRACKING_URI"
_API: Final = "/api/2.0/mlflow/"
_MOST_BYTES: Final = 256 * 2**20  # of an answer: 10,000 versions with tags are some 10 MiB
_SHOWN: Final = 300  # characters of what a server says
_USERINFO: Final = re.compile(r"(?<=://)[^/\s@]+@")
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Login:
    """Who asks. The values are secrets."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def headers(self) -> dict[str, str]:
        """By MLflow's own precedence: a name with its password before a token."""
        user, password, token, workspace = (
            self.variables.get(f"MLFLOW_{name}", "").strip()
            for name in ("TRACKING_USERNAME", "TRACKING_PASSWORD", "TRACKING_TOKEN", "WORKSPACE")
        )
        headers = {"X-MLFLOW-WORKSPACE": workspace} if workspace else {}
        if user and password:
            return {**headers, "Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
        return {**headers, "Authorization": f"Bearer {token}"} if token else headers


class _NoRedirect(HTTPRedirectHandler):
    """A login is sent to the address that a person named, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Rest:
    """One MLflow server, asked by one person."""

    def __init__(self, uri: str, login: Login, timeout: float) -> None:
        """`timeout` in seconds, for each wait. Raises Rejected where the address is none of an MLflow server."""
        self.uri = _checked(uri)
        self._login, self._timeout = login, timeout
        self._opener = _opener(login)

    def get(self, path: str, what: str, /, **query: object) -> Any:
        """What the server answers. `what` names it in messages: `registered model "churn"`."""
        return self._json("GET", f"{_API}{path}{_query(query)}", what, None)

    def post(self, path: str, what: str, body: Json) -> Any:
        """The same for a call that changes something, or searches."""
        return self._json("POST", f"{_API}{path}", what, body)

    def patch(self, path: str, what: str, body: Json) -> Any:
        """The same."""
        return self._json("PATCH", f"{_API}{path}", what, body)

    def delete(self, path: str, what: str, body: Json) -> Any:
        """The same."""
        return self._json("DELETE", f"{_API}{path}", what, body)

    def put(self, path: str, what: str, content: bytes) -> None:
        """Keep these bytes at a path below the server."""
        with self._opened("PUT", path, what, content) as answer:
            answer.read(_MOST_BYTES)

    def text(self, path: str, what: str, most: int, /, **query: object) -> bytes:
        """A small file below the server, up to so many bytes."""
        with self._opened("GET", f"{path}{_query(query)}", what) as answer:
            return answer.read(most)

    @contextmanager
    def stream(self, path: str, what: str) -> Iterator[HTTPResponse]:
        """A file below the server, to be read in parts."""
        with self._opened("GET", path, what) as answer:
            yield answer

    def listed(self, path: str, what: str, /, **query: object) -> Any:
        """A list below the server that is none of the tracking API: of proxied artifacts."""
        return self._json("GET", f"{path}{_query(query)}", what, None)

    def _json(self, method: str, path: str, what: str, body: Json | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with self._opened(method, path, what, data) as answer:
            read = answer.read(_MOST_BYTES)
        try:
            return json.loads(read or b"{}")
        except ValueError as error:
            raise Rejected(
                f"could not read {what}: {self.uri} answered something that is no JSON, as another server than MLflow "
                f"would; do: check {URI}, and that {self.uri}/version answers MLflow's version"
            ) from error

    @contextmanager
    def _opened(self, method: str, path: str, what: str, data: bytes | None = None) -> Iterator[HTTPResponse]:
        headers = {"Content-Type": "application/json", "Connection": "close", **self._login.headers()}
        request = Request(f"{self.uri}{path}", data=data, method=method, headers=headers)  # noqa: S310  http(s) alone
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                yield answer
        except HTTPError as error:
            raise _of_status(error, what, self.uri) from error
        except (URLError, HTTPException, OSError) as error:
            found = plain(str(getattr(error, "reason", error)) or type(error).__name__)[:_SHOWN]
            raise Unavailable(
                f"could not read {what}: {self.uri} does not answer ({found}); do: check {URI} and that MLflow runs: "
                f"curl {self.uri}/health"
            ) from error


def place(uri: str, environ: Mapping[str, str] = os.environ) -> str:
    """The address that is given, or that the environment names. Raises Rejected where neither does."""
    found = uri or environ.get("MLFLOW_REGISTRY_URI", "") or environ.get(URI, "")
    if not found:
        raise Rejected(f"no registry is named; do: export {URI}=https://mlflow.example.com, or name it with --registry")
    return found


def segment(text: str) -> str:
    """One segment of a path."""
    return quote(text, safe="")


def _query(query: Mapping[str, object]) -> str:
    return f"?{urlencode(query)}" if query else ""


def _checked(uri: str) -> str:
    parts = urlsplit(uri)
    shown = plain(_USERINFO.sub("", uri))[:_SHOWN]
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Rejected(
            f"expected the http(s) address of an MLflow server, found {shown}; do: start one beside that store (mlflow "
            f"server --backend-store-uri {shown}), and name its address in {URI}"
        )
    if parts.username or parts.password:
        raise Rejected(
            f"expected an address without a login, found one in {shown}; do: set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        )
    return uri.rstrip("/")


def _opener(login: Login) -> OpenerDirector:
    cafile = login.variables.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None
    try:
        return build_opener(_NoRedirect, HTTPSHandler(context=ssl.create_default_context(cafile=cafile)))
    except OSError as error:
        raise Rejected(f"could not read MLFLOW_TRACKING_SERVER_CERT_PATH: {cafile}: {error.strerror}") from error


def _of_status(error: HTTPError, what: str, uri: str) -> PodiumError:
    """The error of Podium for an answer that is none of 2xx, by what a person does next."""
    said = _said(error)
    match error.code:
        case 401:
            advice = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
            return Rejected(f"could not read {what}: {uri} wants another login ({said}); do: {advice}")
        case 403:
            advice = "ask for the right; or, where MLflow refuses its own name, start it with --allowed-hosts"
            return Rejected(f"could not read {what}: {uri} refuses it ({said}); do: {advice}")
        case 404:
            return NotFound(f"{what} not found at {uri} ({said}); do: podium models list")
        case code if 300 <= code < 400:  # noqa: PLR2004  HTTP's classes
            where = plain(str(error.headers.get("Location", "")))[:_SHOWN]
            return Rejected(f"could not read {what}: {uri} redirects to {where}; do: name that address in {URI}")
        case code if code >= 500 or code == 429:  # noqa: PLR2004
            return Unavailable(
                f"could not read {what}: {uri} answered {code} ({said}); do: see MLflow's log, try again"
            )
        case code:
            return Rejected(f"could not read {what}: {uri} answered {code}: {said}")


def _said(error: HTTPError) -> str:
    """MLflow's own message, or the status's name."""
    try:
        said = json.loads(error.read(2**16)).get("message")
    except (ValueError, OSError, HTTPException, AttributeError):
        said = None
    return plain(str(said or error.reason or error.code))[:_SHOWN]
