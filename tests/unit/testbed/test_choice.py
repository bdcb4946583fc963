"""The machine decides which backend is used, and a person can override it."""

import pytest

from testbed import choice
from testbed.docker import DockerBackend
from testbed.errors import TestbedError


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a Docker engine and a hub within reach."""
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    monkeypatch.setattr(choice, "_docker_answers", lambda: True)
    monkeypatch.setattr(DockerBackend, "has_node_image", lambda _: True)


def test_docker_is_used_where_engine_and_hub_answer() -> None:
    assert choice.choose_backend().name == "docker"


def test_podman_is_used_where_no_engine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_docker_answers", lambda: False)
    assert choice.choose_backend().name == "podman"


def test_podman_is_used_where_the_hub_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DockerBackend, "has_node_image", lambda _: False)
    assert choice.choose_backend().name == "podman"


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_person_overrides_the_machine(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(choice.VARIABLE, name)
    assert choice.choose_backend().name == name


def test_an_unknown_backend_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, "lxc")
    with pytest.raises(TestbedError, match="docker or podman"):
        choice.choose_backend()
