"""Which backend this machine uses."""

import os

from testbed.backend import Backend
from testbed.commands import succeeds
from testbed.docker import DockerBackend
from testbed.errors import TestbedError
from testbed.podman import PodmanBackend

VARIABLE = "PODIUM_TESTBED"


def choose_backend() -> Backend:
    """Docker where an engine answers and the hub can be reached, podman otherwise; `$PODIUM_TESTBED` overrides it."""
    match os.environ.get(VARIABLE, ""):
        case "docker":
            return DockerBackend()
        case "podman":
            return PodmanBackend()
        case "":
            return DockerBackend() if _docker_answers() and DockerBackend().has_node_image() else PodmanBackend()
        case other:
            raise TestbedError(f"{VARIABLE} is {other!r}; it may be docker or podman")


def _docker_answers() -> bool:
    return succeeds(["docker", "info"], timeout=10)
