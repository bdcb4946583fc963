"""Where the events of a Provider go, by its spec and its Secret."""

from typing import Any

import pytest

from podium.api.v1alpha1.alerting import ProviderSpec
from podium.controller.workers.targets import target_of
from podium.errors import NotFound

MAIL: dict[str, Any] = {
    "type": "smtp",
    "address": "smtp://mail.example.com",
    "channel": "ml@example.com",
    "username": "podium@example.com",
    "secretRef": {"name": "mail"},
}
CHAT: dict[str, Any] = {"type": "slack", "secretRef": {"name": "slack"}}


def test_a_mail_server_gets_a_name_and_a_password() -> None:
    made = target_of(ProviderSpec.model_validate(MAIL), {"username": "podium", "password": "s3cret\n"}, "it")
    assert (made.address, made.login, made.token) == ("smtp://mail.example.com", "podium", "s3cret")
    assert "s3cret" not in repr(made)
    assert target_of(ProviderSpec.model_validate(MAIL), {"token": "t0"}, "it").token is None


@pytest.mark.parametrize(
    ("spec", "secret", "said"),
    [
        (MAIL, {"username": "podium"}, "it has one of the keys username and password: add the other one"),
        (MAIL, {"username": "podium", "password": "two\nlines"}, "it has no key password of printable ASCII"),
        (MAIL, {"headers": "Bcc: all@example.com"}, "it: a Provider of type smtp sends no headers"),
        (MAIL, {"address": "https://mail.example.com"}, "it has no key address with smtp://… or smtps://…: add it"),
        (CHAT, {"address": "smtp://mail.example.com"}, "it has no key address with http://… or https://…: add it"),
        (CHAT, {"address": "https://slack.example.com", "token": "ä"}, "it has no key token of printable ASCII"),
    ],
)
def test_what_a_secret_lacks_is_told(spec: dict[str, Any], secret: dict[str, str], said: str) -> None:
    with pytest.raises(NotFound, match=said) as caught:
        target_of(ProviderSpec.model_validate(spec), secret, "it")
    assert "example.com" not in str(caught.value)
