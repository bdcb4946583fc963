"""The machine decides which way is taken, and a person can overrule it."""

import pytest

from testbed import choice
from testbed.docker import DockerWay
from testbed.errors import TestbedError


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a Docker engine and a hub within reach."""
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    monkeypatch.setattr(choice, "_docker_answers", lambda: True)
    monkeypatch.setattr(DockerWay, "has_node_image", lambda _: True)


def test_docker_is_taken_where_engine_and_hub_answer() -> None:
    assert choice.this_machines().name == "docker"


def test_podman_is_taken_where_no_engine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_docker_answers", lambda: False)
    assert choice.this_machines().name == "podman"


def test_podman_is_taken_where_the_hub_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DockerWay, "has_node_image", lambda _: False)
    assert choice.this_machines().name == "podman"


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_person_overrules_the_machine(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(choice.VARIABLE, name)
    assert choice.this_machines().name == name


def test_an_unknown_way_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, "lxc")
    with pytest.raises(TestbedError, match="docker or podman"):
        choice.this_machines()
