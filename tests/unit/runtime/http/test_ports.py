"""The serving port for IPv4 and IPv6."""

import errno
import socket
from typing import Any

import pytest

from podium.runtime.exits import StartError
from podium.runtime.http.ports import listening
from podium.runtime.settings import Settings


def settings(**changed: Any) -> Settings:
    return Settings(references=(), port=0, **changed)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_address_is_listened_on_by_default(address: str) -> None:
    with listening(settings()) as sock:
        sock.listen()
        socket.create_connection((address, sock.getsockname()[1]), timeout=10).close()


def test_a_machine_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def without(family: int, *more: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *more)

    monkeypatch.setattr(socket, "socket", without)
    with listening(settings()) as sock:
        assert sock.family is socket.AF_INET


def test_the_log_names_a_url_that_can_be_asked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with listening(settings(host="127.0.0.1")) as sock:
        port = sock.getsockname()[1]
    assert f"listening on http://127.0.0.1:{port}" in caplog.text


def test_a_port_that_is_taken_is_refused_by_its_name() -> None:
    with listening(settings(host="127.0.0.1")) as sock:
        sock.listen()
        taken = Settings(references=(), host="127.0.0.1", port=sock.getsockname()[1])
        with pytest.raises(StartError, match=r"127\.0\.0\.1:[0-9]+ cannot be listened on"), listening(taken):
            pass
