"""The two ways to a cluster, and which one this machine takes.

They differ in where the node image comes from, in the pod network and in the tool that builds images.
"""

import os
from pathlib import Path
from typing import Protocol

from testbed.commands import succeeds
from testbed.engine import Engine
from testbed.errors import TestbedError

CHOICE = "PODIUM_TESTBED"


class Way(Protocol):
    """What a cluster needs of the machine."""

    @property
    def name(self) -> str: ...

    @property
    def engine(self) -> Engine: ...

    @property
    def own_network(self) -> bool:
        """Whether the pod network is ours to make."""
        ...

    def ensure_tools(self) -> None:
        """Raises `MissingTools`."""
        ...

    def kind(self) -> Path: ...

    def kubectl(self) -> Path: ...

    def node_image(self) -> str: ...

    def base_image(self) -> str:
        """What `FROM ${BASE}` stands for when Podium's own images are built."""
        ...

    def build(self, image: str, containerfile: Path, context: Path, arguments: dict[str, str]) -> None: ...


def this_machines() -> Way:
    """Docker where an engine answers and the hub can be reached, podman otherwise; `$PODIUM_TESTBED` overrules it."""
    from testbed.docker import DockerWay
    from testbed.podman import PodmanWay

    match os.environ.get(CHOICE, ""):
        case "docker":
            return DockerWay()
        case "podman":
            return PodmanWay()
        case "":
            return DockerWay() if _docker_answers() and DockerWay().has_node_image() else PodmanWay()
        case other:
            raise TestbedError(f"{CHOICE} is {other!r}; it may be docker or podman")


def _docker_answers() -> bool:
    return succeeds(["docker", "info"], timeout=10)
