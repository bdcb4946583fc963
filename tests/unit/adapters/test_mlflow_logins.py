"""Several logins in one process, each sent to its own registry and nowhere else."""

import base64
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.tracking.request_auth.registry import fetch_auth

from podium.adapters.registries.mlflow import process
from podium.adapters.registries.mlflow.logins import PLUGIN, authorization, logged_in
from podium.errors import Rejected
from podium.ports import RegistryLogin

ALICE = RegistryLogin("http://mlflow.ml:5000", {"MLFLOW_TRACKING_TOKEN": "of-alice"})
BOB = RegistryLogin("http://mlflow.ml:5000", {"MLFLOW_TRACKING_USERNAME": "bob", "MLFLOW_TRACKING_PASSWORD": "x:y"})
NO_SLOT = RegistryLogin("http://mlflow.ml:5000", {})


def test_a_user_and_a_password_come_before_a_token() -> None:
    variables = {**BOB.variables, **ALICE.variables}
    assert authorization(variables) == f"Basic {base64.b64encode(b'bob:x:y').decode()}"


def test_a_user_without_a_password_is_no_login() -> None:
    assert authorization({"MLFLOW_TRACKING_USERNAME": "bob"}) is None


def test_the_line_break_at_the_end_of_a_secret_is_not_sent() -> None:
    assert authorization({"MLFLOW_TRACKING_TOKEN": "of-alice\n"}) == "Bearer of-alice"


def test_a_token_that_cannot_be_sent_is_refused_and_not_told() -> None:
    login = RegistryLogin("http://mlflow.ml:5000", {"MLFLOW_TRACKING_TOKEN": "of\nalice"})
    with pytest.raises(Rejected, match="MLFLOW_TRACKING_TOKEN") as caught, logged_in(login):
        pass
    assert "alice" not in str(caught.value)


def test_a_request_carries_the_login_of_its_call() -> None:
    with logged_in(ALICE):
        assert _sent("http://mlflow.ml:5000/api")["Authorization"] == "Bearer of-alice"
    with logged_in(BOB):
        assert _sent("http://mlflow.ml:5000/api")["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "url", ["http://evil.example:5000/", "https://mlflow.ml:5000/", "http://mlflow.ml:5001/", "http://mlflow.ml/"]
)
def test_no_login_is_sent_to_another_address(url: str) -> None:
    with logged_in(ALICE):
        assert "Authorization" not in _sent(url)


def test_a_default_port_is_the_same_address() -> None:
    with logged_in(RegistryLogin("https://mlflow.ml", ALICE.variables)):
        assert "Authorization" in _sent("https://mlflow.ml:443/api")


def test_the_login_of_the_process_is_taken_off_where_a_call_brings_none() -> None:
    with logged_in(NO_SLOT):
        assert "Authorization" not in _sent("http://mlflow.ml:5000/", {"Authorization": "Bearer of-the-operator"})


def test_outside_of_a_call_mlflow_does_as_it_always_does() -> None:
    assert _sent("http://mlflow.ml:5000/", {"Authorization": "as it was"}) == {"Authorization": "as it was"}


def test_what_the_manifest_sets_for_mlflow_stays() -> None:
    environ = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "300", "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true"}
    process.prepare(environ)
    assert environ["MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"] == "false"  # its threads know no login
    assert environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "300"
    assert environ["MLFLOW_TRACKING_AUTH"] == PLUGIN


def _sent(url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, str]:
    process.prepare({})
    request: Any = SimpleNamespace(url=url, headers=dict(headers or {}), register_hook=lambda *_: None)
    sent: Mapping[str, str] = fetch_auth(PLUGIN)(request).headers
    return sent
