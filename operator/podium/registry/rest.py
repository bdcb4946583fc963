"""MLflow's REST API: one call a function, and its errors in words that say what to check.

https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

import base64
import json
import os
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
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
_READ: Final = 2**20  # bytes at a time
_WAITS: Final = 4  # for all of an answer that is no file
_PATIENCE: Final = 10.0  # seconds for what a server says of an error
_SHOWN: Final = 300  # characters of what a server says
_USERINFO: Final = re.compile(r"(?<=://)[^/\s@]+@")
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Login:
    """Who asks. The values are secrets."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def headers(self) -> dict[str, str]:
        """By MLflow's own precedence: a name with its password before a token. Raises Rejected for what is none."""
        user, password, token, workspace = (
            self.variables.get(f"MLFLOW_{name}", "").strip()
            for name in ("TRACKING_USERNAME", "TRACKING_PASSWORD", "TRACKING_TOKEN", "WORKSPACE")
        )
        for name, value in (("TRACKING_TOKEN", token), ("WORKSPACE", workspace)):
            if not (value.isascii() and value.isprintable()):  # as they would be in no header, and in a traceback
                raise Rejected(f"expected printable ASCII in MLFLOW_{name}, found other characters; do: set it again")
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
            self._read(answer, what, _MOST_BYTES)

    def text(self, path: str, what: str, most: int, /, **query: object) -> bytes:
        """A small file below the server, up to so many bytes."""
        with self._opened("GET", f"{path}{_query(query)}", what) as answer:
            return self._read(answer, what, most)

    def parts(self, path: str, what: str) -> Iterator[bytes]:
        """A file below the server, part by part. Raises Unavailable where it ends before it should."""
        with self._opened("GET", path, what) as answer:
            while part := answer.read(_READ):
                yield part
            if answer.length:  # http.client takes an answer that breaks off for one that has ended
                raise self._broken_off(what, answer.length)

    def listed(self, path: str, what: str, /, **query: object) -> Any:
        """A list below the server that is none of the tracking API: of proxied artifacts."""
        return self._json("GET", f"{path}{_query(query)}", what, None)

    def _json(self, method: str, path: str, what: str, body: Json | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with self._opened(method, path, what, data) as answer:
            read = self._read(answer, what, _MOST_BYTES)
        try:
            found = json.loads(read or b"{}")
        except (ValueError, RecursionError) as error:
            raise self._of_no_mlflow(what, "something that is no JSON") from error
        if not isinstance(found, dict):
            raise self._of_no_mlflow(what, f"JSON that is no object ({type(found).__name__})")
        return found

    @contextmanager
    def understood(self, what: str) -> Iterator[None]:
        """Within this block an answer is taken apart. Raises Rejected where it has another form than MLflow's."""
        try:
            yield
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            found = plain(f"{type(error).__name__}: {error}")[:_SHOWN]
            raise self._of_no_mlflow(what, f"JSON of another form ({found})") from error

    def _of_no_mlflow(self, what: str, found: str) -> Rejected:
        return Rejected(
            f"could not read {what}: {self.uri} answered {found}, as another server than MLflow would; do: check "
            f"{URI}, and that {self.uri}/version answers MLflow's version"
        )

    def _read(self, answer: HTTPResponse, what: str, most: int) -> bytes:
        """Up to so many bytes. Raises Unavailable where the answer breaks off, or has no end within some waits."""
        announced = answer.length
        read, ended = _up_to(answer, most if announced is None else min(most, announced), _WAITS * self._timeout)
        if not ended:
            raise Unavailable(
                f"could not read {what}: {self.uri} does not end its answer; do: see MLflow's log, try again"
            )
        if announced is not None and len(read) < min(most, announced):
            raise self._broken_off(what, announced - len(read))
        return read

    def _broken_off(self, what: str, missing: int) -> Unavailable:
        return Unavailable(f"could not read {what}: {self.uri} broke off {missing} bytes before the end; do: try again")

    @contextmanager
    def _opened(self, method: str, path: str, what: str, data: bytes | None = None) -> Iterator[HTTPResponse]:
        headers = {"Content-Type": "application/json", "Connection": "close", **self._login.headers()}
        request = Request(f"{self.uri}{path}", data=data, method=method, headers=headers)  # noqa: S310  http(s) alone
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                yield answer
        except HTTPError as error:
            with closing(error):
                raise _of_status(error, what, self.uri) from error
        except (URLError, HTTPException, OSError, UnicodeError) as error:
            found = plain(str(getattr(error, "reason", error)) or type(error).__name__)[:_SHOWN]
            raise Unavailable(
                f"could not read {what}: {self.uri} does not answer ({found}); do: check {URI} and that MLflow runs: "
                f"curl {self.uri}/health"
            ) from error


def _up_to(answer: Any, most: int, seconds: float) -> tuple[bytes, bool]:
    """So many bytes at most, and whether they came within the time: a byte now and then would be read for ever."""
    read, until = bytearray(), time.monotonic() + seconds
    while len(read) < most and (part := answer.read1(min(_READ, most - len(read)))):
        read += part
        if time.monotonic() > until:
            return bytes(read), False
    return bytes(read), True


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
    return f"?{urlencode(query, errors='replace')}" if query else ""


def _checked(uri: str) -> str:
    shown = plain(_USERINFO.sub("", uri))[:_SHOWN]
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise Rejected(f"expected the http(s) address of an MLflow server, found {shown}: {error}") from error
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
    if not uri.isascii() or parts.query or parts.fragment:
        raise Rejected(
            f"expected an address of ASCII, without a query or a fragment, found {shown}; do: name the server in {URI}"
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
        said = json.loads(_up_to(error, 2**16, _PATIENCE)[0]).get("message")
    except (ValueError, RecursionError, OSError, HTTPException, AttributeError):
        said = None
    return plain(str(said or error.reason or error.code))[:_SHOWN]
