"""Several logins in one process. MLflow reads one login from the environment; here each call brings its own.

MLflow asks its *request auth* plugin, named by MLFLOW_TRACKING_AUTH, for every request. Ours looks up the login of the
call in a context variable. The login is exactly what the call brought: what MLflow found in the environment or in
~/.mlflow/credentials is taken off, and nothing is sent to any address but the registry's own, wherever an artifact
location or a redirect may point.
"""

import base64
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider
from mlflow.tracking.request_auth.registry import _request_auth_provider_registry
from requests.exceptions import ConnectionError as HttpConnectionError

from podium.adapters.reach import AddressRefused, check_host, reaching
from podium.adapters.registries.mlflow.bounded import read_bounded
from podium.api.v1alpha1 import reasons
from podium.errors import Rejected
from podium.ports import RegistryLogin

PLUGIN: Final = "podium"
_MLFLOW: Final = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
AWS_KEY, AWS_SECRET, AWS_TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
AWS_REGION, S3_ENDPOINT = "AWS_DEFAULT_REGION", "MLFLOW_S3_ENDPOINT_URL"
LOGIN_VARIABLES: Final = (*_MLFLOW, AWS_KEY, AWS_SECRET, AWS_TOKEN, AWS_REGION, S3_ENDPOINT)
_NO_SECRETS: Final = frozenset({AWS_REGION, S3_ENDPOINT})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class _Pass:
    """What requests to one address carry."""

    origin: tuple[str, str | None, int | None]
    header: str | None
    foreign: bool = False


_pass: ContextVar[_Pass | None] = ContextVar("registry login", default=None)


@contextmanager
def logged_in(login: RegistryLogin) -> Iterator[None]:
    """Within this block, in this thread, requests of MLflow's client carry this login and no other.

    Raises Rejected: the login holds characters that no header may hold.
    """
    token = _pass.set(_Pass(_origin(login.uri), authorization(login.variables), login.foreign))
    try:
        with reaching(login.networks):
            yield
    finally:
        _pass.reset(token)


def secrets(login: RegistryLogin) -> Sequence[str]:
    """What of this login must never be read in a message, longest first."""
    found = {value.strip() for name, value in login.variables.items() if name not in _NO_SECRETS}
    return sorted(found - {""}, key=len, reverse=True)


def register() -> None:
    """Make the plugin known to MLflow, once. Its entry point would need an installed distribution."""
    if not any(provider.get_name() == PLUGIN for provider in _request_auth_provider_registry):
        _request_auth_provider_registry.register(_Provider)


def authorization(variables: Mapping[str, str]) -> str | None:
    """Return the header that the variables ask for, by MLflow's own precedence, or None where they ask for none.

    Raises Rejected: the token holds characters that no header may hold.
    """
    username, password, token = (
        # A Secret made from a file ends in a newline, which no header may hold.
        variables.get(f"MLFLOW_TRACKING_{part}", "").strip()
        for part in ("USERNAME", "PASSWORD", "TOKEN")
    )
    if username and password:
        return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
    if token and not _TOKEN.fullmatch(token):
        raise Rejected(
            "MLFLOW_TRACKING_TOKEN holds characters that cannot be sent, such as spaces or line breaks. Check the "
            "Secret that spec.registry.secretName names",
            reason=reasons.LOGIN_REJECTED,
        )
    return f"Bearer {token}" if token else None


class _Provider(RequestAuthProvider):  # type: ignore[misc]  # MLflow is untyped here
    """MLflow's plugin interface."""

    def get_name(self) -> str:
        return PLUGIN

    def get_auth(self) -> Any:
        return _authorized


def _authorized(request: Any) -> Any:
    """Put the login of this call into a prepared request. Outside of `logged_in`, MLflow's own ways stay in force."""
    carried = _pass.get()
    if carried is not None:
        request.headers.pop("Authorization", None)
        if carried.header and _origin(request.url) == carried.origin:
            request.headers["Authorization"] = carried.header
        if carried.foreign:
            _check(urlsplit(request.url).hostname or "")  # MLflow's client keeps connections for all
            request.register_hook("response", _stay)
        request.register_hook("response", read_bounded)
    return request


def _check(host: str) -> None:
    """Raises AddressRefused, and the HTTP client's own error where the name does not resolve, as it does elsewhere."""
    try:
        check_host(host)
    except (socket.gaierror, UnicodeError) as error:
        raise HttpConnectionError(error) from error


def _stay(response: Any, **_: Any) -> None:
    """Raises AddressRefused for a redirect to another server: a connection that is kept could be another tenant's."""
    if not response.is_redirect:
        return
    there = _origin(urljoin(response.url, response.headers["location"]))
    here = _origin(response.url)
    secured = (here[0], there[0]) == ("http", "https") and here[1] == there[1]
    if there != here and not secured:
        response.close()  # what is raised here is not handed to the client, which closes what it has
        raise AddressRefused


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
